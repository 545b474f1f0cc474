"""Everything that is measured for the published tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.calibration.baseline import baseline
from benchmarks.calibration.labelled import Answer, Labelled, answer_on, labelled_runs
from benchmarks.calibration.noise import Noisy, noisy_findings
from benchmarks.calibration.score import Tally, score, score_of_rule
from rldk_tui.diagnosis.catalogue import load_rules
from rldk_tui.diagnosis.rule import Need
from rldk_tui.summary.prose import when

STAGES = (
    ("log alone", {Need.LOG}),
    ("+ config", {Need.LOG, Need.CONFIG}),
    ("+ samples", {Need.LOG, Need.CONFIG, Need.SAMPLES}),
    ("+ hooks and checkpoints", set(Need)),
)
"""Which kinds of evidence a row of the ablation may use."""
Z = (2.0, 3.0)


@dataclass(frozen=True)
class Measured:
    """What the tables are made of.

    Attributes:
        methods: The tally of each method on the labelled runs.
        rules: On the labelled runs, by rule.
        healthy: All rules together on the further healthy runs, and each rule's own.
        noise: False findings of each rule on pure noise as correlated as real logs are, `stubborn_noise` on more correlated.
        alarms: Each false alarm on a healthy run, for people to look at.
    """

    labelled: int
    methods: dict[str, Tally]
    rules: dict[str, Tally]
    healthy: Tally
    healthy_rules: dict[str, Tally]
    noise: Noisy
    stubborn_noise: Noisy
    alarms: tuple[str, ...]


def measure(labelled: Path, healthy: Path, noise_steps: int) -> Measured:
    """Judge every run with every set of rules; folders that are not there count as empty."""
    runs = labelled_runs(labelled) if labelled.is_dir() else []
    quiet = labelled_runs(healthy, labelled / "answers.toml") if (healthy / "labels").is_dir() else []
    quiet = [run for run in quiet if run.onset is None and run.went_well]
    rules = load_rules()
    found = {run: answer_on(run.path) for run in runs}
    methods = {
        name: score({run: answer_on(run.path, [rule for rule in rules if rule.rule.needs in needs]) for run in runs})
        for name, needs in STAGES[:-1]
    }
    methods[STAGES[-1][0]] = score(found)
    for threshold in Z:
        methods[f"z-score {threshold:g}σ, window 50"] = baseline(runs, threshold)
    found_quiet = {run: answer_on(run.path) for run in quiet}
    noise, stubborn_noise = noisy_findings(noise_steps)
    return Measured(
        labelled=len(runs),
        methods=methods,
        rules={rule.id: score_of_rule(rule.id, found) for rule in rules},
        healthy=score(found_quiet),
        healthy_rules={rule.id: score_of_rule(rule.id, found_quiet) for rule in rules},
        noise=noise,
        stubborn_noise=stubborn_noise,
        alarms=_alarms(found_quiet),
    )


def _alarms(answers: Mapping[Labelled, Answer]) -> tuple[str, ...]:
    return tuple(
        f"{run.path.name}: {finding.rule} ({finding.severity.value}, {when(finding)}): {finding.summary}"
        for run, answer in answers.items()
        for finding in answer.findings
        if finding.rule not in run.excused
    )
