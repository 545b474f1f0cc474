"""Who a run is: the facts that decide which rules apply and what a number means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from rldk_tui.events import Algorithm, Json, RunDescribed, RunStarted
from rldk_tui.metrics.settings import setting


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Facts about a run; None or empty means that no source told.

    Attributes:
        started_at: Unix seconds of the launch.
        first_step: The step this launch began from; above 0 when it was resumed.
        process_host: The host and `pid` of rank 0's training process.
    """

    run_id: str | None = None
    algorithm: Algorithm | None = None
    trainer: str | None = None
    model: str | None = None
    config: Mapping[str, Json] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, Json] = field(default_factory=dict)
    host: str | None = None
    pid: int | None = None
    seed: int | None = None
    git_revision: str | None = None
    max_steps: int | None = None
    started_at: float | None = None
    first_step: int = 0
    world_size: int = 1

    def completed_by(self, other: RunInfo) -> RunInfo:
        """These facts, with the other's where these are silent."""
        values: dict[str, Any] = {}
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if isinstance(mine, Mapping):
                values[item.name] = {**theirs, **mine}
            else:
                values[item.name] = theirs if mine is None else mine
        return RunInfo(**values)

    def setting(self, name: str) -> float | None:
        """A number from the trainer's config; None if it is not known, or no number that could be reckoned with."""
        return setting(self.config, name)


def info_of(event: RunStarted | RunDescribed) -> RunInfo:
    """The facts one event tells."""
    if isinstance(event, RunDescribed):
        return RunInfo(
            algorithm=event.algorithm,
            trainer=event.trainer,
            model=event.model,
            config=event.config,
            versions=event.versions,
            max_steps=event.max_steps,
        )
    return RunInfo(
        run_id=event.run_id,
        algorithm=event.algorithm,
        trainer=event.trainer,
        model=event.model,
        config=event.config,
        versions=event.versions,
        hardware=event.hardware,
        host=event.host,
        pid=event.pid,
        seed=event.seed,
        git_revision=event.git_revision,
        max_steps=event.max_steps,
        started_at=event.time,
        first_step=event.first_step,
        world_size=event.world_size,
    )
