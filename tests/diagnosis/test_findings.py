"""What could not be judged, said once where one thing would mend it."""

from __future__ import annotations

from rldk_tui.diagnosis.findings import NotEvaluated, told_together


def silent(rule: str, how: str | None, *, applicable: bool = True) -> NotEvaluated:
    return NotEvaluated(rule, f"{rule}'s metric is not logged", how, applicable)


def test_three_rules_that_want_the_same_are_one_item_and_two_are_not() -> None:
    told = told_together([silent(name, "log it") for name in "abc"] + [silent(name, "attach it") for name in "de"])
    assert told == [
        (("a", "b", "c"), "log it"),
        (("d",), "d's metric is not logged; attach it"),
        (("e",), "e's metric is not logged; attach it"),
    ]


def test_what_nothing_mends_is_told_for_each_and_what_is_not_for_this_run_not_at_all() -> None:
    told = told_together([*(silent(name, None) for name in "abc"), silent("d", "log it", applicable=False)])
    assert [rules for rules, _ in told] == [("a",), ("b",), ("c",)]
