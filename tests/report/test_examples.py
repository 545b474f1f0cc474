"""The generations a finding is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace as with_changes

from rldk_tui.events import Completion, Completions, Evidence, Finding, Severity
from rldk_tui.report import examples
from rldk_tui.report.examples import Examples
from rldk_tui.report.sections import findings
from rldk_tui.session import RunHealth, RunSession

STEPS = 60


@pytest.fixture(scope="module")
def health(tmp_path_factory: pytest.TempPathFactory) -> RunHealth:
    """A run of so many steps that most texts are not in memory."""
    run = tmp_path_factory.mktemp("long")
    (run / "completions").mkdir()
    for step in range(1, STEPS + 1):
        columns = {"step": [step] * 2, "prompt": ["p"] * 2, "completion": [f"{step} a", f"{step} b"], "score": [0.5, 1.0]}
        pl.DataFrame(columns).write_parquet(run / "completions" / f"completions_{step:05d}.parquet")
    return RunSession(run).poll()


def about(*rows: str) -> Finding:
    return Finding(
        id="repetition-loop::1",
        rule="repetition-loop",
        severity=Severity.HIGH,
        metric=None,
        first_step=1,
        last_step=9,
        detected_step=3,
        open=True,
        summary="Replies repeat themselves.",
        evidence=Evidence(rows=rows),
    )


def forgotten(health: RunHealth) -> int:
    """A step whose texts are not in memory."""
    held = {log.step for log in health.snapshot.completions}
    return next(step for step in range(1, STEPS + 1) if step not in held)


def test_texts_out_of_memory_are_read_again(health: RunHealth) -> None:
    step = forgotten(health)
    found = Examples(health).of(about(f"{step}/1", f"{STEPS}/0"))
    assert [(one.step, one.row, one.reward, one.completion.shown) for one in found] == [
        (step, 1, 1.0, f"{step} b"),
        (STEPS, 0, 0.5, f"{STEPS} a"),
    ]


def test_what_is_not_to_be_had_is_left_out(health: RunHealth, monkeypatch: pytest.MonkeyPatch) -> None:
    step = forgotten(health)
    assert Examples(health).of(about("lm_head.weight", "999/0", f"{STEPS}/7", "x/y", "")) == ()
    assert Examples(replace(health, directory=Path("gone"))).of(about(f"{step}/0")) == ()
    monkeypatch.setattr(examples, "_LARGEST", 10)
    assert Examples(health).of(about(f"{step}/0")) == ()


def test_marks_in_place_of_text_are_no_example(health: RunHealth) -> None:
    rows = (Completion(prompt="3f", completion="a7", rewards={"r": 1.0}),)
    log = Completions(time=0.0, step=5, rows=rows, without_text=True)
    snapshot = replace(health.snapshot, completions=(log,))
    assert Examples(replace(health, snapshot=snapshot)).of(about("5/0")) == ()


def test_they_stand_with_the_finding(health: RunHealth) -> None:
    told = with_changes(about(f"{forgotten(health)}/0"))
    built = findings.build(replace(health, findings=(told,)))
    assert [len(story.examples) for story in built.told] == [1]
