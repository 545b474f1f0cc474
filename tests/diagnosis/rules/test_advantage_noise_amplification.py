"""Near-tied groups at full strength."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Json
from tests.builders import RunBuilder, a_run, findings, only

RULE = "advantage-noise-amplification"


def tied(share: float, *, scale: Json = "group", groups: float = 4.0, batches: int = 20) -> RunBuilder:
    run = a_run(Algorithm.GRPO, config={"scale_rewards": scale}).with_metric("samples/near_ties", [share] * batches)
    return run.with_metric("samples/groups", [groups] * batches)


@pytest.mark.parametrize(("share", "speaks"), [(0.29, False), (0.31, True)])
def test_the_limit(share: float, speaks: bool) -> None:
    assert bool(findings(RULE, tied(share))) is speaks


def test_it_speaks_after_ten_batches_and_names_the_setting() -> None:
    found = only(RULE, tied(0.5))
    assert (found.first_step, found.detected_step) == (1, 10)
    assert (found.advice[0].parameter, found.advice[0].current, found.advice[0].proposed) == ("scale_rewards", "group", "batch")


@pytest.mark.parametrize("run", [tied(1.0, groups=1.0), tied(1.0, batches=9)], ids=["few groups", "few batches"])
def test_what_stays_silent(run: RunBuilder) -> None:
    assert not findings(RULE, run)


@pytest.mark.parametrize(("scale", "speaks"), [(True, True), (None, True), ("batch", False), (False, False), ("none", False)])
def test_it_is_for_division_by_the_groups_own_spread(scale: Json, speaks: bool) -> None:
    assert bool(findings(RULE, tied(0.5, scale=scale))) is speaks


def test_rloo_does_not_divide() -> None:
    run = a_run(Algorithm.RLOO).with_metric("samples/near_ties", [1.0] * 20).with_metric("samples/groups", [4.0] * 20)
    assert not findings(RULE, run)
