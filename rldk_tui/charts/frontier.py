"""The reward against the distance from the reference over time: what each stretch of KL bought (Gao et al., 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldk_tui.charts.format import count, number, quantity
from rldk_tui.charts.medians import medians
from rldk_tui.charts.scale import Scale, scale_of, ticks
from rldk_tui.statistics.trend import LARGEST

_FEWEST = 8
"""Logs with both below which there is no course to be seen."""
_STRETCHES = 24
_LEFT, _RIGHT, _TOP, _BOTTOM, _FONT = 46.0, 10.0, 10.0, 30.0, 10
_COLOUR = "#2457c5"


@dataclass(frozen=True, slots=True)
class Frontier:
    """Medians of stretches of the run, in the order of time.

    Attributes:
        steps: The middle step of each stretch.
        kl: Its median KL.
        reward: Its median reward.
        unit: Of the KL.
    """

    steps: tuple[int, ...]
    kl: tuple[float, ...]
    reward: tuple[float, ...]
    unit: str


def frontier_of(steps: NDArray[np.int64], kl: NDArray[np.float64], reward: NDArray[np.float64], unit: str) -> Frontier | None:
    """The course of the pair; None with too few logs of both, where one of them never moves, or the KL is negative.

    Args:
        steps: Shape (n,), rising.
        kl: Shape (n,).
        reward: Shape (n,).
        unit: Of the KL.
    """
    both = np.isfinite(kl) & np.isfinite(reward)
    if np.count_nonzero(both) < _FEWEST:
        return None
    middle, x = medians(steps[both], np.clip(kl[both], -LARGEST, LARGEST), _STRETCHES)
    _, y = medians(steps[both], np.clip(reward[both], -LARGEST, LARGEST), _STRETCHES)
    if np.ptp(x) == 0 or np.ptp(y) == 0 or np.median(x) < 0:  # an estimate below 0 is no distance
        return None
    return Frontier(tuple(middle.tolist()), tuple(x.tolist()), tuple(y.tolist()), unit)


def frontier_svg(shown: Frontier, width: int, height: int) -> str:
    """The course as a picture, to be scaled by whoever places it; pale at first, dark at the end."""
    across, up = scale_of(shown.kl), scale_of(shown.reward)
    places = [
        (
            _LEFT + across.share(kl) * (width - _LEFT - _RIGHT),
            height - _BOTTOM - up.share(reward) * (height - _TOP - _BOTTOM),
        )
        for kl, reward in zip(shown.kl, shown.reward, strict=True)
    ]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    unit = f" ({shown.unit})" if shown.unit else ""
    told = f"Reward against KL{unit}, steps {count(shown.steps[0])} to {count(shown.steps[-1])}"
    parts = [
        *_axes(across, up, width, height),
        _text(width - _RIGHT, height - 2, f"KL to reference{unit}", "end"),
        f'<path class="line pale" d="M{path}" fill="none" stroke="#a9bfea" stroke-width="1"/>',
        *_dots(shown, places),
    ]
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{told}" font-size="{_FONT}" font-family="sans-serif">{"".join(parts)}</svg>'
    )


def _axes(across: Scale, up: Scale, width: int, height: int) -> Iterator[str]:
    bottom, right = height - _BOTTOM, width - _RIGHT
    rows = [(value, bottom - up.share(value) * (bottom - _TOP)) for value in ticks(up, 3)]
    columns = [(value, _LEFT + across.share(value) * (right - _LEFT)) for value in ticks(across, 3)]
    lines = "".join(f"M{_LEFT:g} {y:.1f}H{right:g}" for _, y in rows)
    marks = "".join(f"M{x:.1f} {bottom:g}v3" for _, x in columns)
    yield f'<path class="grid" d="{lines}{marks}M{_LEFT:g} {bottom:g}H{right:g}" stroke="#dfe3e8" fill="none"/>'
    for value, y in rows:
        yield _text(_LEFT - 5, y + 3.5, number(value), "end")
    for value, x in columns:
        yield _text(x, bottom + 13, number(value), "middle")


def _dots(shown: Frontier, places: list[tuple[float, float]]) -> Iterator[str]:
    last = len(places) - 1
    for index, (x, y) in enumerate(places):
        opacity = 0.25 + 0.75 * index / max(1, last)
        told = (
            f"step {count(shown.steps[index])}: reward {number(shown.reward[index])}, "
            f"KL {quantity(shown.kl[index], shown.unit)}"
        )
        yield (
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{4 if index in (0, last) else 2.5}" fill="{_COLOUR}" '
            f'fill-opacity="{opacity:.2f}"><title>{told}</title></circle>'
        )
    for index, word in ((0, "first"), (last, "last")):
        x, y = places[index]
        left = x > (_LEFT + max(x for x, _ in places)) / 2
        yield _text(x - 6 if left else x + 6, y - 7 if y > _TOP + 16 else y + 14, word, "end" if left else "start")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#56606b">{text}</text>'
