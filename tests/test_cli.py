"""The commands as a shell sees them: output, errors for people, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rldk_tui.cli import live, main, monitor
from rldk_tui.session import RunSession
from tests.conftest import SAMPLE_RUNS

HEALTHY = str(SAMPLE_RUNS / "grpo-healthy")
COLLAPSED = str(SAMPLE_RUNS / "grpo-collapsed")
KEYS = {
    "schema_version",
    "run",
    "state",
    "score",
    "grade",
    "coverage",
    "findings",
    "not_evaluated",
    "rule_failures",
    "read_problems",
    "extraction_errors",
}
FINDING_KEYS = {
    "id",
    "rule",
    "severity",
    "first_step",
    "last_step",
    "detected_step",
    "open",
    "metric",
    "parent",
    "score_effect",
    "alternatives",
    "summary",
    "evidence",
    "cause",
    "advice",
}


def shell(*arguments: str, module: str = "rldk_tui.cli") -> subprocess.CompletedProcess[str]:
    code = f"import sys; from {module} import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_check_exits_0_below_the_threshold_and_1_at_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", HEALTHY]) == 0
    assert main(["check", COLLAPSED]) == 1
    assert main(["check", COLLAPSED, "--fail-on", "info"]) == 1
    capsys.readouterr()


def test_check_json_has_exactly_the_promised_keys(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", COLLAPSED, "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == KEYS
    assert answer["findings"]
    for finding in answer["findings"]:
        assert set(finding) == FINDING_KEYS
        assert finding["severity"] in {"info", "warning", "high", "critical"}
    ranks = {finding["id"]: SEVERITIES.index(finding["severity"]) for finding in answer["findings"]}
    roots = [finding["id"] for finding in answer["findings"] if finding["parent"] is None]
    assert answer["findings"][0]["id"] in roots, "the worst story begins with its root"
    assert max(ranks.values()) == max(ranks[name] for name in _story_of(roots[0], answer["findings"]))


SEVERITIES = ["info", "warning", "high", "critical"]


def _story_of(root: str, findings: list[dict[str, str]]) -> set[str]:
    """The root and everything that follows from it."""
    told = {root}
    while more := {finding["id"] for finding in findings if finding["parent"] in told} - told:
        told |= more
    return told


def test_once_json_adds_every_metrics_latest_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert monitor([HEALTHY, "--once", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == KEYS | {"metrics"}
    assert answer["metrics"]["reward"]["value"] > 0


def test_every_format_of_check_is_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", COLLAPSED, "--format", "markdown"])
    assert capsys.readouterr().out.startswith("#")
    main(["check", COLLAPSED, "--format", "junit"])
    suite = ElementTree.fromstring(capsys.readouterr().out)  # noqa: S314 - our own output
    assert suite.tag in {"testsuite", "testsuites"}
    assert list(suite.iter("failure"))
    main(["check", COLLAPSED])
    assert "entropy-collapse" in capsys.readouterr().out


def test_once_prints_a_page_of_text_where_there_is_no_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rldk_tui", COLLAPSED], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0
    assert "entropy-collapse" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "no/such/run"], "does not exist"),
        (["report", "no/such/run"], "does not exist"),
        (["check", __file__], "is a file"),
        (["explain", "entropy-colapse"], "There is no rule"),
    ],
)
def test_an_error_is_one_sentence_and_a_hint_and_exits_2(arguments: list[str], sentence: str) -> None:
    done = shell(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2
    assert done.stdout == ""


def test_once_on_a_missing_run_exits_2() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rldk_tui", "no/such/run", "--once"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "does not exist" in done.stderr


def test_a_usage_error_exits_2() -> None:
    assert shell("check").returncode == 2
    assert shell("check", HEALTHY, "--fail-on", "terrible").returncode == 2
    assert shell("frobnicate").returncode == 2


RLDK = f"{sys.executable} -c 'import sys; from rldk_tui.cli import main; sys.exit(main())'"


def bash(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (f"{RLDK} check {COLLAPSED} --json | head -c 10 >/dev/null; exit ${{PIPESTATUS[0]}}", 1),
        (f"{RLDK} check {COLLAPSED} >&-", 1),
        (f"PYTHONIOENCODING=ascii {RLDK} check {COLLAPSED}", 1),
        (f"PYTHONIOENCODING=latin1 {RLDK} check {HEALTHY} --json", 0),
        (f"{RLDK} check {HEALTHY} >/dev/full", 2),
    ],
    ids=["closed pipe", "no output", "ascii", "latin 1", "full disk"],
)
def test_whoever_listens_the_answer_is_the_exit_code(command: str, code: int) -> None:
    done = bash(command)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_rules_and_explain_print_the_manual(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == sorted(listed)
    for rule in listed:
        assert main(["explain", rule]) == 0
        assert "Where the limit comes from" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["events", "check", "report", "comparison", "watch", "checkpoints"])
def test_the_published_schema_is_the_programs(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["schema", what])
    published = Path(__file__).parents[1] / "docs" / f"{what}.schema.json"
    assert json.loads(capsys.readouterr().out) == json.loads(published.read_text()), "run `make schemas`"


def test_report_writes_where_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", HEALTHY, "-o", str(tmp_path)]) == 0
    written = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert sorted(written) == ["report.html", "report.json"]
    assert (tmp_path / "report.html").read_text().startswith("<!")


@pytest.mark.parametrize(
    "options", [["--port", "0"], ["--port", "x"], ["--fps", "-1"], ["--interval", "0"], ["--replay", "fast"]]
)
def test_what_the_monitor_does_not_take_is_told(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        monitor(["runs/x", *options])
    assert ended.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_without_textual_serve_the_monitor_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    assert monitor(["runs/x", "--serve"]) == 2
    assert "pip install 'rldk-tui[serve]'" in capsys.readouterr().err


def test_a_notified_command_gets_the_finding(tmp_path: Path, sample_runs: Path) -> None:
    health = RunSession.open(sample_runs / "grpo-collapsed").poll()
    heard = tmp_path / "heard"
    live._teller(f"cat > {heard}")(health.findings[0], health)
    deadline = time.monotonic() + 30
    while not (heard.exists() and heard.read_text().endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    told = json.loads(heard.read_text())
    assert (told["change"], told["finding"]["rule"]) == ("opened", health.findings[0].rule)
