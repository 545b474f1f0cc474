"""A GPU that waits."""

from __future__ import annotations

from rldk_tui.diagnosis.rules.low_gpu_utilisation import LIMITS
from rldk_tui.events import Algorithm, Json, Severity
from tests.builders import RunBuilder, a_run, findings, only

RULE = "low-gpu-utilisation"


def used(*percents: float, times: int, algorithm: Algorithm = Algorithm.GRPO, **config: Json) -> RunBuilder:
    return a_run(algorithm, config=config).with_metric("system/gpu_utilization", list(percents) * times)


def test_a_gpu_that_waits_is_remarked_once_there_are_samples_enough() -> None:
    found = only(RULE, used(20.0, times=2 * LIMITS.samples))
    assert (found.severity, found.first_step, found.detected_step) == (Severity.INFO, 1, LIMITS.samples)
    assert not findings(RULE, used(20.0, times=LIMITS.samples - 1))


def test_a_busy_sample_in_twenty_is_enough() -> None:
    assert not findings(RULE, used(LIMITS.busy, *[5.0] * 19, times=20))
    assert findings(RULE, used(LIMITS.busy - 1.0, *[5.0] * 19, times=20))


def test_the_advice_is_for_what_the_trainer_does() -> None:
    def named(run: RunBuilder) -> list[str | None]:
        return [advice.parameter for advice in only(RULE, run).advice]

    assert named(used(20.0, times=100)) == ["use_vllm", None]
    assert named(used(20.0, times=100, use_vllm=True)) == [None]
    assert named(used(20.0, times=100, algorithm=Algorithm.SFT)) == ["dataloader_num_workers"]
