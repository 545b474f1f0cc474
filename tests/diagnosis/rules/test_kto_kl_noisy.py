"""A small batch under KTO's baseline."""

from __future__ import annotations

import pytest

from rldk_tui.events import Algorithm, Severity
from tests.builders import a_run, findings, only, worst

RULE = "kto-kl-noisy"


@pytest.mark.parametrize(("batch", "devices", "severity"), [(3, 1, Severity.WARNING), (4, 1, None), (2, 2, None), (8, 1, None)])
def test_the_limit_is_of_all_devices_together(batch: int, devices: int, severity: Severity | None) -> None:
    config = {"per_device_train_batch_size": batch, "loss_type": "kto"}
    assert worst(RULE, a_run(Algorithm.KTO, config=config, world_size=devices)) is severity


def test_gradient_accumulation_does_not_help() -> None:
    config = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 16}
    assert worst(RULE, a_run(Algorithm.KTO, config=config)) is Severity.WARNING


def test_other_losses_and_trainers_have_no_baseline() -> None:
    config = {"per_device_train_batch_size": 2, "loss_type": "apo_zero_unpaired"}
    assert not findings(RULE, a_run(Algorithm.KTO, config=config))
    assert not findings(RULE, a_run(Algorithm.DPO, config={"per_device_train_batch_size": 1}))


def test_the_words() -> None:
    found = only(RULE, a_run(Algorithm.KTO, config={"per_device_train_batch_size": 2, "loss_type": "kto"}))
    assert "batches of 2 (" in found.summary
    assert [(item.parameter, item.proposed) for item in found.advice] == [
        ("per_device_train_batch_size", "8"),
        ("loss_type", "apo_zero_unpaired"),
    ]
