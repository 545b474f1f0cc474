"""A gradient norm that shoots up."""

from __future__ import annotations

import numpy as np
import pytest

from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, findings, only, worst

RULE = "grad-spike"


def run_of(*spikes: float, level: float = 0.6, config: dict[str, Json] | None = None) -> RunBuilder:
    rng = np.random.default_rng(3)
    before, after = (level * np.exp(0.25 * rng.normal(size=size)) for size in (60, 20))
    return a_run(Algorithm.GRPO, config=config).with_metric("grad_norm", [*before, *spikes, *after])


@pytest.mark.parametrize(
    ("spikes", "severity"),
    [([4.5], None), ([9.0], Severity.INFO), ([30.0, 0.6, 40.0], Severity.INFO), ([9.0, 0.6, 30.0, 30.0], Severity.WARNING)],
)
def test_how_many_decide(spikes: list[float], severity: Severity | None) -> None:
    assert worst(RULE, run_of(*spikes)) is severity


@pytest.mark.parametrize(("clip", "severity"), [(0.0, Severity.WARNING), (1.0, Severity.INFO)])
def test_one_that_nothing_cuts_is_a_warning(clip: float, severity: Severity) -> None:
    found = only(RULE, run_of(30.0, config={"max_grad_norm": clip, "learning_rate": 1e-6}))
    assert found.severity is severity
    assert (found.first_step, found.detected_step) == (61, 61)
    assert ("cut to 1" in (found.cause or "")) is (clip == 1.0)
    assert (("max_grad_norm", "1.0") in [(item.parameter, item.proposed) for item in found.advice]) is (clip == 0.0)


def test_any_number_that_is_cut_is_a_remark() -> None:
    assert worst(RULE, run_of(30.0, 30.0, 30.0, 30.0, config={"max_grad_norm": 1.0})) is Severity.INFO


def test_small_norms_and_heavy_tails_are_none() -> None:
    assert not findings(RULE, run_of(0.9, level=0.005)), "below 1 it does no harm"
    rng = np.random.default_rng(4)
    for _ in range(10):
        norms = np.exp(0.4 * rng.standard_t(5, size=1000))
        assert worst(RULE, a_run(Algorithm.DPO).with_metric("grad_norm", norms.tolist())) in (None, Severity.INFO)


def test_a_spike_between_two_logs_is_seen_where_it_was_measured() -> None:
    quiet = run_of(0.6)
    peaks = [2.0] * 81
    assert not findings(RULE, quiet.with_measured("hook/grad_norm_peak", peaks)), "peaks are compared with peaks"
    peaks[60] = 90.0
    found = only(RULE, quiet.with_measured("hook/grad_norm_peak", peaks, about=("step 604",)))
    assert (found.first_step, found.severity) == (61, Severity.INFO)
    assert "90" in found.summary
    assert "step 604" in found.summary
