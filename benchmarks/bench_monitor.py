"""The monitor in a pseudo-terminal of 120 × 36: first frame beside a bare Textual app's, and the first full charts of a
log of 10,000 rows × 40 metrics.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from benchmarks.logs import a_log

ROUNDS = 5
PATIENCE = 60.0
BARE = (
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class Bare(App[None]):\n    def compose(self):\n        yield Static('bare app')\n"
    "Bare().run()"
)
FRAME = b"reading"
CHART = (b"whole run", b"custom/5")


def seconds_until(command: list[str], *signs: tuple[bytes, ...]) -> list[float]:
    """Run a command in a pseudo-terminal; seconds from its start until each group of signs was seen."""
    controller, terminal = pty.openpty()
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    begin = time.perf_counter()
    child = subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
    )
    os.close(terminal)
    seen, taken = b"", []
    try:
        while len(taken) < len(signs) and time.perf_counter() - begin < PATIENCE:
            if select.select([controller], [], [], 0.05)[0]:
                seen += os.read(controller, 65536)
                while len(taken) < len(signs) and all(sign in seen for sign in signs[len(taken)]):
                    taken.append(time.perf_counter() - begin)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        os.close(controller)
    return taken


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        a_log(run, 10_000, 40)
        bare, frame, charts = [], [], []
        for _ in range(ROUNDS):
            bare += seconds_until([sys.executable, "-c", BARE], (b"bare app",))
            first, full = seconds_until([sys.executable, "-m", "rldk_tui", str(run)], (FRAME,), CHART)
            frame.append(first)
            charts.append(full - first)
    print(f"bare Textual app, first frame      median {statistics.median(bare) * 1e3:5.0f} ms")
    ratio = statistics.median(frame) / statistics.median(bare)
    print(f"monitor, first frame               median {statistics.median(frame) * 1e3:5.0f} ms   {ratio:.2f} x the bare app")
    print(f"monitor, from there to full charts median {statistics.median(charts) * 1e3:5.0f} ms   (10k rows x 40 metrics)")


if __name__ == "__main__":
    main()
