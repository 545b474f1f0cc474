"""The monitor in a browser: for this machine, and for whoever has the token."""

from __future__ import annotations

from typing import Any

import pytest

from rldk_tui.tui.serving import HOST, guarded_server

pytest.importorskip("textual_serve")
TOKEN = "t0ken"  # noqa: S105
PORT = 8123


async def answered(path: str, **headers: str) -> tuple[int, Any]:
    """Status and cookies of what the server answers."""
    from aiohttp.test_utils import TestClient, TestServer

    server = guarded_server(["/runs/it's"], PORT, TOKEN)
    async with TestClient(TestServer(await server._make_app())) as client:
        answer = await client.get(path, headers={"Host": f"{HOST}:{PORT}", **headers}, allow_redirects=False)
        return answer.status, answer.cookies


async def test_the_token_becomes_a_cookie_that_lets_in() -> None:
    status, cookies = await answered(f"/?token={TOKEN}")
    assert status == 302
    assert cookies["rldk_token"]["httponly"]
    assert cookies["rldk_token"]["samesite"] == "Strict"
    assert (await answered("/", Cookie=f"rldk_token={TOKEN}"))[0] == 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/ws", {}),
        ("/?token=wrong", {}),
        ("/", {"Cookie": "rldk_token=wrong"}),
        ("/ws", {"Cookie": f"rldk_token={TOKEN}", "Origin": "http://elsewhere.example"}),
        (f"/?token={TOKEN}", {"Host": "elsewhere.example"}),
    ],
)
async def test_nobody_else_is_let_in(path: str, headers: dict[str, str]) -> None:
    assert (await answered(path, **headers))[0] == 403


def test_it_listens_on_the_loopback_alone_and_quotes_what_it_runs() -> None:
    server = guarded_server(["/runs/it's; rm -rf"], PORT, TOKEN)
    assert server.host == "127.0.0.1"
    assert "'/runs/it'\"'\"'s; rm -rf'" in server.command
