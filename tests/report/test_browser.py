"""The pages in a real browser: they ask for nothing, complain of nothing, fit a phone, and their charts answer."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rldk_tui.comparison import Axis, compare
from rldk_tui.report.build import build_report
from rldk_tui.report.comparison.build import build_comparison
from tests.report.chromium import PROGRAM, Tab, chromium
from tests.report.runs import RUNS, health_of, hostile, logged, snapshot_of, started, troubled
from tests.report.test_page import real

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed"),
    pytest.mark.xdist_group("browser"),
]
CHARTS = "document.querySelectorAll('.part:not(#findings) .grid svg.chart')"
"""Of the metrics: they share one axis."""
CHART = CHARTS + "[{index}]"
PLACE = "(() => {{ const b = {chart}.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; }})()"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    written = {name: build_report(made(), folder / name, pdf=False).html for name, made in RUNS.items()}
    noise = random.Random(1)
    rows = [logged(step, reward=float("nan") if step == 1500 else noise.gauss(0, 1)) for step in range(1, 3001)]
    rows += [logged(step, kl=noise.random()) for step in range(1, 1001)]
    written["dense"] = build_report(health_of(snapshot_of("dense", started(), *rows)), folder / "dense", pdf=False).html
    compared = {
        "comparison": compare([troubled(), hostile(), RUNS["healthy"]()], Axis.STEP, "kl"),
        "by tokens": compare([real("grpo-healthy"), real("grpo-reward-collapse")], Axis.TOKENS),
    }
    return written | {name: build_comparison(one, folder / name, pdf=False).html for name, one in compared.items()}


def inside(tab: Tab, index: int, share: float) -> tuple[float, float]:
    """A place in the window: so far along the step axis of a chart of a metric, which is brought into view."""
    chart = CHART.format(index=index)
    tab.says(f"{chart}.scrollIntoView({{block: 'center'}})")
    x, y, width, height = tab.says(PLACE.format(chart=chart))
    left, _, right, _ = map(float, tab.says(f"{chart}.dataset.box").split())
    return x + width * (left + share * (right - left)) / tab.says(f"{chart}.viewBox.baseVal.width"), y + height / 2


def steps_shown(tab: Tab) -> list[list[str]]:
    """First and last step on the axis of every chart of a metric."""
    ends = "[...one.querySelectorAll('.first, .last')].map((tick) => tick.textContent)"
    shown: list[list[str]] = tab.says(f"[...{CHARTS}].map((one) => {ends})")
    return shown


def readout(tab: Tab) -> str:
    return str(tab.says("document.querySelector('.readout:not([hidden])')?.innerText ?? ''"))


@pytest.mark.parametrize("page", ["troubled", "hostile", "empty", "dense", "comparison"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_asks_for_nothing_complains_of_nothing_and_fits_a_phone(
    tab: Tab, pages: dict[str, Path], page: str, scheme: str
) -> None:
    tab.open(pages[page], width=360, height=700, scheme=scheme)
    assert tab.asked == [pages[page].as_uri()]
    assert tab.complaints == []
    assert tab.says("document.documentElement.scrollWidth") <= 360
    ground, ink = (
        [int(part) for part in re.findall(r"\d+", tab.says(f"getComputedStyle(document.documentElement).{name}"))[:3]]
        for name in ("backgroundColor", "color")
    )
    assert (sum(ground) > sum(ink)) == (scheme == "light")


def test_pointing_at_a_chart_reads_it_and_marks_the_step_in_all(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["troubled"])
    assert tab.says("document.querySelector('.answers').hidden") is False
    tab.mouse("Moved", inside(tab, 1, 1.0))
    assert readout(tab) == "step 40\n0.8 nat/token"
    told = tab.says("[...document.querySelectorAll('.cursor[visibility=visible] text')].map((one) => one.textContent)")
    assert told.count("") == 1, "the chart that is pointed at"
    assert {"0.3", "1", "0.9"} <= set(told), "the others tell theirs beside the cursor"
    tab.mouse("Moved", inside(tab, 0, 24 / 39))
    assert readout(tab) == "step 25\nNone"
    tab.mouse("Moved", (2, 2))
    assert readout(tab) == ""


def test_a_dense_series_is_read_as_median_and_extremes(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["dense"])
    tab.mouse("Moved", inside(tab, 0, 0.49))
    assert re.fullmatch(r"around step 1,475\nmedian [−\d.]+, −\d[\d.]* … \d[\d.]*, 1 not finite", readout(tab))


def test_a_metric_that_stopped_tells_nothing_of_later_steps(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["dense"])
    for share, known in ((0.2, True), (0.8, False)):
        tab.mouse("Moved", inside(tab, 0, share))
        told = tab.says("[...document.querySelectorAll('.cursor[visibility=visible] text')].map((one) => one.textContent)")
        assert any(told) is known


def test_runs_beside_each_other_are_read_together(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["comparison"])
    tab.mouse("Moved", inside(tab, 0, 0.5))
    assert {"troubled-run", "calm-run"} <= {row.split(":")[0] for row in readout(tab).splitlines()[1:]}
    assert "<script>" in readout(tab), "the name of the hostile run is text"
    assert tab.says("document.images.length") == 0
    tab.open(pages["by tokens"])
    tab.mouse("Moved", inside(tab, 0, 0.5))
    assert readout(tab).startswith("token ")


def test_a_drag_enlarges_all_charts_and_escape_shows_all(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["troubled"])
    whole = steps_shown(tab)
    button = "document.querySelector('.whole')"
    for back in (lambda: tab.key("Escape"), lambda: tab.click(inside(tab, 0, 0.5), 2), lambda: tab.says(f"{button}.click()")):
        tab.drag(inside(tab, 0, 0.25), inside(tab, 0, 0.75))
        assert {tuple(ends) for ends in steps_shown(tab)} == {("11", "30")}
        assert "steps 11 to 30" in tab.says(f"{button}.textContent")
        tab.mouse("Moved", inside(tab, 1, 0.0))
        assert readout(tab).startswith("step 11\n")
        back()
        assert steps_shown(tab) == whole
        assert tab.says(f"{button}.hidden") is True


def test_the_wheel_scrolls_unless_it_is_to_enlarge(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["troubled"])
    whole = steps_shown(tab)
    place = inside(tab, 0, 0.5)
    tab.mouse("Wheel", place, deltaX=0, deltaY=-1)
    assert steps_shown(tab) == whole
    tab.mouse("Wheel", place, deltaX=0, deltaY=-100, modifiers=2)  # Ctrl, which is what two fingers on a touchpad send
    assert steps_shown(tab) != whole


def test_the_keyboard_reads_enlarges_and_goes_on(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["troubled"])
    tab.says(f"{CHART.format(index=0)}.closest('section').querySelector('svg.chart[tabindex=\"0\"]').focus()")
    spoken = "document.activeElement.getAttribute('aria-valuetext')"
    tab.key("ArrowLeft")
    assert tab.says(spoken) == "step 39: 0.305"
    tab.key("ArrowDown")
    tab.key("ArrowLeft")
    assert tab.says(spoken) == "step 39: 0.78 nat/token"
    whole = steps_shown(tab)
    tab.key("+")
    assert steps_shown(tab) != whole
    tab.key("Escape")
    assert steps_shown(tab) == whole


def test_a_finger_reads(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["troubled"], width=360, height=700)
    tab.touch(inside(tab, 1, 1.0))
    assert readout(tab) == "step 40\n0.8 nat/token"


def test_without_scripts_all_is_still_there(tab: Tab, pages: dict[str, Path]) -> None:
    drawn = "[...document.querySelectorAll('svg.chart .course path')].map((one) => one.getAttribute('d')).join()"
    tab.open(pages["troubled"])
    with_script = tab.says(drawn)
    tab.open(pages["troubled"], scripts=False)
    assert tab.says(drawn) == with_script
    assert tab.says("document.querySelector('.answers').checkVisibility()") is False
    assert tab.complaints == []


def test_no_other_script_runs(tab: Tab, pages: dict[str, Path], tmp_path: Path) -> None:
    probe = tmp_path / "probe.html"
    text = pages["troubled"].read_text(encoding="utf-8")
    probe.write_text(
        text.replace("</main>", "<script>document.title = 'ran'</script><img src=x onerror=\"document.title='ran'\">")
    )
    tab.open(probe)
    assert tab.says("document.title") != "ran"
    assert "Content Security Policy" in str(tab.complaints)
    assert tab.says("document.querySelectorAll('svg.chart[tabindex]').length") > 0
