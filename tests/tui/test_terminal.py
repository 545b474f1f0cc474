"""The monitor in a real terminal: it opens, it is read, it leaves the terminal as it was."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
PATIENCE = 60.0


class Terminal:
    """One tmux session of its own server."""

    def __init__(self, socket: Path, command: str, width: int, height: int) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", os.devnull]
        environment = {"LC_ALL": "C.UTF-8", "TERM": "screen-256color", "PATH": os.environ["PATH"], "HOME": str(socket.parent)}
        shell = f"{command}; echo ended=$?; stty -a | tr ';' '\\n' | grep -E -o -- '-?(icanon|echo)\\b'; sleep 600"
        subprocess.run(
            [*self._tmux, "new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c", shell],
            check=True,
            env=environment,
        )

    def text(self, *options: str) -> str:
        done = subprocess.run([*self._tmux, "capture-pane", "-p", *options], capture_output=True, text=True, check=True)
        return done.stdout

    def flag(self, name: str) -> str:
        done = subprocess.run([*self._tmux, "display", "-p", f"#{{{name}}}"], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def keys(self, *keys: str) -> None:
        subprocess.run([*self._tmux, "send-keys", *keys], check=True)

    def until(self, wanted: str) -> str:
        """The screen once it shows this."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in (text := self.text()):
            assert time.monotonic() < deadline, f"{wanted!r} never came:\n{text}"
            time.sleep(0.1)
        return text

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)


@pytest.fixture
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def monitor(
    opened: list[Terminal], folder: Path, run: Path, width: int = 120, height: int = 36, *, setting: str = ""
) -> Terminal:
    note = f"{setting} echo $$ > {shlex.quote(str(folder / 'pid'))}"
    command = f"{note}; exec {shlex.quote(sys.executable)} -m rldk_tui {shlex.quote(str(run))}"
    terminal = Terminal(folder / "tmux", f"sh -c {shlex.quote(command)}", width, height)
    opened.append(terminal)
    return terminal


def assert_clean(terminal: Terminal) -> None:
    """Out of the alternate screen, cursor shown, no mouse reports, input line by line and echoed."""
    text = terminal.until("ended=")
    terminal.until("icanon")
    assert "-icanon" not in terminal.text()
    assert "-echo" not in terminal.text()
    assert terminal.flag("alternate_on") == "0"
    assert terminal.flag("cursor_flag") == "1"
    assert terminal.flag("mouse_any_flag") == "0"
    assert "Traceback" not in text


def test_the_first_screen_answers_without_a_key(sockets: list[Terminal], tmp_path: Path, sample_runs: Path) -> None:
    terminal = monitor(sockets, tmp_path, sample_runs / "grpo-collapsed")
    text = terminal.until("Findings")
    for part in ("grpo-collapsed", "FINISHED", "step 120 / 120", "critical", "Reward", "worst reward first"):
        assert part in text
    terminal.keys("Enter")
    terminal.until("What to change")
    terminal.keys("Escape")
    terminal.until("1 Metrics")
    terminal.keys("q")
    assert_clean(terminal)
    assert "ended=0" in terminal.text()


def test_ctrl_c_leaves_the_terminal_clean(sockets: list[Terminal], tmp_path: Path, sample_runs: Path) -> None:
    terminal = monitor(sockets, tmp_path, sample_runs / "grpo-healthy", 80, 24)
    terminal.until("Metrics")
    terminal.keys("C-c")
    assert_clean(terminal)


@pytest.mark.parametrize("signal", ["TERM", "HUP"])
def test_a_signal_leaves_the_terminal_clean(signal: str, sockets: list[Terminal], tmp_path: Path, sample_runs: Path) -> None:
    terminal = monitor(sockets, tmp_path, sample_runs / "grpo-healthy", 80, 24)
    terminal.until("Metrics")
    subprocess.run(["kill", f"-{signal}", (tmp_path / "pid").read_text().strip()], check=True)
    assert_clean(terminal)


def test_a_run_is_waited_for_and_appears(sockets: list[Terminal], tmp_path: Path, sample_runs: Path) -> None:
    run = tmp_path / "runs" / "new"
    terminal = monitor(sockets, tmp_path, run, 100, 30)
    terminal.until("waiting")
    shutil.copytree(sample_runs / "grpo-healthy", run)
    terminal.until("step 120 / 120")
    shutil.rmtree(run)
    assert "Reward" in terminal.until("DIRECTORY GONE")
    terminal.keys("q")
    assert_clean(terminal)


def test_no_color_means_no_colour(sockets: list[Terminal], tmp_path: Path, sample_runs: Path) -> None:
    terminal = monitor(sockets, tmp_path, sample_runs / "grpo-collapsed", setting="export NO_COLOR=1;")
    assert "critical" in terminal.until("Findings")
    coloured = re.findall(r"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m", terminal.text("-e"))
    assert not coloured


def test_ctrl_z_leaves_a_clean_shell_and_fg_comes_back(sockets: list[Terminal], tmp_path: Path, sample_runs: Path) -> None:
    terminal = Terminal(tmp_path / "tmux", "PS1='shell> ' bash --norc -i", 100, 30)
    sockets.append(terminal)
    terminal.until("shell>")
    terminal.keys(
        f"{shlex.quote(sys.executable)} -m rldk_tui {shlex.quote(str(sample_runs / 'grpo-healthy'))} --forget", "Enter"
    )
    terminal.until("Metrics")
    terminal.keys("C-z")
    terminal.until("Stopped")
    assert terminal.flag("alternate_on") == "0"
    assert terminal.flag("mouse_any_flag") == "0"
    terminal.keys("fg", "Enter")
    terminal.until("step 120 / 120")
    assert terminal.flag("alternate_on") == "1"
    terminal.keys("q")
    terminal.until("shell>")


def test_a_storm_of_resizes_ends_with_a_whole_screen(sockets: list[Terminal], tmp_path: Path, sample_runs: Path) -> None:
    terminal = monitor(sockets, tmp_path, sample_runs / "grpo-collapsed", 200, 50)
    terminal.until("Findings")
    for width, height in [(40, 12), (250, 80), (59, 14), (80, 24), (20, 5), (116, 30)] * 6:
        subprocess.run([*terminal._tmux, "resize-window", "-x", str(width), "-y", str(height)], check=True)
    text = terminal.until("worst reward first")
    assert max(len(row) for row in text.splitlines()) <= 116
    assert "critical" in text
    terminal.keys("q")
    assert_clean(terminal)


def test_the_list_of_runs_opens_one_and_comes_back(sockets: list[Terminal], tmp_path: Path, sample_runs: Path) -> None:
    for name in ("grpo-healthy", "sft-nan-weights"):
        shutil.copytree(sample_runs / name, tmp_path / "runs" / name)
    terminal = monitor(sockets, tmp_path, tmp_path / "runs")
    terminal.until("nan-step-masked")
    terminal.until("tiny-effective-batch")
    terminal.keys("g", "/", "healthy", "Enter")
    time.sleep(0.5)
    terminal.keys("Enter")
    terminal.until("step 120 / 120")
    terminal.keys("Escape")
    terminal.until("open findings")
    terminal.keys("q")
    assert_clean(terminal)


def test_a_replay_pauses_and_moves_on(sockets: list[Terminal], tmp_path: Path, sample_runs: Path) -> None:
    run = shlex.quote(str(sample_runs / "grpo-collapsed"))
    command = f"{shlex.quote(sys.executable)} -m rldk_tui {run} --replay 0.001 --forget"
    terminal = Terminal(tmp_path / "tmux", f"sh -c {shlex.quote(f'exec {command}')}", 120, 36)
    sockets.append(terminal)
    terminal.until("REPLAY")
    terminal.keys(">", ">", ">", ">", ">")
    terminal.until("Truncated share")
    terminal.keys("Space")
    terminal.until("HELD")
    terminal.keys("Space", ">", ">", ">", ">", ">", ">")
    terminal.until("100 %")
    terminal.keys("q")
    assert_clean(terminal)
