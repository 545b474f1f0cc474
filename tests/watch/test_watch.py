"""`rldk watch` as a shell, a service unit and a program see it: real processes on a run that grows."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rldk_tui.events import Severity
from rldk_tui.watch.schema import watch_schema
from tests.conftest import SAMPLE_RUNS
from tests.watch.runs import RunNow

WATCH = [sys.executable, "-m", "rldk_tui.cli", "watch"]


def started(*arguments: object, **more: Any) -> subprocess.Popen[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.PIPE, "text": True, **more}
    return subprocess.Popen([*WATCH, *map(str, arguments), "--interval", "0.05"], **options)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


def within(seconds: float, is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def read_until(process: subprocess.Popen[str], text: str) -> list[str]:
    assert process.stdout is not None
    read = []
    for line in process.stdout:
        read.append(line)
        if text in line:
            return read
    raise AssertionError(f"ended without {text!r}")


def test_a_run_that_comes_later_is_waited_for_and_told_line_by_line(tmp_path: Path) -> None:
    run = RunNow("grpo-collapsed", tmp_path / "run")
    watch = started(tmp_path / "run", "--json")
    first = read_until(watch, "waiting")
    assert json.loads(first[-1])["at_start"] is True
    run.write(0.1)
    first += read_until(watch, '"state_before":"waiting"')
    run.write(1.0, since=0.1)
    code, out, errors = ended(watch)
    assert (code, errors) == (1, "")
    lines = [json.loads(line) for line in [*first, *out.splitlines()]]
    for line in lines:
        jsonschema.validate(line, watch_schema())
    opened = {line["finding"]["rule"] for line in lines if line["change"] == "opened"}
    assert {"entropy-collapse", "truncation", "zero-variance-groups"} <= opened
    assert any(line["change"] == "escalated" and line["severity_before"] for line in lines)
    assert lines[-1]["change"] == "state"
    assert lines[-1]["state"] == "finished"


@pytest.mark.parametrize(("sample", "fail_on", "code"), [("grpo-collapsed", "critical", 1), ("grpo-healthy", "high", 0)])
def test_of_a_run_that_is_over_it_tells_what_stands_and_ends_as_check_does(sample: str, fail_on: str, code: int) -> None:
    check = [sys.executable, "-m", "rldk_tui.cli", "check", str(SAMPLE_RUNS / sample), "--fail-on", fail_on]
    assert subprocess.run(check, stdout=subprocess.DEVNULL, check=False).returncode == code
    assert ended(started(SAMPLE_RUNS / sample, "--fail-on", fail_on))[0] == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_without_a_trace(tmp_path: Path, number: signal.Signals) -> None:
    RunNow("grpo-collapsed", tmp_path).write(0.2)
    watch = started(tmp_path)
    read_until(watch, "live")
    watch.send_signal(number)
    code, _, errors = ended(watch)
    assert (code, errors) == (128 + number, "")


def test_it_ends_when_nobody_reads_it_any_more(tmp_path: Path) -> None:
    RunNow("grpo-collapsed", tmp_path).write(0.2)
    watch = started(tmp_path)
    read_until(watch, "live")
    assert watch.stdout is not None
    watch.stdout.close()
    assert watch.wait(timeout=20) == 0
    assert watch.stderr is not None
    assert watch.stderr.read() == ""


def test_it_ends_with_the_process_it_is_beside_and_after_end_of_input(tmp_path: Path) -> None:
    run = RunNow("grpo-collapsed", tmp_path)
    run.write(0.2)
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    beside, until = started(tmp_path, "--while", other.pid), started(tmp_path, "--until-eof", "--follow")
    read_until(beside, "live")
    read_until(until, "live")
    other.kill()  # and not waited for: a zombie is gone as well
    assert ended(beside)[0] == 0
    other.wait()
    run.write(0.9, since=0.2)
    code, out, _ = ended(until)  # closes its input
    assert code == 1
    assert "entropy-collapse" in out, "the last look is told"


def test_every_change_runs_the_command_with_the_finding_as_data(tmp_path: Path) -> None:
    run = tmp_path / "run; touch owned"
    RunNow("grpo-collapsed", run).write()
    told = tmp_path / "told"
    command = f'cat >>{shlex.quote(str(told))}; echo "$RLDK_RULE,$RLDK_CHANGE,$RLDK_RUN" >>{shlex.quote(str(told))}.env'
    _, out, errors = ended(started(run, "--json", "--notify", command))
    assert errors == ""
    assert sorted(told.read_text().splitlines()) == sorted(out.splitlines())
    assert "entropy-collapse,opened,run; touch owned" in Path(f"{told}.env").read_text()
    assert not list(tmp_path.glob("**/owned"))


def test_a_command_that_fails_is_told_once_and_the_feed_goes_on(tmp_path: Path) -> None:
    RunNow("grpo-collapsed", tmp_path).write()
    code, out, errors = ended(started(tmp_path, "--notify", "echo no route >&2; exit 7"))
    assert code == 1
    assert len(out.splitlines()) > 5
    assert errors == "--notify: the command failed with status 7: no route (told once)\n"


def test_a_command_that_hangs_holds_nothing_up_and_is_ended_with_what_it_started(tmp_path: Path) -> None:
    from rldk_tui.watch.feed import Feed
    from rldk_tui.watch.notify import Notifier

    complaints: list[str] = []
    pids = tmp_path / "pids"
    RunNow("grpo-collapsed", tmp_path / "run").write()
    feed = Feed(tmp_path / "run", Severity.INFO)
    notifier = Notifier(f"sleep 1000 & echo $! >>{shlex.quote(str(pids))}; wait", "x", complaints.append, timeout=0.5)
    for change in feed.look():
        notifier.send(change, feed.moment())
    notifier.close()
    within(20, lambda: all(not _is_there(int(pid)) for pid in pids.read_text().split()))
    assert any("longer than 0.5 s" in complaint for complaint in complaints)
    assert len(complaints) <= 2


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_text_of_a_run_steers_no_terminal(tmp_path: Path) -> None:
    run = tmp_path / "a\x1b[31m\u202eb"
    RunNow("grpo-collapsed", run).write()
    _, out, _ = ended(started(run))
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_what_is_no_run_is_told_as_everywhere(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, out, errors = ended(started(tmp_path / "file"))
    assert (code, out) == (2, "")
    assert "is a file" in errors


def test_a_run_that_cannot_tell_its_end_is_judged_and_left(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    entries = [{"step": step, "loss": 1.0, "learning_rate": 1e-5} for step in range(1, 20)]
    (run / "trainer_state.json").write_text(json.dumps({"global_step": 19, "max_steps": 100, "log_history": entries}))
    code, _, errors = ended(started(run))
    assert code == 0
    assert "nothing in" in errors
    assert "--follow goes on" in errors
