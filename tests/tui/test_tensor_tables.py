"""Tensors as a table: worst first, and made a line of only when looked at."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len

from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.child import Answer
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.table_lines import TableLines
from rldk_tui.tui.tensor_tables import analysis_table, comparison_table
from tests.tui.checkpoints import SOME, Child, analysis, tensor, troubled_checkpoints
from tests.tui.test_journeys import HOSTILE


def compared(*tensors: dict[str, Any], **facts: Any) -> bytes:
    total = {"relative": 0.0174, "cosine": 0.9998, "sign_flips": 0.011}
    return json.dumps({"steps": 20, "total": total, "tensors": tensors, **facts}).encode()


def test_what_cannot_be_used_comes_first_then_dead_rows_then_change() -> None:
    table = analysis_table(SOME)
    assert [row.cells[:3] for row in table.rows] == [
        ("unread", "–", "–"),
        ("3", "0", "10 %"),
        ("0", "20", "79.4 %"),
        ("0", "0", "4.27 %"),
        ("0", "–", "–"),
    ]
    assert table.remarks == ("5 tensors, worst first. change: ‖ΔW‖/‖W‖ since the checkpoint of step 10.",)


def test_without_an_earlier_checkpoint_the_table_says_so() -> None:
    table = analysis_table(json.dumps({"step": 10, "since_previous": None, "tensors": [tensor("a")]}).encode())
    assert "No earlier checkpoint" in table.remarks[0]


def test_of_two_checkpoints_what_changed_most_comes_first() -> None:
    table = comparison_table(
        compared(
            tensor("still", relative=0.0, cosine=1.0, count=10),
            tensor("moved", relative=0.2, cosine=0.98, sign_flips=1, count=10, effective_rank=3.5),
            tensor("grown", relative="nan", cosine="nan", count=10, change_square_sum=4.0),
            only_after=["new", HOSTILE],
        )
    )
    assert [(row.name, row.cells) for row in table.rows] == [
        ("grown", ("from zero", "–", "0 %", "–")),
        ("moved", ("20 %", "0.980000", "10 %", "3.5")),
        ("still", ("0 %", "1.000000", "0 %", "–")),
    ]
    assert "1.74 % in 20 steps" in table.remarks[0]
    assert "Only in the second: 2" in table.remarks[1]


def test_two_without_a_tensor_in_common_say_so() -> None:
    assert comparison_table(compared()).remarks == ("They have no tensor in common.",)


@pytest.mark.parametrize("said", [b"", b"[]", b"{}", b'{"tensors": [{}]}', b"\xff", b'{"tensors": [{"name": 3}]}'])
def test_what_is_no_answer_is_refused(said: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        analysis_table(said)


@pytest.mark.parametrize("width", [20, 36, 60, 76, 120, 300])
@pytest.mark.parametrize("name", ["a", "世界" * 500, HOSTILE, "x" * 10_000])
def test_every_line_has_the_width_of_its_heading(width: int, name: str) -> None:
    rows = TableLines((), analysis_table(analysis(tensor(name, nan=10**9, dead_rows=10**6, change=1e9))), width)
    assert rows[0].width == rows[1].width
    assert rows[1].text.isprintable()
    assert cell_len(rows[1].text) == rows[1].width


async def test_ten_thousand_tensors_are_drawn_no_more_than_the_screen_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    line = TableLines._line

    def counted(self: TableLines, *parts: Any) -> Any:
        made.append(1)
        return line(self, *parts)

    monkeypatch.setattr(TableLines, "_line", counted)
    child = Child(Answer(0, analysis(*(tensor(f"layer.{at}.weight", change=at / 1e4) for at in range(10_000))), ""))
    child.may.set()
    app = MonitorApp(ask=child)
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(HealthUpdated(troubled_checkpoints()))
        await pilot.pause()
        await pilot.press("4", "down", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press("G")
        await pilot.pause()
        screen = app.screen.query_one("#tensors")
        assert "tensor" in screen.render_line(0).text, "the heading stays in sight"
        assert "layer.0.weight" in screen.render_line(screen.content_size.height - 1).text
    assert len(made) < 500
