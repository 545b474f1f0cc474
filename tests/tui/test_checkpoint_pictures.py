"""The checkpoints of a run as pictures: the list, the tensors of one, two against each other."""

from __future__ import annotations

import json

import pytest
from syrupy.assertion import SnapshotAssertion

from rldk_tui.tui.app import MonitorApp
from rldk_tui.tui.child import Answer
from rldk_tui.tui.messages import HealthUpdated
from rldk_tui.tui.view import View
from tests.tui.checkpoints import SOME, Child, healthy_checkpoints, no_checkpoints, tensor, troubled_checkpoints

pytestmark = pytest.mark.snapshot

COMPARED = json.dumps(
    {
        "steps": 10,
        "total": {"relative": 0.0174, "cosine": 0.999849, "sign_flips": 0.0111},
        "only_after": ["lm_head.weight"],
        "tensors": [
            tensor("model.layers.5.mlp.down_proj.weight", layer=5, relative=0.0392, cosine=0.999238, sign_flips=10, count=1024),
            tensor("model.norm.weight", layer=None, role="norm", relative=0.0, cosine=1.0, count=32),
        ],
    }
).encode()


async def picture(view: View, size: tuple[int, int], *keys: str, answer: bytes | None = None, plain: bool = False) -> bytes:
    """The screen after these keys; without an answer the child is still at work."""
    child = Child(Answer(0, answer or b"", ""))
    app = MonitorApp(title="runs/grpo-qwen-17", ascii=plain, ask=child)
    if answer is not None:
        child.may.set()
    async with app.run_test(size=size) as pilot:
        app.post_message(HealthUpdated(view))
        await pilot.pause()
        for key in ("4", *keys):
            await pilot.press(key)
            await pilot.pause()
        if answer is not None:
            await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.pause()
        return app.export_screenshot(simplify=True).encode()


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_healthy_checkpoints(size: tuple[int, int], svg: SnapshotAssertion) -> None:
    assert await picture(healthy_checkpoints(), size) == svg


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_troubled_checkpoints(size: tuple[int, int], svg: SnapshotAssertion) -> None:
    assert await picture(troubled_checkpoints(), size, "down", "space", "down", "space") == svg


async def test_troubled_checkpoints_in_ascii(svg: SnapshotAssertion) -> None:
    assert await picture(troubled_checkpoints(), (80, 24), plain=True) == svg


async def test_no_checkpoints(svg: SnapshotAssertion) -> None:
    assert await picture(no_checkpoints(), (80, 24)) == svg


async def test_checkpoints_being_analysed(svg: SnapshotAssertion) -> None:
    assert await picture(troubled_checkpoints(), (80, 24), "a") == svg


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_tensors_of_a_checkpoint(size: tuple[int, int], svg: SnapshotAssertion) -> None:
    assert await picture(troubled_checkpoints(), size, "down", "enter", answer=SOME) == svg


async def test_a_deleted_checkpoint(svg: SnapshotAssertion) -> None:
    assert await picture(troubled_checkpoints(), (80, 24), "enter") == svg


async def test_two_checkpoints_against_each_other(svg: SnapshotAssertion) -> None:
    assert await picture(troubled_checkpoints(), (100, 24), "down", "space", "down", "space", "c", answer=COMPARED) == svg
