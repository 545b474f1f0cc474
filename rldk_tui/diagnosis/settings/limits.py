"""A value of `rldk.toml` held to the type of the limit it replaces."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import Any

from rldk_tui.diagnosis.settings.place import Place

_SMALLEST, _LARGEST = 1e-12, 1e12
_MOST_COUNTED = 1000
"""Rows of a window: memory follows it, and a run's own settings must not be able to ask for more than there is."""
_MOST_ENTRIES = 100
_MOST_CHARACTERS = 200


def limit_names(limits: object) -> dict[str, Any]:
    """The limits of a rule, each with the value it has without any configuration."""
    if not is_dataclass(limits) or isinstance(limits, type):
        return {}
    return {item.name: getattr(limits, item.name) for item in fields(limits)}


def checked_limit(place: Place, value: object, default: object, annotation: str = "") -> Any:
    """The value, if it may stand in the place of the default.

    Raises:
        UserError: saying what is allowed there.
    """
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise place.wrong("must be true or false", value)
        return value
    if isinstance(default, int):
        return _integer(place, value, default)
    if isinstance(default, float) or (default is None and "float" in annotation):
        return _number(place, value, default)
    if isinstance(default, str):
        if not isinstance(value, str) or len(value) > _MOST_CHARACTERS:
            raise place.wrong(f"must be a text of at most {_MOST_CHARACTERS} characters", value)
        return value
    if isinstance(default, tuple | frozenset):
        return _several(place, value, default, annotation)
    raise place.wrong("cannot be set")


def _integer(place: Place, value: object, default: int) -> int:
    least = 1 if default > 0 else 0 if default == 0 else -_MOST_COUNTED
    most = max(_MOST_COUNTED, 10 * default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise place.wrong(f"must be a whole number from {least} to {most}", value)
    return value


def _number(place: Place, value: object, default: float | None) -> float:
    """A number of the default's sign: limits divide and are divided by."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not _bearable(float(min(max(value, -1e300), 1e300))):
        raise place.wrong(f"must be a finite number of at most {_LARGEST:g}", value)
    number = float(value)
    if default is not None and default > 0 and number < _SMALLEST:
        raise place.wrong("must be a number above 0", value)
    if default is not None and default < 0 and number > -_SMALLEST:
        raise place.wrong("must be a number below 0", value)
    return number


def _bearable(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= _LARGEST


def _several(place: Place, value: object, default: tuple[Any, ...] | frozenset[Any], annotation: str) -> Any:
    """A list for a tuple of numbers, as long as it, or for names."""
    counted = isinstance(default, tuple) and not annotation.endswith(", ...]")
    many = len(default) if counted else None
    if not isinstance(value, list) or len(value) > _MOST_ENTRIES or (many is not None and len(value) != many):
        raise place.wrong(f"must be a list of {many if many is not None else f'at most {_MOST_ENTRIES}'} values", value)
    samples = list(default) if counted else [next(iter(default), "")] * len(value)
    entries = [
        checked_limit(place.nth(index), entry, sample) for index, (entry, sample) in enumerate(zip(value, samples, strict=True))
    ]
    return type(default)(entries)


def annotation_of(limits: object, name: str) -> str:
    """How the field is annotated."""
    if not is_dataclass(limits):
        return ""
    return next((str(item.type) for item in fields(limits) if item.name == name), "")
