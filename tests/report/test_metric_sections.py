"""What the sections made of metrics say: learning, stability, value, cost, configuration, glossary and the rest."""

from __future__ import annotations

import dataclasses

import pytest

from rldk_tui.events import Algorithm, Event, Gpu, Severity, System
from rldk_tui.report.cards import Cards, MetricCard
from rldk_tui.report.document import document_of
from rldk_tui.report.sections import configuration, cost, glossary, learning, metrics, stability, value
from rldk_tui.report.themes import Theme, theme_of
from rldk_tui.session import RunHealth, RunSession
from tests.conftest import SAMPLE_RUNS
from tests.report.runs import NOON, STEPS, empty, episode, health_of, healthy, logged, snapshot_of, started, troubled


def real(name: str) -> RunHealth:
    return RunSession(SAMPLE_RUNS / name, clock=lambda: 1_800_000_000.0).poll()


def of(algorithm: Algorithm, health: RunHealth) -> RunHealth:
    shot = health.snapshot
    return dataclasses.replace(
        health, snapshot=dataclasses.replace(shot, info=dataclasses.replace(shot.info, algorithm=algorithm))
    )


def all_cards(health: RunHealth) -> dict[str, MetricCard]:
    built = (learning.build(health), stability.build(health), value.build(health), cost.build(health), metrics.build(health))
    cards = [section if isinstance(section, Cards) else section.cards for section in built if section is not None]
    shown = [card for some in cards for card in (*some.drawn, *some.constant, *(twin for twin, _ in some.same), *some.listed)]
    workings = [card for section in built if isinstance(section, metrics.OtherMetrics) for card in section.workings]
    assert len({card.name for card in (*shown, *workings)}) == len(shown) + len(workings)
    return {card.name: card for card in (*shown, *workings)}


class TestCards:
    @pytest.mark.parametrize("run", ["grpo-collapsed", "ppo-negative-kl", "sft-nan-weights"])
    def test_every_metric_has_one_place(self, run: str) -> None:
        health = real(run)
        assert set(all_cards(health)) == set(health.snapshot.shown_names())

    def test_what_repeats_another_is_said_and_not_drawn(self) -> None:
        built = learning.build(real("grpo-collapsed"))
        assert built is not None
        assert [(card.name, other) for card, other in built.cards.same] == [
            ("rewards/topic_reward/mean", "Reward"),
            ("rewards/topic_reward/std", "Reward spread"),
        ]

    def test_what_is_no_number_is_counted_and_drawn(self) -> None:
        cards = all_cards(troubled())
        assert cards["reward"].none == 1
        assert cards["grad_norm"].not_finite == 1
        chart = cards["reward"].chart
        assert chart is not None
        assert None in chart.values
        assert chart.breaks == (18,)

    def test_all_charts_share_the_step_axis(self) -> None:
        charts = (card.chart for card in all_cards(troubled()).values())
        assert {(chart.first, chart.last) for chart in charts if chart is not None} == {(1, STEPS)}

    def test_a_value_outside_its_band_is_said(self) -> None:
        assert all_cards(troubled())["kl"].inside is False
        assert all_cards(healthy())["kl"].inside is True

    def test_a_metric_that_stopped_arriving_says_when(self) -> None:
        cards = all_cards(troubled())
        assert cards["learning_rate"].last_seen == 20
        assert cards["reward"].last_seen is None

    def test_bytes_are_told_in_gibibytes(self) -> None:
        card = all_cards(real("grpo-collapsed"))["system/process_rss"]
        assert card.unit == "GiB"
        assert card.latest is not None
        assert 0.1 < card.latest < 10


class TestLearning:
    def test_where_it_began_was_best_and_ended(self) -> None:
        built = learning.build(healthy())
        assert built is not None
        course = built.courses[0]
        assert (course.name, course.logs) == ("reward", 13)
        assert course.began < course.ended == course.best
        assert course.best_step == STEPS - 6

    def test_the_frontier_needs_reward_and_kl(self) -> None:
        built = learning.build(healthy())
        assert built is not None
        assert built.frontier is not None
        assert built.frontier.unit == "nat/token"
        assert sorted(built.frontier.kl) == list(built.frontier.kl)
        without = learning.build(health_of(snapshot_of("run", started(), *(logged(step, reward=step) for step in range(40)))))
        assert without is not None
        assert without.frontier is None

    def test_a_loss_is_learned_or_belongs_to_the_update(self) -> None:
        assert theme_of("eval/loss", Algorithm.SFT) is Theme.LEARNING
        assert theme_of("loss", Algorithm.GRPO) is Theme.STABILITY
        shot = snapshot_of("run", started(), *(logged(step, loss=2 - step / 40) for step in range(1, 41)))
        built = learning.build(of(Algorithm.SFT, health_of(shot)))
        assert built is not None
        assert built.courses[0].began > built.courses[0].ended == built.courses[0].best


def test_each_trainer_has_the_sections_that_make_sense() -> None:
    def sections(run: str) -> set[str]:
        return {part.id for part in document_of(real(run)).parts}

    assert {"learning", "stability", "cost", "configuration", "generations"} <= sections("grpo-healthy")
    assert "value" not in sections("grpo-healthy")
    assert "value" in sections("ppo-negative-kl")
    assert not {"value", "generations", "reward"} & sections("sft-nan-weights")
    assert not {"learning", "stability", "value", "cost", "glossary"} & {part.id for part in document_of(empty()).parts}


def test_ppo_is_told_how_to_have_the_value_function_measured() -> None:
    shot = snapshot_of("run", started(), *(logged(step, value_loss=1 / step) for step in range(1, 9)))
    built = value.build(of(Algorithm.PPO, health_of(shot)))
    assert built is not None
    assert built.unexplained
    assert value.build(healthy()) is None


class TestCost:
    def test_the_gpu_hours_that_taught_nothing(self) -> None:
        rows = [logged(step, frac_reward_zero_std=0.25, step_time=36.0, num_tokens=100.0 * step) for step in range(1, 41)]
        built = cost.build(health_of(snapshot_of("run", started(world_size=2), *rows)))
        assert built is not None
        assert built.signal is not None
        assert built.signal.whole == pytest.approx(40 * 36 * 2 / 3600)
        assert built.signal.wasted_whole == pytest.approx(0.2)
        assert built.signal.advice
        assert {fact.name: fact.value for fact in built.facts}["tokens trained on"] == "4,000"

    def test_gpu_hours_are_those_of_gpus(self) -> None:
        facts = {"hardware": {"gpus": [{"index": 0}]}, "world_size": 4}
        sample = System(time=NOON, step=3, torch_peak=2**30, gpus=(Gpu(index=0),))
        rows: list[Event] = [started(**facts), *(logged(step, loss=0.1) for step in (1, 3601)), sample]
        built = cost.build(health_of(snapshot_of("run", *rows)))
        assert built is not None
        assert {fact.name: fact.value for fact in built.facts} == {
            "time from the first log to the last": "1 h",
            "time a step": "1.0 s",
            "GPU-hours, of all processes": "4",
            "highest GPU memory of torch": "1 GiB",
        }

    def test_a_grouped_trainer_without_the_share_says_so(self) -> None:
        built = cost.build(health_of(snapshot_of("run", started(), *(logged(step, step_time=1.0) for step in range(9)))))
        assert built is not None
        assert built.signal is None
        assert built.unsigned is not None
        assert "trl 0.18" in built.unsigned


class TestConfiguration:
    def test_changed_settings_have_their_default_and_what_a_finding_proposes(self) -> None:
        built = configuration.build(troubled())
        changed = {setting.name: setting for setting in built.changed}
        assert (changed["beta"].value, changed["beta"].default) == ("0.04", "0")
        everything = {setting.name: setting for setting in (*built.changed, *built.rest)}
        assert (everything["max_completion_length"].proposed, everything["max_completion_length"].rule) == ("512", "truncation")
        assert everything["reward_weights"].value == "null"

    def test_risky_settings_are_those_of_rules_over_settings(self) -> None:
        risky = episode("truncation", "config", Severity.WARNING, 1, 9)
        built = configuration.build(health_of(snapshot_of("run", started(config={"beta": 0})), findings=(risky,)))
        assert [risk.finding for risk in built.risks] == ["truncation:config:1"]
        assert not built.missing

    def test_unknown_settings_are_said_to_be(self) -> None:
        assert configuration.build(empty()).missing


def test_the_glossary_is_of_what_the_run_has() -> None:
    built = glossary.build(healthy())
    assert built is not None
    assert {entry.name for entry in built.metrics} == {"reward", "kl", "completions/clipped_ratio", "learning_rate"}
    assert all(entry.what for entry in built.metrics)
    assert "truncation" in {entry.rule for entry in built.rules}
    assert all(entry.means for entry in built.rules if entry.rule != "reward-collapse")
