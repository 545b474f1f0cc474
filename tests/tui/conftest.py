"""Pictures of the screen, kept as SVG so that a reviewer sees the screen in the diff."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension
from textual.pilot import Pilot

PINNED_TEXTUAL = "8.2.8"
"""Another version draws other SVG of the same screen."""


class SvgExtension(SingleFileSnapshotExtension):
    """One `.svg` a test."""

    file_extension = "svg"


@pytest.fixture
def svg(snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> SnapshotAssertion:
    """Compares with the kept picture; neither compares nor updates on a Textual other than the pinned one."""
    if version("textual") != PINNED_TEXTUAL:
        if request.config.getoption("--snapshot-update"):
            pytest.fail(f"pictures are updated with textual {PINNED_TEXTUAL} only")
        pytest.skip(f"pictures are compared with textual {PINNED_TEXTUAL} only")
    return snapshot.use_extension(SvgExtension)


Settled = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture
def settled() -> Settled:
    """Waits until the app has handled everything that was posted to it and has drawn it."""

    async def wait(pilot: Pilot[Any]) -> None:
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.pause()

    return wait
