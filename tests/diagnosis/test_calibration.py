"""What `rldk explain` quotes of the published calibration."""

from __future__ import annotations

from rldk_tui.diagnosis.calibration import calibration_line
from rldk_tui.diagnosis.catalogue import load_rules


def test_a_rule_that_no_run_let_be_judged_claims_no_absence_of_false_alarms() -> None:
    line = calibration_line("ckpt-nonfinite")
    assert "never judged in healthy steps" in line
    assert "0 false alarms" not in line


def test_a_rule_that_was_judged_quotes_its_steps() -> None:
    line = calibration_line("kl-too-high")
    assert "false alarms in" in line
    assert "labelled fault" in line


def test_every_rule_of_the_project_is_in_it_and_a_foreign_one_is_told_to_be_none() -> None:
    assert not [rule.id for rule in load_rules() if calibration_line(rule.id).startswith("Not measured")]
    assert calibration_line("somebodys-own").startswith("Not measured")
