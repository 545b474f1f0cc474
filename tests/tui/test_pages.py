"""Pages behind keys: cards, config, learning signal, findings with what is behind them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from rldk_tui.events import Algorithm, Completion, Completions, Evidence
from rldk_tui.metrics import CATALOGUE
from rldk_tui.metrics.meanings import meaning_of
from rldk_tui.session import RunSession
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.cells import Box, Page
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.pages.config import config_page
from rldk_tui.tui.pages.finding import finding_page, issue_text
from rldk_tui.tui.pages.learning import learning_page
from rldk_tui.tui.pages.metric_card import metric_card
from rldk_tui.tui.screens.chart import ChartScreen
from rldk_tui.tui.screens.finding import FindingScreen
from rldk_tui.tui.screens.page import PageScreen
from rldk_tui.tui.view import View, view_of
from tests.builders import a_run
from tests.tui.conftest import Settled
from tests.tui.runs import FINDINGS, completions, full_view, health_of_run, healthy_run, judged, view_of_run
from tests.tui.test_journeys import HOSTILE, shown


def text_of(page: Page, view: View, width: int = 100) -> str:
    rows = page.draw(view, Box(width, 40))
    assert all(row.width <= width for row in rows)
    return "\n".join(row.text for row in rows)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_every_metric_of_the_catalogue_has_a_card_with_its_source(metric: object) -> None:
    name = getattr(metric, "name", "")
    card = text_of(metric_card(name), view_of_run(health_of_run(healthy_run())))
    for part in ("What it is", "Unit in GRPO", "Normal values", "Source"):
        assert part in card
    assert meaning_of(name).source


def test_a_card_says_first_whether_it_is_normal_and_what_it_is_mistaken_for() -> None:
    card = text_of(metric_card("kl"), full_view())
    assert "no: kl-too-high (high) is open since step 7" in card
    assert "not an error" in card
    assert "inside 0–0.5" in text_of(metric_card("kl"), view_of_run(judged(health_of_run(healthy_run()), ())))
    loss = text_of(metric_card("loss"), full_view())
    assert "no finished training" in loss


def test_the_unit_on_a_card_is_that_of_the_trainer() -> None:
    ppo = view_of_run(health_of_run(a_run(Algorithm.PPO).with_metrics(kl=[1.0] * 9)))
    assert "nat/sequence" in text_of(metric_card("kl"), ppo).partition("Unit in PPO")[2].splitlines()[0]


def test_a_key_nobody_knows_has_a_card_too() -> None:
    name = f"x/{HOSTILE}"
    view = view_of_run(health_of_run(healthy_run().with_metric(name, [1.0] * 60)))
    assert "does not know" in text_of(metric_card(name), view)


def test_config_tells_what_is_set_otherwise_and_what_is_risky(sample_runs: Path) -> None:
    view = view_of(RunSession.open(sample_runs / "grpo-collapsed").poll())
    page = text_of(config_page(), view)
    assert "learning_rate" in page.partition("Set otherwise")[2].partition("As by default")[0]
    assert "default 1e-06" in page
    assert "→ 1e-06 (lr-out-of-band)" in page
    assert "tiny-effective-batch" in page.partition("Risky settings")[2].partition("Set otherwise")[0]
    assert "temperature" in page.partition("As by default")[2]
    assert "trl 1.12.0" in page


def test_a_run_without_a_config_says_how_to_have_it() -> None:
    view = view_of_run(health_of_run(a_run(None)))
    assert "RLDKCallback records them" in text_of(config_page(), view)


def test_values_of_a_config_are_shown_and_never_obeyed() -> None:
    run = a_run(Algorithm.GRPO, config={"beta": HOSTILE, HOSTILE: {"a": HOSTILE}, "long": "x" * 100_000})
    text = text_of(config_page(), view_of_run(health_of_run(run)), 60)
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\x9b"}
    assert "[bold]markup[/bold]" in text


def test_the_learning_signal_is_accounted_for() -> None:
    run = healthy_run(200).with_metrics(frac_reward_zero_std=[0.1] * 100 + [0.3] * 100, step_time=[36.0] * 200)
    text = text_of(learning_page(), view_of_run(health_of_run(run)))
    assert "30 % of the last 100 logs' replies taught nothing ▲ from 10 % before" in text
    assert "about 0.3 of 1" in text
    other = view_of_run(health_of_run(a_run(Algorithm.DPO).with_metrics(loss=[0.6] * 9)))
    assert "compares no replies" in text_of(learning_page(), other)


async def test_a_finding_leads_to_its_chart_its_completions_and_its_causes(settled: Settled) -> None:
    named = msgspec.structs.replace(
        FINDINGS[0], evidence=Evidence(metric="completions/clipped_ratio", steps=(1, 60), values=(0.2, 1.0), rows=("60/1",))
    )
    related = msgspec.structs.replace(FINDINGS[1], parent=FINDINGS[0].id)
    health = health_of_run(healthy_run(), completions("cut off", "the named reply"))
    app = MonitorApp()
    async with app.run_test(size=(100, 50)) as pilot:
        app.post_message(HealthUpdated(view_of_run(judged(health, (named, related)))))
        await settled(pilot)
        await pilot.press("2", "enter")
        await settled(pilot)
        assert isinstance(app.screen, FindingScreen)
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, ChartScreen)
        assert "step 1 " in shown(app, "chart")
        await pilot.press("escape", "down", "enter")
        await settled(pilot)
        assert "the named reply" in shown(app, "page").partition("Completion")[2]
        await pilot.press("escape", "down", "enter")
        await settled(pilot)
        assert "kl-too-high" in shown(app, "page").splitlines()[0]
        assert "Follows from" in shown(app, "page")


def test_completions_whose_text_is_not_in_memory_are_read_when_they_are_opened(sample_runs: Path) -> None:
    health = RunSession.open(sample_runs / "grpo-collapsed").poll()
    finding = next(one for one in health.findings if one.rule == "truncation")
    kept = health.snapshot.completions
    view = view_of(replace(health, snapshot=replace(health.snapshot, completions=())))
    rows = finding_page(finding).draw(view, Box(100))
    page = next(row.opens for row in rows if row.opens and row.opens.key.startswith("read-again"))
    text = "\n".join(row.text for row in page.draw(view, Box(100)))
    assert any(row.completion[:30] in text for event in kept for row in event.rows)


async def test_a_muted_rule_is_heard_last_and_the_text_for_an_issue_is_whole(settled: Settled) -> None:
    app = MonitorApp()
    view = full_view()
    async with app.run_test(size=(100, 50)) as pilot:
        app.post_message(HealthUpdated(view))
        await settled(pilot)
        await pilot.press("2", "enter")
        await settled(pilot)
        await pilot.press("m")
        await settled(pilot)
        assert "muted" in shown(app, "page")
        await pilot.press("right_square_bracket")
        await settled(pilot)
        assert "kl-too-high" in shown(app, "page").splitlines()[0]
        await pilot.press("escape")
        await settled(pilot)
        lines = shown(app, "findings").splitlines()
        assert "muted" in next(line for line in lines if "truncation" in line)
        assert [line for line in lines if "truncation" in line or "kl-nonzero" in line][-1].count("truncation")
    text = issue_text(FINDINGS[0], view)
    for part in ("### truncation (critical)", "limit 0.95", "max_completion_length", "seed 42", "trl 1.12.0"):
        assert part in text


async def test_a_page_is_searched(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.press("question_mark", "slash", *"severity", "backspace", "backspace", "enter")
        await settled(pilot)
        await pilot.press("slash", *"quit;", "enter")
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, PageScreen)
        page = screen.query_one("#page")
        assert any("quit;" in page.render_line(y).text for y in range(20))
        await pilot.press("n", "N", "escape")
        assert not isinstance(app.screen, PageScreen)


async def test_a_panel_is_filtered_while_one_types(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(120, 36)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.press("1", "slash", *"entropy")
        await settled(pilot)
        assert "Entropy" in shown(app, "metrics")
        assert "Gradient norm" not in shown(app, "metrics")
        await pilot.press("enter", "escape")
        await settled(pilot)
        assert "Gradient norm" in shown(app, "metrics")


async def test_the_palette_finds_metrics_findings_and_deeds(settled: Settled) -> None:
    app = MonitorApp()
    async with app.run_test(size=(100, 40)) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        await pilot.press("ctrl+p", *"chart: entropy")
        await settled(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, ChartScreen)
        assert app.screen.metric == "entropy"


def test_hostile_completions_of_a_finding_stay_on_their_line() -> None:
    rows = (Completion(prompt=HOSTILE, completion=HOSTILE * 50, rewards={"r": 0.0}),)
    health = judged(health_of_run(healthy_run(), Completions(time=1e6, step=60, rows=rows)), FINDINGS)
    text = text_of(finding_page(FINDINGS[0]), view_of_run(health), 80)
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\x9b"}
