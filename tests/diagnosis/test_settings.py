"""`rldk.toml`: what it changes, which file wins, and what is said of one that is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.engine import Engine
from rldk_tui.diagnosis.rule import RowRule
from rldk_tui.diagnosis.rules.kl_too_high import LIMITS as KL_LIMITS
from rldk_tui.diagnosis.settings import NO_SETTINGS, configured, read_settings
from rldk_tui.errors import UserError
from rldk_tui.events import Algorithm, Severity
from rldk_tui.replay import Replay
from rldk_tui.session import RunHealth, RunSession
from tests.builders import RunBuilder, a_run
from tests.conftest import SAMPLE_RUNS

COLLAPSED = SAMPLE_RUNS / "grpo-collapsed"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run in a project of their own, of a user of their own."""
    project = tmp_path / "project" / "inner"
    project.mkdir(parents=True)
    (project.parent / ".git").mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "rldk.toml"
    file.write_text(text)
    return file


def limits_of(run: Path, rule_id: str) -> object:
    return next(named.rule.limits for named in configured(load_rules(), read_settings(run)) if named.id == rule_id)


def test_without_a_file_nothing_is_changed(run: Path) -> None:
    assert read_settings(run) is NO_SETTINGS
    assert configured(load_rules(), NO_SETTINGS) == load_rules()


def test_limits_are_replaced_one_by_one(run: Path) -> None:
    write(run, "[rules.kl-too-high]\ntoken = [0.7, 2, 4]\nmedian = 9\n")
    rule = next(named.rule for named in configured(load_rules(), read_settings(run)) if named.id == "kl-too-high")
    assert isinstance(rule, RowRule)
    assert (rule.limits.token, rule.limits.median, rule.limits.sequence) == ((0.7, 2.0, 4.0), 9, KL_LIMITS.sequence)
    assert rule.lookback == 9 + 5 - 1


def test_the_nearer_file_wins_key_by_key(run: Path, tmp_path: Path) -> None:
    write(tmp_path / "home" / "rldk", "[rules.kl-too-high]\nmedian = 3\nm = 1\nn = 7\n[bands]\nkl = [0, 1]\nreward = [0, 1]\n")
    write(tmp_path / "project", "[rules.kl-too-high]\nm = 2\nn = 8\n[bands]\nkl = [0, 2]\n")
    write(tmp_path / "project" / "inner", "[rules.kl-too-high]\nn = 9\n")
    write(run, "[rules.kl-too-high]\nn = 10\n[rules.truncation]\nmute = true\n")
    settings = read_settings(run)
    assert dict(settings.rules["kl-too-high"].limits) == {"median": 3, "m": 2, "n": 10}
    assert (settings.bands["kl"].high, settings.bands["reward"].high) == (2.0, 1.0)
    assert [file.parent.name for file in settings.files] == ["run", "inner", "project", "rldk"]
    assert settings.rules["truncation"].muted == f"muted in {run / 'rldk.toml'}"


def test_above_the_root_of_the_repository_nothing_is_read(run: Path, tmp_path: Path) -> None:
    write(tmp_path, "nonsense")
    assert read_settings(run) is NO_SETTINGS
    shutil.rmtree(tmp_path / "project" / ".git")
    write(tmp_path / "project", "nonsense")
    assert read_settings(run) is NO_SETTINGS, "without a root the working directory alone"


def test_a_nearer_file_may_speak_up_for_a_rule_that_a_farther_one_mutes(run: Path, tmp_path: Path) -> None:
    write(tmp_path / "project", '[rules.truncation]\nmute = "replies are long here"\n')
    assert (
        read_settings(run).rules["truncation"].muted == f"muted in {tmp_path / 'project' / 'rldk.toml'}: replies are long here"
    )
    write(run, "[rules.truncation]\nmute = false\n")
    assert read_settings(run).rules["truncation"].muted is None


def test_a_users_rule_is_replaced_as_a_whole_and_can_be_muted(run: Path, tmp_path: Path) -> None:
    write(tmp_path / "project", '[[user_rules]]\nid = "mine"\nexpr = "kl > 15"\nfor = 5\nsummary = "Old."\n')
    write(run, '[[user_rules]]\nid = "mine"\nexpr = "kl > 20"\n[rules.mine]\nmute = true\n')
    (rule,) = read_settings(run).user_rules
    assert (rule.condition.text, rule.consecutive, rule.summary) == ("kl > 20", 1, "")
    assert read_settings(run).rules["mine"].muted is not None


KL = a_run(Algorithm.GRPO, config={"beta": 0.04, "learning_rate": 1e-6})


def told(run: Path, built: RunBuilder) -> dict[str, Severity]:
    diagnosis = Engine(configured(load_rules(), read_settings(run))).diagnose(built.snapshot())
    assert not diagnosis.failures
    return {finding.rule: finding.severity for finding in diagnosis.findings}


def test_a_severity_is_a_cap_and_at_least_its_counterpart(run: Path) -> None:
    far = KL.with_metrics(kl=[0.0] * 5 + [0.7] * 30)
    assert told(run, far)["kl-too-high"] is Severity.WARNING
    write(run, '[rules.kl-too-high]\nseverity = "info"\n')
    assert told(run, far)["kl-too-high"] is Severity.INFO
    write(run, '[rules.kl-too-high]\nat_least = "critical"\n')
    assert told(run, far)["kl-too-high"] is Severity.CRITICAL
    assert "kl-too-high" not in told(run, KL.with_metrics(kl=[0.1] * 30)), "what is not said has no severity"


def test_a_severity_holds_for_settings_and_for_the_run_as_a_whole(run: Path) -> None:
    write(run, '[rules.run-died]\nseverity = "info"\n[rules.tiny-effective-batch]\nat_least = "high"\n')
    config = {"generation_batch_size": 8, "num_generations": 8, "steps_per_generation": 1}
    built = a_run(Algorithm.GRPO, config=config).with_metrics(loss=[1.0] * 5)
    diagnosis = Engine(configured(load_rules(), read_settings(run))).diagnose(built.snapshot(alive=False))
    severities = {finding.rule: finding.severity for finding in diagnosis.findings}
    assert severities["run-died"] is Severity.INFO
    assert severities["tiny-effective-batch"] is Severity.HIGH


# --- whole runs --------------------------------------------------------------------------------------------------------------


TOML = """
[rules.entropy-collapse]
mute = "it is a toy"
[rules.kl-too-high]
token = [1e6, 1e7, 1e8]
[bands]
kl = [0.0, 0.3]
[[user_rules]]
id = "kl-beyond-agreed"
expr = "kl > 0.5 AND NOT reward < -100"
for = 5
severity = "high"
summary = "KL is beyond what we agreed"
"""


@pytest.fixture
def collapsed(tmp_path: Path) -> Path:
    copy = tmp_path / "grpo-collapsed"
    shutil.copytree(COLLAPSED, copy)
    write(copy, TOML)
    return copy


def check(health: RunHealth) -> None:
    rules = {finding.rule for finding in health.findings}
    assert {"kl-beyond-agreed", "band-kl"} <= rules
    assert not {"entropy-collapse", "kl-too-high"} & rules
    (muted,) = (silent for silent in health.not_evaluated if silent.rule == "entropy-collapse")
    assert muted.reason.endswith("rldk.toml: it is a toy")
    assert muted.applicable
    assert not health.rule_failures
    band = health.band("kl")
    assert band is not None
    assert (band.low, band.high) == (0.0, 0.3)


def test_a_session_and_a_replay_hold_to_the_runs_settings(collapsed: Path) -> None:
    health = RunSession.open(collapsed).poll()
    check(health)
    now = 0.0
    replay = Replay(collapsed, 1e9, clock=lambda: now)
    replay.poll()
    now = 1e6
    check(replay.poll())
    plain = RunSession.open(COLLAPSED).poll()
    assert plain.band("kl") != health.band("kl")
    assert (health.score.coverage or 0.0) < (plain.score.coverage or 0.0), "what is muted was not measured"


def test_every_face_shows_the_band_that_was_set(collapsed: Path) -> None:
    from rldk_tui.report.figures import metric_chart
    from rldk_tui.tui.once import render_once

    health = RunSession.open(collapsed).poll()
    assert metric_chart(health.snapshot.series("kl"), health).band == (0.0, 0.3)
    assert "0 to 0.3" in render_once(health, 160)


def test_polars_is_imported_for_users_rules_alone(collapsed: Path) -> None:
    write(collapsed, "[rules.kl-too-high]\nm = 2\n")
    code = f"""
import sys
from rldk_tui.diagnosis.settings import read_settings
from pathlib import Path
assert read_settings(Path({str(collapsed)!r})).rules
print("polars" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SAMPLE_RUNS.parent)
    assert done.stdout.strip() == "False"


def test_the_documented_example_is_valid(run: Path) -> None:
    document = (SAMPLE_RUNS.parent / "docs" / "configuration.md").read_text()
    write(run, document.split("```toml\n")[1].split("```")[0])
    settings = read_settings(run)
    assert [rule.id for rule in settings.user_rules] == ["format-without-reward", "kl-beyond-agreed"]
    assert set(settings.rules) == {"kl-too-high", "truncation", "reward-collapse", "run-died", "band-kl"}
    diagnosis = Engine(configured(load_rules(), settings)).diagnose(KL.with_metrics(kl=[20.0] * 40).snapshot())
    assert not diagnosis.failures
    assert {"kl-beyond-agreed", "band-kl"} <= {finding.rule for finding in diagnosis.findings}


# --- errors ------------------------------------------------------------------------------------------------------------------

WRONG = {
    "no TOML": ("rules = [", "is no valid TOML"),
    "nested too deeply": ("a = " + "[" * 20_000, "no valid TOML"),
    "a huge number": ("a = " + "9" * 10_000, "no valid TOML"),
    "a section": ("[rule.kl-too-high]\nm = 2", 'no section "rule"; did you mean rules?'),
    "a rule": ("[rules.kl-to-high]\nm = 2", 'rules: there is no rule "kl-to-high"; did you mean kl-too-high'),
    "a limit": ("[rules.kl-too-high]\ntokens = [1, 2]", 'rules.kl-too-high: there is no setting "tokens"; did you mean token?'),
    "a limit unlike any": ("[rules.kl-too-high]\nxyz = 1", "known: at_least, entropy, m, median, mute, n,"),
    "a type": ('[rules.kl-too-high]\nm = "2"', 'rules.kl-too-high.m must be a whole number from 1 to 1000, not "2"'),
    "a truth": ("[rules.kl-too-high]\nm = true", "must be a whole number from 1 to 1000, not true"),
    "a fraction": ("[rules.kl-too-high]\nm = 2.5", "must be a whole number"),
    "a huge window": ("[rules.kl-too-high]\nmedian = 1000000000", "must be a whole number from 1 to 1000"),
    "an empty window": ("[rules.kl-too-high]\nmedian = 0", "must be a whole number from 1 to 1000"),
    "a sign": ("[rules.kl-too-high]\nentropy = -1", "must be a number above 0"),
    "no number": ("[rules.kl-too-high]\nentropy = nan", "must be a finite number"),
    "no finite number": ("[rules.kl-too-high]\nentropy = inf", "must be a finite number"),
    "an integer beyond floats": (f"[rules.kl-too-high]\nentropy = 1{'0' * 400}", "must be a finite number"),
    "a list": ("[rules.kl-too-high]\ntoken = 1.0", "token must be a list of 3 values"),
    "its length": ("[rules.kl-too-high]\ntoken = [1.0]", "token must be a list of 3 values"),
    "its entry": ("[rules.kl-too-high]\ntoken = [1.0, 'x', 2.0]", 'token[2] must be a finite number of at most 1e+12, not "x"'),
    "names": ("[rules.nonfinite-metric]\nnumerics = [1]", "numerics[1] must be a text"),
    "no table": ("rules = 3", "rules must be a table"),
    "no table of a rule": ("[rules]\nkl-too-high = 3", "rules.kl-too-high must be a table"),
    "a mute": ("[rules.kl-too-high]\nmute = 1", "mute must be true, false or the reason as a text, not 1"),
    "a severity": ("[rules.kl-too-high]\nseverity = 'bad'", "must be info, warning, high or critical"),
    "a severity upside down": (
        "[rules.kl-too-high]\nseverity = 'info'\nat_least = 'high'",
        "at_least must not be above severity (info)",
    ),
    "a band": ("[bands]\nkl = [0.3, 0.0]", "bands.kl must be two numbers, the lower one first"),
    "a band of three": ("[bands]\nkl = [0.3, 0.5, 1]", "bands.kl must be two numbers"),
    "a band without ends": ("[bands]\nkl = [-inf, inf]", "bands.kl must be two numbers"),
    "a band of nan": ("[bands]\n'a/b' = [nan, 1]", 'bands."a/b" must be two numbers'),
    "no list of rules": ("[user_rules]\nid = 'x'", "user_rules must be at most 100 tables, each below a [[user_rules]]"),
    "no id": ("[[user_rules]]\nexpr = 'kl > 1'", "user_rules[1].id must be a name"),
    "an id": ("[[user_rules]]\nid = 'My rule'\nexpr = 'kl > 1'", "user_rules[1].id must be a name of small letters"),
    "an id twice": (
        "[[user_rules]]\nid = 'a'\nexpr = 'kl > 1'\n[[user_rules]]\nid = 'a'\nexpr = 'kl > 2'",
        "user_rules[2].id is used twice",
    ),
    "the id of another": ("[[user_rules]]\nid = 'run-died'\nexpr = 'kl > 1'", "is the name of a rule that exists"),
    "no condition": ("[[user_rules]]\nid = 'a'", "user_rules[1].expr must be a condition"),
    "a key": ("[[user_rules]]\nid = 'a'\nexp = 'kl > 1'", 'there is no setting "exp"; did you mean expr?'),
    "a hostile condition": (
        "[[user_rules]]\nid = 'a'\nexpr = \"kl IN (SELECT kl FROM read_csv('/etc/passwd'))\"",
        "user_rules[1].expr computes on columns alone",
    ),
    "a count": ("[[user_rules]]\nid = 'a'\nexpr = 'kl > 1'\nfor = 0", "user_rules[1].for must be a whole number of logs"),
    "two summaries": (
        "[[user_rules]]\nid = 'a'\nexpr = 'kl > 1'\nsummary = 'x'\ntext = 'y'",
        "text is another word for summary",
    ),
    "what is drawn": (
        "[[user_rules]]\nid = 'a'\nexpr = 'kl > 1'\nmetric = 'reward'",
        "user_rules[1].metric must be one of the metrics of expr (kl)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_in_one_sentence_that_names_the_place(case: str, run: Path) -> None:
    text, sentence = WRONG[case]
    file = write(run, text)
    with pytest.raises(UserError) as raised:
        read_settings(run)
    assert raised.value.message.startswith(str(file))
    assert sentence in raised.value.message
    assert len(raised.value.message) < len(str(file)) + 400
    assert raised.value.exit_code == 2
    assert len(raised.value.message.splitlines()) == 1


@given(
    st.text(max_size=12),
    st.sampled_from(["[rules.{}]\nm = 1", "[rules.kl-too-high]\n{} = 1", "[bands]\n{} = [0, 1]", "{} = 1"]),
)
def test_no_name_steers_the_terminal(name: str, shape: str) -> None:
    import json
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rldk.toml"
        file.write_text(shape.replace("{}", json.dumps(name)), encoding="utf-8", errors="replace")
        try:
            settings = read_settings(Path(folder))
        except UserError as failure:
            shown = [failure.message]
        else:
            shown = list(settings.bands)
        assert all(text.isprintable() for text in shown)


def test_what_a_text_would_steer_is_shown(run: Path) -> None:
    hostile = r'"\u001b[2J\u202e gone\n twice"'
    write(run, f"[rules.truncation]\nmute = {hostile}\n[[user_rules]]\nid = 'a'\nexpr = 'kl > 1'\nadvice = {hostile}\n")
    settings = read_settings(run)
    assert settings.rules["truncation"].muted is not None
    assert settings.rules["truncation"].muted.isprintable()
    assert settings.user_rules[0].advice.isprintable()


def test_what_is_no_regular_file_is_not_waited_for(run: Path) -> None:
    os.mkfifo(run / "rldk.toml")
    with pytest.raises(UserError, match="no regular file"):
        read_settings(run)
    (run / "rldk.toml").unlink()
    (run / "rldk.toml").mkdir()
    with pytest.raises(UserError, match=r"no regular file|cannot be read"):
        read_settings(run)


def test_a_link_to_nowhere_and_a_huge_file(run: Path) -> None:
    (run / "rldk.toml").symlink_to(run / "nowhere")
    assert read_settings(run) is NO_SETTINGS
    (run / "rldk.toml").unlink()
    write(run, "#" * 100_000)
    with pytest.raises(UserError, match="larger than 64 KiB"):
        read_settings(run)


def test_not_utf8_is_told(run: Path) -> None:
    (run / "rldk.toml").write_bytes(b"\xff\xfe[rules]")
    with pytest.raises(UserError, match="no valid TOML"):
        read_settings(run)
