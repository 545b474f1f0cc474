"""Numbers as people read them. None is "not measured", in short "–", and never 0."""

from __future__ import annotations

import math

NOT_MEASURED = "not measured"
NOTHING = "–"
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_AGES = (2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits: `0.142`, `12,345`, `3.2e-5`, `nan`, `inf`."""
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "−inf"
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1e-3 or size >= 1e9:
        return _minus(_scientific(value, digits))
    if size >= 10 ** (digits - 1):
        return _minus(f"{value:,.0f}")
    places = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:.{places}f}"
    return _minus(text.rstrip("0").rstrip(".") if "." in text else text)


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def _minus(text: str) -> str:
    """The true minus sign, as wide as a digit, and none before a number that was rounded to 0."""
    return text if not text.startswith("-") else text[1:] if not text.strip("-0.,") else f"−{text[1:]}"


def signed(value: float, digits: int = 2) -> str:
    """A change in few characters, with its sign: `+0.08`, `−12`, `+105k`."""
    for scale, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if scale <= abs(value) < 1e12:
            text = _minus(f"{value / (1e3 if letter == 'k' else scale):.3g}{letter}")
            break
    else:
        text = number(value, digits)
    return text if text.startswith("−") or text in {"0", "nan"} else f"+{text}"


def quantity(value: float | None, unit: str, digits: int = 3) -> str:
    """A number with its unit, or with none: `0.142 nat/token`."""
    if value is None:
        return NOT_MEASURED
    return f"{number(value, digits)} {unit}".rstrip()


def count(value: int | None) -> str:
    """A whole number, thousands grouped: `1,240`."""
    return NOTHING if value is None else _minus(f"{value:,d}")


def percent(share: float | None) -> str:
    """A share of 1 as `34 %`; never 0 or 100 unless it is exactly that."""
    if share is None or math.isnan(share):
        return NOTHING
    value = 100.0 * share
    if 0 < value < 0.1:
        return "< 0.1 %"
    if 99.9 < value < 100:
        return "> 99.9 %"
    if abs(value) >= 1e6:
        return f"{_minus(f'{value:.3g}')} %"
    inexact = 0 < value < 0.5 or 99.5 <= value < 100
    return f"{_minus(f'{value:.1f}' if inexact else f'{value:.0f}')} %"


def size(value: int | None) -> str:
    """Bytes: `71.2 GiB`."""
    if value is None:
        return NOTHING
    power = min(len(_BINARY) - 1, int(math.log(abs(value), 1024))) if value else 0
    amount, unit = value / 1024**power, _BINARY[power]
    return f"{amount:,.0f} {unit}" if unit == "B" or abs(amount) >= 1000 else f"{amount:.3g} {unit}"


def gibibytes(value: int | None) -> str:
    """Bytes in GiB without the unit, one decimal: for pairs such as `71.2/139.8 GiB`."""
    return NOTHING if value is None else f"{value / 1024**3:,.1f}"


def duration(seconds: float | None) -> str:
    """A span of time in its two largest units: `2 h 14 m`, `45 s`, `120 ms`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 0:
        return f"−{duration(-seconds)}"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if round(seconds) < _MINUTE:
        return f"{seconds:.0f} s"
    for unit, name, part, part_name in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "m"), (_MINUTE, "m", 1.0, "s")):
        whole = round(seconds / part) * part
        if whole >= unit:
            rest = round(whole % unit / part)
            return f"{whole // unit:.0f} {name} {rest:.0f} {part_name}" if rest else f"{whole // unit:.0f} {name}"
    return f"{seconds:.0f} s"


def age(seconds: float | None) -> str:
    """How long ago, in coarse steps (2 s, 5 s, 10 s, 30 s, 1 m …) so that a screen at rest stays at rest."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds >= 2 * _DAY:
        return f"{seconds // _DAY:.0f} d"
    step = max((step for step in _AGES if step <= seconds), default=_AGES[0])
    if step < _MINUTE:
        return f"{step} s"
    if step < _HOUR:
        return f"{step / _MINUTE:.0f} min"
    return f"{step / _HOUR:.0f} h" if step < _DAY else "1 d"
