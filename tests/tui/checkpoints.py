"""Runs with checkpoints for the screens: made of events, and answers of a child that runs when it is told to."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace
from typing import Any

from rldk_tui.events import Checkpoint, Event, Measured, ReadProblem
from rldk_tui.tui.child import Answer
from rldk_tui.tui.view import View
from tests.tui.runs import health_of_run, healthy_run, judged, view_of_run

MIB = 1024**2
JUMP = "high ckpt-weight-jump: One tensor changed by 79 % in 100 steps (limit 30 %) (model.layers.5.mlp.down_proj.weight)."
NAN = "critical ckpt-nonfinite: 1 tensor holds numbers that are NaN or infinite: 3 in all (model.layers.3.mlp.up_proj.weight)."


def saved(step: int, *, complete: bool = True) -> Checkpoint:
    return Checkpoint(time=math.nan, step=step, path=f"checkpoint-{step}", complete=complete, size=942 * MIB)


def analysed(step: int, health: float | None = 1.0, *issues: str, usable: bool = True, **values: float) -> Measured:
    judgement = {"checkpoint/health": health, "checkpoint/issues": float(len(issues)), "checkpoint/usable": float(usable)}
    measured = {f"checkpoint/{name}": value for name, value in values.items()}
    named = {"checkpoint/issues": issues} if issues else {}
    return Measured(time=1e6 + step, step=step, values={**judgement, **measured}, named=named)


def view_with(*events: Event, deleted: frozenset[str] = frozenset(), problems: tuple[ReadProblem, ...] = ()) -> View:
    """A healthy run of 60 steps with these checkpoints."""
    health = judged(health_of_run(healthy_run(), *events, problems=problems), ())
    return view_of_run(replace(health, deleted=deleted))


def healthy_checkpoints() -> View:
    """Four, all of them well; the first is deleted."""
    return view_with(
        *(saved(step) for step in (15, 30, 45, 60)),
        analysed(15, 1.0, nonfinite_tensors=0.0),
        *(analysed(step, 1.0, drift_previous=0.004, drift_first=0.0003 * step, steps_since=15.0) for step in (30, 45, 60)),
        deleted=frozenset({"checkpoint-15"}),
    )


def troubled_checkpoints() -> View:
    """One of every state and of several troubles."""
    return view_with(
        *(saved(step) for step in (10, 20, 30, 40, 50)),
        saved(60, complete=False),
        analysed(10, 1.0, "info ckpt-incomplete: It holds no optimizer.", nonfinite_tensors=0.0),
        analysed(20, 0.74, JUMP, "info ckpt-incomplete: It holds no optimizer.", drift_previous=0.07, drift_first=0.07),
        analysed(30, 0.0, NAN, usable=False, nonfinite_tensors=1.0, drift_previous=0.02, drift_first=0.09),
        problems=(ReadProblem(source="checkpoint-40/model.safetensors", message="may not be read by this user"),),
        deleted=frozenset({"checkpoint-10"}),
    )


def no_checkpoints() -> View:
    """A run that saved none yet."""
    return view_with()


def tensor(name: str, **facts: Any) -> dict[str, Any]:
    return {
        "name": name,
        "role": "mlp",
        "layer": 3,
        "rms": 0.05,
        "nan": 0,
        "inf": 0,
        "dead_rows": 0,
        "shape": [32, 32],
        **facts,
    }


def analysis(*tensors: dict[str, Any]) -> bytes:
    """What `rldk checkpoints CHECKPOINT --json` prints, as far as it matters."""
    return json.dumps({"step": 20, "since_previous": {"steps": 10}, "tensors": tensors}).encode()


SOME = analysis(
    tensor("model.layers.3.mlp.up_proj.weight", nan=3, change=0.1),
    tensor("model.layers.5.mlp.down_proj.weight", layer=5, dead_rows=20, change=0.794, rms=0.0309),
    tensor("model.layers.0.self_attn.q_proj.weight", layer=0, role="attention query", change=0.0427),
    tensor("model.norm.weight", layer=None, role="norm", dead_rows=None, change="nan", rms=1.0, shape=[32]),
    tensor("lm_head.weight", layer=None, role="head", problem="the file ends before it", rms=None),
)


class Child:
    """Answers when it is let; knows what it was asked and whether it was ended."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.ended = False
        self.may = asyncio.Event()
        self._answer = answer or Answer(0, SOME, "")

    async def __call__(self, *arguments: str) -> Answer:
        self.asked.append(arguments)
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.ended = True
            raise
        return self._answer
