"""`rldk rules`: the list, what could judge a run, and what one rule saw in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rldk_tui.cli import main
from rldk_tui.diagnosis.catalogue import load_rules
from tests.conftest import SAMPLE_RUNS

SETTINGS = """
[rules.kl-too-high]
token = [0.02, 50.0, 8.0]
[rules.entropy-collapse]
mute = "it is a toy"
[[user_rules]]
id = "kl-agreed"
expr = "kl > 0.5"
for = 5
[[user_rules]]
id = "unseen"
expr = '"rewards/none/mean" > 0.5'
"""


@pytest.fixture
def run(tmp_path: Path) -> str:
    copy = tmp_path / "run"
    shutil.copytree(SAMPLE_RUNS / "grpo-collapsed", copy)
    (copy / "rldk.toml").write_text(SETTINGS)
    return str(copy)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(said(capsys, *arguments))


def test_the_list_tells_needs_and_family(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "rules").splitlines()
    (kl,) = (line for line in lines if line.startswith("kl-too-high "))
    assert kl.split()[:3] == ["kl-too-high", "log", "kl"]
    rules = answered(capsys, "rules", "--json")["rules"]
    assert len(rules) == len(lines) == len(load_rules())
    (kl,) = (rule for rule in rules if rule["rule"] == "kl-too-high")
    assert kl["limits"]["token"] == [0.5, 1.0, 2.0]
    assert kl["reads"] == ["kl"]


def test_for_a_run_each_rule_is_in_one_of_the_groups(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    groups = answered(capsys, "rules", "--for", run, "--json")
    assert groups.pop("run") == "run"
    listed = [entry["rule"] for group in groups.values() for entry in group]
    assert sorted(listed) == sorted([*(rule.id for rule in load_rules()), "kl-agreed", "unseen"])
    assert {"rule": "kl-agreed", "findings": 1, "worst": "warning"} in groups["evaluated"]
    assert [entry["rule"] for entry in groups["muted"]] == ["entropy-collapse"]
    assert {"rule": "unseen", "reason": "rewards/none/mean is not logged", "how": None} in groups["not_evaluated"]
    assert "dpo-overfit" in {entry["rule"] for entry in groups["not_applicable"]}
    text = said(capsys, "rules", "--for", run)
    for line in ("evaluated", "not evaluated", "muted", "not for this run"):
        assert f"\n{line}\n" in text
    assert "it is a toy" in text


def test_a_rules_signal_is_drawn_with_its_limit_and_told_row_by_row(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "rules", "test", "kl-too-high", run, "--rows", "6")
    assert "limits  token = [0.02, 50, 8]" in text
    assert "nat/token" in text
    assert "┄" in text
    assert "level" in text
    table = text.split("compared")[1].splitlines()[1:]
    assert len([line for line in table if line.split()[:1] and line.split()[0].isdigit()][:6]) == 6
    assert "rows more: --rows N" in text
    assert "KL to the reference reached" in text
    assert said(capsys, "rules", "test", "kl-too-high", run, "--ascii").isascii()


def test_the_signal_as_json_has_every_row(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = answered(capsys, "rules", "test", "kl-too-high", run, "--json")
    (walk,) = answer["signals"]
    assert len(walk["steps"]) == 120
    assert {len(walk[key]) for key in ("logged", "values", "limits", "breach", "level")} == {120}
    (found,) = answer["findings"]
    first = walk["steps"].index(found["detected_step"])
    assert walk["level"][first] == "warning"
    assert walk["level"][first - 1] is None
    assert walk["breach"][walk["steps"].index(found["first_step"])]


@pytest.mark.parametrize("rule", [*(rule.id for rule in load_rules()), "kl-agreed", "unseen"])
def test_every_rule_can_be_shown_on_any_run(rule: str, run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert rule in said(capsys, "rules", "test", rule, run, "--rows", "3")
    assert answered(capsys, "rules", "test", rule, run, "--json")["rule"] == rule


def test_why_a_rule_says_nothing_is_told(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not evaluated  rewards/none/mean is not logged" in said(capsys, "rules", "test", "unseen", run)
    assert "not for this run" in said(capsys, "rules", "test", "dpo-overfit", run)
    muted = said(capsys, "rules", "test", "entropy-collapse", run)
    assert "muted in" in muted
    assert "in trouble" in muted, "what it would say is what whoever muted it wants to see"


def test_a_project_may_have_rules_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rldk.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    assert "kl-agreed" in said(capsys, "rules")
    assert "muted in" in said(capsys, "rules")
    assert "kl > 0.5 held" in said(capsys, "explain", "kl-agreed")


@pytest.mark.parametrize("verb", [["check"], ["rules", "--for"], ["rules", "test", "kl-too-high"], ["report"]])
def test_a_wrong_file_is_an_error_of_one_sentence(verb: list[str], run: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(run, "rldk.toml").write_text("[rules.kl-to-high]\nm = 1\n")
    assert main([*verb, run]) == 2
    printed = capsys.readouterr()
    assert not printed.out
    first, hint = printed.err.splitlines()
    assert first.startswith("rldk: ")
    assert 'there is no rule "kl-to-high"; did you mean kl-too-high' in first
    assert "docs/configuration.md" in hint


def test_an_unknown_rule_has_a_near_name(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "test", "kl-agree", run]) == 2
    assert "kl-agreed" in capsys.readouterr().err
