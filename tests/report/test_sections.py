"""What each section says of a run, before any markup."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest

from rldk_tui.events import Algorithm, Origin, RunState, Severity
from rldk_tui.report.inputs import sources
from rldk_tui.report.sections import data_quality, findings, generations, not_evaluated, provenance, verdict
from rldk_tui.run import RunSnapshot
from rldk_tui.session import RunHealth, RunSession
from tests.conftest import SAMPLE_RUNS
from tests.report.runs import STEPS, completions, empty, episode, health_of, healthy, hostile, snapshot_of, started, troubled


def sentences(health: RunHealth) -> str:
    return " ".join(verdict.build(health).sentences)


class TestVerdict:
    def test_a_healthy_run_is_not_called_certain(self) -> None:
        built = verdict.build(healthy())
        assert built.grade == "B?"
        assert built.headline == "Nothing wrong found, as far as the logs can tell"
        assert built.uncertain is not None
        assert built.first == ()
        assert "last step was 40 of 40" in sentences(healthy())
        assert "None of the 3 checks" in sentences(healthy())

    def test_a_troubled_run_says_the_worst_and_what_to_change(self) -> None:
        built = verdict.build(troubled())
        assert built.letter == "F"
        assert built.headline == "Broken"
        assert built.caps == "The score is held down to 0.39 by truncation (critical, open)."
        assert "(critical), since step 21" in sentences(troubled())
        assert [(todo.parameter, todo.current, todo.proposed) for todo in built.first] == [
            ("max_completion_length", 256.0, "512")
        ]
        assert [(tally.severity, tally.open, tally.closed) for tally in built.tallies] == [
            (Severity.CRITICAL, 1, 0),
            (Severity.HIGH, 1, 0),
            (Severity.WARNING, 0, 1),
        ]

    def test_coverage_is_told_in_words(self) -> None:
        assert "1 of the 3 checks that apply" in sentences(troubled())
        assert "for 1 the run did not log what they need; 1 failed" in sentences(troubled())
        assert "All 3 checks" in sentences(healthy())

    def test_a_dimension_nobody_could_judge_has_no_value(self) -> None:
        values = {dimension.name: dimension.value for dimension in verdict.build(troubled()).dimensions}
        assert values["output quality"] is not None
        assert values["learning signal"] is None

    def test_an_empty_run_is_not_graded(self) -> None:
        built = verdict.build(empty())
        assert (built.letter, built.score, built.state) == ("–", None, RunState.WAITING)
        assert "No check could be made" in sentences(empty())


class TestFindings:
    def test_episodes_of_one_rule_on_one_metric_are_told_together(self) -> None:
        told = findings.build(troubled()).told
        assert [story.id for story in told] == ["truncation:completions/clipped_ratio:21", "kl-too-high:kl:26"]
        assert [story.id for story in told[1].again] == ["kl-too-high:kl:5"]

    def test_the_evidence_has_the_limit_and_the_episode(self) -> None:
        chart = findings.build(troubled()).told[0].chart
        assert chart is not None
        assert chart.limit == 0.3
        assert [(shade.first, shade.last, shade.tone) for shade in chart.shades] == [(21, STEPS, "critical")]

    def test_very_many_are_listed(self) -> None:
        again = tuple(episode("truncation", "kl", Severity.INFO, step, step) for step in range(1, 100))
        others = tuple(episode("truncation", f"m{index}", Severity.INFO, 1, 2) for index in range(100))
        built = findings.build(health_of(snapshot_of("run"), findings=(*again, *others)))
        assert len(built.told) == findings.MOST_TOLD
        assert len(built.told[0].again) == findings.MOST_AGAIN
        assert len(built.listed) == 199 - findings.MOST_TOLD - findings.MOST_AGAIN
        assert all(story.chart is None for story in built.listed)


class TestGenerations:
    def test_best_worst_longest_and_unscored_of_the_last_log(self) -> None:
        built = generations.build(troubled())
        assert built is not None
        assert built.step == STEPS
        assert [sample.why for sample in built.samples] == [
            "best reward",
            "worst reward, longest, most repetitive",
            "no reward",
        ]
        assert built.samples[1].repetition == pytest.approx(0.8)

    def test_one_prompt_then_and_now(self) -> None:
        built = generations.build(troubled())
        assert built is not None
        assert [(sample.step, sample.completion.shown[:5]) for sample in built.then_and_now] == [
            (10, "Rhine"),
            (STEPS, "river"),
        ]

    def test_a_megabyte_is_cut_and_the_cut_is_said(self) -> None:
        built = generations.build(hostile())
        assert built is not None
        longest = max(built.samples, key=lambda sample: sample.completion.more)
        assert len(longest.completion.shown) == generations.LONGEST_COMPLETION
        assert longest.completion.more == 1_000_000 - generations.LONGEST_COMPLETION

    @pytest.mark.parametrize(
        ("algorithm", "word"), [(Algorithm.GRPO, "log_completions"), (Algorithm.PPO, "writes them to no file")]
    )
    def test_without_any_it_says_why(self, algorithm: Algorithm, word: str) -> None:
        built = generations.build(health_of(_of(algorithm)))
        assert built is not None
        assert built.missing is not None
        assert word in built.missing

    def test_a_trainer_that_samples_nothing_has_no_such_section(self) -> None:
        assert generations.build(health_of(_of(Algorithm.SFT))) is None

    def test_nobody_could_score_any(self) -> None:
        shot = snapshot_of("run", started(), completions(1, ("p", "a b", None), ("p", "a", None)))
        built = generations.build(health_of(shot))
        assert built is not None
        assert [sample.why for sample in built.samples] == ["longest"]


def _of(algorithm: Algorithm) -> RunSnapshot:
    shot = snapshot_of("run", started())
    return dataclasses.replace(shot, info=dataclasses.replace(shot.info, algorithm=algorithm))


def test_checks_are_missing_passed_or_for_other_runs() -> None:
    built = not_evaluated.build(troubled())
    assert [(rule.rule, rule.how) for rule in built.missing] == [("reward-collapse", "use trl >= 0.24")]
    assert [rule.rule for rule in built.elsewhere] == ["kl-negative"]
    assert [group.sentence for group in built.together] == ["entropy is not logged; use trl >= 0.24"]
    assert built.passed == ()
    assert [rule.rule for rule in not_evaluated.build(healthy()).passed] == ["truncation", "kl-too-high", "reward-collapse"]


def test_data_quality_hides_nothing() -> None:
    built = data_quality.build(troubled())
    assert [trouble.what for trouble in built.troubles] == ["rule failed", "not read", "not measured"]
    assert {metric.name: (metric.not_finite, metric.none) for metric in built.unusable} == {
        "reward": (0, 1),
        "grad_norm": (1, 0),
    }
    assert "entropy" in {metric.name for metric in built.unlogged}
    assert [(launch.first_step, launch.last_step) for launch in built.launches] == [(1, 20), (18, STEPS)]


def test_provenance_names_the_files_and_their_hashes(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(SAMPLE_RUNS / "grpo-healthy", run)
    health = RunSession.open(run).poll()
    found = {source.format: source for source in provenance.build(health).sources}
    log = found["RLDK event log"]
    assert log.files == 1
    assert log.sha256 == hashlib.sha256((run / log.example).read_bytes()).hexdigest()
    texts = found["TRL completions"]
    assert texts.files > 1
    paths = sorted(origin.source for origin in health.sources if origin.format == texts.format)
    listed = "".join(f"{hashlib.sha256((run / path).read_bytes()).hexdigest()}  {path}\n" for path in paths)
    assert texts.sha256 == hashlib.sha256(listed.encode()).hexdigest()


def test_provenance_tells_which_format_each_metric_is_from() -> None:
    told = {entry.formats: entry.metrics for entry in provenance.build(RunSession.open(SAMPLE_RUNS / "grpo-stock").poll()).told}
    assert "kl" in told["TensorBoard events", "trainer state"]
    assert "samples/count" in told["TRL completions",]


def test_what_is_too_large_or_gone_has_no_hash(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"1")
    (tmp_path / "large").write_bytes(b"1" * 100)
    origins = [Origin(source=name, format=name, authority=1) for name in ("gone", "large", "small")]
    assert {source.format: source.sha256 is not None for source in sources(tmp_path, origins, largest=50)} == {
        "gone": False,
        "small": True,
        "large": False,
    }
