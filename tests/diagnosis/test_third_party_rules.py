"""Rules of other packages come in by an entry point, and a broken one takes nothing with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "their-rules"
version = "1.2"
[project.entry-points."rldk_tui.rules"]
loss-negative = "their_rules.loss_negative"
kl_too_high = "their_rules.loss_negative"
raises = "their_rules.raises"
without-manual = "their_rules.without_manual"
absent = "their_rules.absent"
"Odd name" = "their_rules.loss_negative"
[tool.hatch.build.targets.wheel]
only-include = ["their_rules"]
"""
RULE = '''
"""The loss is negative.

What it means
    The loss lies below zero, which theirs never does.
Why it happens
    It is a test.
What to do
    Nothing.
Where the limit comes from
    Their own catalogue.
"""
from dataclasses import dataclass

import numpy as np

from rldk_tui.diagnosis.levels import LevelPast, Rung, scope_rows, watch_levels
from rldk_tui.diagnosis.rule import Family, RowRule, Telling
from rldk_tui.events import Severity


@dataclass(frozen=True)
class Limits:
    floor: float = 0.0


def watch(rows, past, context):
    at, values = scope_rows(rows, context)
    return watch_levels(-values, at, past, (Rung(context.limits.floor, Severity.INFO),))


RULE = RowRule(
    family=Family.METRICS, reads=("loss",), watch=watch, fresh=LevelPast(), limits=Limits(),
    tell=lambda episode, context: Telling(summary="The loss is negative."),
)
'''


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which a package with rules was installed."""
    project, target = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site")
    (project / "pyproject.toml").write_text(PROJECT)
    package = project / "their_rules"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "loss_negative.py").write_text(RULE)
    (package / "raises.py").write_text("1 / 0\n")
    (package / "without_manual.py").write_text(RULE.replace("What to do", "What then"))
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check", "--target", str(target)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, str(project)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


def rldk(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(installed)!r}); from rldk_tui.cli import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_their_rule_is_one_of_ours(installed: Path, sample_runs: Path, tmp_path: Path) -> None:
    done = rldk(installed, "check", str(sample_runs / "grpo-collapsed"), "--json")
    (found,) = (finding for finding in json.loads(done.stdout)["findings"] if finding["rule"] == "loss-negative")
    assert found["summary"] == "The loss is negative."
    assert "Their own catalogue" in rldk(installed, "explain", "loss-negative").stdout


def test_what_is_broken_is_named_and_left_out(installed: Path) -> None:
    done = rldk(installed, "rules")
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.splitlines()]
    assert "loss-negative" in listed
    assert listed.count("kl-too-high") == 1
    assert not {"raises", "without-manual", "absent", "Odd"} & set(listed)
    for name, reason in {
        "raises": "ZeroDivisionError: division by zero",
        "without-manual": "its docstring lacks What to do",
        "absent": "No module named 'their_rules.absent'",
        "kl_too_high": "there is a rule of this name already",
        "Odd name": "is no name for a rule",
    }.items():
        (line,) = (line for line in done.stderr.splitlines() if f"rule {name} of their-rules 1.2 is left out" in line)
        assert reason in line
