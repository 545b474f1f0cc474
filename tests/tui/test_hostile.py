"""Text of a run that means harm, on every screen: shown literally, within its place, and in time."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from textual.pilot import Pilot

from rldk_tui.events import Algorithm, Completion, Completions, Evidence
from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.view import View
from tests.tui.conftest import Settled
from tests.tui.runs import FINDINGS, full_view, health_of_run, healthy_run, judged, view_of_run
from tests.tui.test_journeys import shown

TEXTS = {
    "escapes": "\x1b[31mred\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x9b2J\x1bP1;2q\x1b\\",
    "markup": "[bold]x[/bold] [@click=app.quit]y[/] \\[z] {t.red} [/]",
    "right to left": "\u202egnp.exe\u2066\u200f\u061c",
    "combining": "e" + "\u0301\u0489\u20dd" * 5000,
    "wide": "👩‍👩‍👧‍👦🏳️‍🌈世界" * 400,
    "long": "x" * 1_000_000,
    "lines": "a\r\nb\n\tc\x00\x0b\x0c\x85\u2028d",
}
FORBIDDEN = set("\x1b\x07\x9b\x00\r\t\x0b\x0c\x85\u2028\u202e\u2066\u200f\u061c\u200d")
JOURNEY = (
    "1", "end", "enter", "tab", "i", "escape", "escape", "0", "2", "enter", "down",
    "enter", "escape", "escape", "0", "3", "5", "escape", "w", "escape", "u", "escape",
    "6", "0", "4", "escape", "c",
)  # fmt: skip


def hostile_view(text: str) -> View:
    run = healthy_run().with_metric(f"x/{text}", [1.0] * 60).with_metric(f"rewards/{text}/mean", [0.5] * 60)
    facts = {"config": {text[:5000]: text, "beta": text}, "model": text, "git_revision": text}
    launch = run.launches[0]
    run = replace(run, launches=(replace(launch, facts={**launch.facts, **facts, "algorithm": Algorithm.GRPO}),))
    rows = (
        Completion(prompt=text, completion=text, rewards={text[:2000]: None}),
        Completion(prompt=text, completion="", rewards={}),
    )
    name = f"x/{text}"
    evidence = Evidence(metric=name, steps=(1,), values=(1.0,), rows=("60/0", text[:3000]))
    said = {"summary": text, "cause": text, "metric": name, "evidence": evidence}
    finding = msgspec.structs.replace(FINDINGS[0], rule=text[:500], **said)
    health = health_of_run(run, Completions(time=1e6, step=60, rows=rows), name=text)
    return view_of_run(judged(health, (finding,)))


def assert_whole(pilot: Pilot[str], size: tuple[int, int]) -> None:
    """Every line of the screen is as wide as the screen and holds nothing that steers a terminal."""
    text = shown(pilot.app)
    assert not set(text.replace("\n", "")) & FORBIDDEN
    strips = pilot.app.screen._compositor.render_strips()
    assert {strip.cell_length for strip in strips} == {size[0]}
    assert not set("".join(strip.text for strip in strips)) & FORBIDDEN


@pytest.mark.parametrize("size", [(120, 36), (60, 15)])
@pytest.mark.parametrize("kind", TEXTS)
async def test_every_screen_shows_it_literally(
    kind: str, size: tuple[int, int], settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MonitorApp, "write_terminal", lambda _app, _sequence: None)
    app = MonitorApp(title=TEXTS[kind])
    async with app.run_test(size=size) as pilot:
        app.post_message(HealthUpdated(hostile_view(TEXTS[kind])))
        await settled(pilot)
        for key in JOURNEY:
            await pilot.press(key)
            await pilot.pause()
            assert_whole(pilot, size)


@pytest.mark.parametrize("plain", [False, True], ids=["blocks", "ascii"])
@pytest.mark.parametrize("size", [(40, 12), (59, 40), (116, 30), (250, 80)])
async def test_every_screen_is_whole_at_every_size(
    size: tuple[int, int], plain: bool, settled: Settled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MonitorApp, "write_terminal", lambda _app, _sequence: None)
    app = MonitorApp(ascii=plain)
    async with app.run_test(size=size) as pilot:
        app.post_message(HealthUpdated(full_view()))
        await settled(pilot)
        for key in (*JOURNEY, "escape", "s", "v", "d", "escape", "escape", "escape", "ctrl+p", "escape", "question_mark"):
            await pilot.press(key)
            await pilot.pause()
            assert_whole(pilot, size)
            if plain:
                text = shown(app)
                assert text.isascii(), next(char for char in text if not char.isascii())
