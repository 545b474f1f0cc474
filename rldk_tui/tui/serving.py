"""The monitor in a browser on this machine, through textual-serve: for whoever has a tunnel and no terminal.

Only the loopback address is listened on, and nothing is answered to whoever does not show the token that is printed: other
users of the machine can reach its loopback too. The token goes into a cookie that scripts and other sites cannot use, and
requests that name another host or come from another page are refused, so a page elsewhere cannot steer the monitor.
"""

from __future__ import annotations

import hmac
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from rldk_tui.errors import UserError

if TYPE_CHECKING:
    from aiohttp import web

HOST = "127.0.0.1"
_COOKIE = "rldk_token"


def serve(arguments: Sequence[str], port: int, say: Callable[[str], object]) -> None:
    """Serve until it is interrupted; each browser window has a monitor of its own.

    Args:
        arguments: Those of `rldk-tui`.
        port: On the loopback address.
        say: Takes the address to open.

    Raises:
        UserError: if textual-serve is not installed, or the port is taken.
    """
    token = secrets.token_urlsafe(24)
    server = guarded_server(arguments, port, token)
    say(f"http://{HOST}:{port}/?token={token}")
    say("Only from this machine (ssh -L elsewhere); ctrl+c ends it.")
    try:
        server.serve()
    except OSError as failure:
        raise UserError(f"Port {port} cannot be listened on: {failure.strerror}.", "Give another one with --port.") from failure


def guarded_server(arguments: Sequence[str], port: int, token: str) -> Any:
    """A server of textual-serve's that asks for the token.

    Raises:
        UserError: if textual-serve is not installed.
    """
    try:
        from textual_serve.server import Server
    except ImportError as failure:
        raise UserError("--serve needs textual-serve.", "pip install 'rldk-tui[serve]'") from failure

    class Guarded(Server):  # type: ignore[misc] # it has no types
        """Answers nobody without the token."""

        async def _make_app(self) -> web.Application:
            app: web.Application = await super()._make_app()
            app.middlewares.append(_guard(token, {f"{HOST}:{port}", f"localhost:{port}"}))
            return app

        def initialize_logging(self) -> None:
            """Keep quiet: the token is part of a request's line."""

    command = shlex.join([sys.executable, "-m", "rldk_tui", *arguments])
    return Guarded(command, host=HOST, port=port, title="rldk-tui")


def _guard(token: str, hosts: set[str]) -> Any:
    """Lets through what comes to one of these hosts, from its own pages, with the token."""
    from aiohttp import web

    allowed_origins = {None, *(f"http://{host}" for host in hosts)}

    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.host not in hosts or request.headers.get("Origin") not in allowed_origins:
            raise web.HTTPForbidden(text="This monitor is for this machine alone.")
        if _same(request.query.get("token", ""), token):
            entered = web.HTTPFound("/")
            entered.set_cookie(_COOKIE, token, httponly=True, samesite="Strict")
            raise entered
        if not _same(request.cookies.get(_COOKIE, ""), token):
            raise web.HTTPForbidden(text="Open the address that rldk-tui printed: it holds the token.")
        return await handler(request)

    return guard


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())
