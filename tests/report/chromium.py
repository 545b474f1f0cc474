"""One headless Chromium, driven over its debugging pipe: what a person does to a page, and what the page then says."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
# The protocol is spoken on the descriptors 3 and 4 (--remote-debugging-pipe), a NUL after each message.
_LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "[os.set_inheritable(n, True) for n in (3, 4)]; os.execv(sys.argv[3], sys.argv[3:])"
)
_EXCEPTIONS = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}


class Tab:
    """A page that is open."""

    def __init__(self, to: int, answers: int) -> None:
        self._to, self._answers, self._rest, self._last, self._session = to, answers, b"", 0, ""
        self.complaints = list[dict[str, Any]]()
        self.asked = list[str]()
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        self.send("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and wait for what it answers."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        os.write(self._to, json.dumps(message | ({"sessionId": self._session} if self._session else {})).encode() + b"\0")
        while (said := self._next()).get("id") != self._last:
            pass
        assert "error" not in said, said
        answer: dict[str, Any] = said["result"]
        return answer

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            chunk = os.read(self._answers, 1 << 20)
            assert chunk, "Chromium ended"
            self._rest += chunk
        line, self._rest = self._rest.split(b"\0", 1)
        said: dict[str, Any] = json.loads(line)
        if said.get("method") in _EXCEPTIONS:
            self.complaints.append(said["params"])
        if said.get("method") == "Network.requestWillBeSent":
            self.asked.append(said["params"]["request"]["url"])
        return said

    def open(self, page: Path, *, width: int = 1200, height: int = 900, scheme: str = "light", scripts: bool = True) -> None:
        """Load a page in a window of this size, and forget what others asked for and complained of."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send("Emulation.setTouchEmulationEnabled", enabled=width < 600)
        self.complaints.clear()
        self.asked.clear()
        self.send("Page.navigate", url=page.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def says(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def mouse(self, kind: str, place: tuple[float, float], **more: Any) -> None:
        """`Moved`, `Pressed`, `Released` or `Wheel` at a place of the window; a drag moves with `button="left"`."""
        self.send("Input.dispatchMouseEvent", type=f"mouse{kind}", x=place[0], y=place[1], **more)

    def click(self, place: tuple[float, float], times: int = 1) -> None:
        """Click at a place, or click twice."""
        for count in range(1, times + 1):
            for kind in ("Pressed", "Released"):
                self.mouse(kind, place, button="left", clickCount=count)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at one place, move to another, let go."""
        self.mouse("Pressed", start, button="left", clickCount=1)
        self.mouse("Moved", end, button="left")
        self.mouse("Released", end, button="left", clickCount=1)

    def touch(self, place: tuple[float, float]) -> None:
        """Put a finger somewhere and lift it."""
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": place[0], "y": place[1]}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, name: str) -> None:
        """Press a key and let it go."""
        text = {"text": name} if len(name) == 1 else {}
        codes = {"Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        for kind, more in (("keyDown", text), ("keyUp", {})):
            self.send("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=codes.get(name, 0), **more)

    def picture(self, target: Path, *, whole: bool = False) -> None:
        """A PNG of what is seen, or of the whole page."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        target.write_bytes(base64.b64decode(data))


@contextmanager
def chromium(profile: Path) -> Iterator[Tab]:
    """A browser with an empty profile; it ends with the context."""
    assert PROGRAM is not None
    (read, write), (answers, said) = os.pipe(), os.pipe()
    options = [*QUIET, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        [sys.executable, "-c", _LAUNCH, str(read), str(said), PROGRAM, *options],
        pass_fds=(read, said),
        stderr=subprocess.DEVNULL,
    )
    os.close(read)
    os.close(said)
    try:
        yield Tab(write, answers)
    finally:
        os.close(write)  # it ends when nobody can speak to it any more
        os.close(answers)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
