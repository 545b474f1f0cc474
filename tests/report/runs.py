"""Runs made by hand for the report: judged as fixed here, so that a change of a rule changes no expectation."""

from __future__ import annotations

import math
from pathlib import Path

from msgspec.structs import replace as with_changes

from rldk_tui.analysis import RewardAccount, RewardRecord
from rldk_tui.diagnosis.findings import NotEvaluated, RuleFailure
from rldk_tui.events import (
    Advice,
    Algorithm,
    Completion,
    Completions,
    Event,
    Evidence,
    ExtractionError,
    Finding,
    Metrics,
    Origin,
    ReadProblem,
    RunEnded,
    RunStarted,
    Severity,
)
from rldk_tui.run import RunSnapshot, RunStore
from rldk_tui.scoring import Evaluated, Family, Judged, score_of
from rldk_tui.session import RunHealth

OURS = Origin(source="rldk/events-rank00000.jsonl", format="RLDK event log", authority=12)
NOON = 1_790_000_000.0
STEPS = 40
FAMILIES = {"truncation": Family.LENGTH, "kl-too-high": Family.KL, "reward-collapse": Family.REWARD}

HOSTILE = '"><img src=http://evil.test/x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}{% raw %}\x00\x1b[31m\u202e]]>&lt;'
"""Markup, template syntax, a NUL, an escape sequence and a bidirectional override."""


def snapshot_of(name: str, *events: Event, problems: tuple[ReadProblem, ...] = ()) -> RunSnapshot:
    store = RunStore(name)
    for event in events:
        store.add(event, OURS)
    return store.snapshot(NOON + 3600, problems, store.pulse(process_alive=None))


def health_of(
    snapshot: RunSnapshot,
    *,
    findings: tuple[Finding, ...] = (),
    evaluated: tuple[str, ...] = tuple(FAMILIES),
    not_evaluated: tuple[NotEvaluated, ...] = (),
    failures: tuple[RuleFailure, ...] = (),
) -> RunHealth:
    judged = [
        Judged(id=f.id, rule=f.rule, family=FAMILIES[f.rule], severity=f.severity, open=f.open, share=0.5) for f in findings
    ]
    rules = [
        Evaluated(rule=rule, family=family, ceiling=Severity.CRITICAL, evaluated=rule in evaluated)
        for rule, family in FAMILIES.items()
    ]
    return RunHealth(
        directory=Path("no-such-folder"),
        snapshot=snapshot,
        findings=findings,
        evaluated=evaluated,
        not_evaluated=not_evaluated,
        rule_failures=failures,
        score=score_of(judged, rules),
        rewards=_rewards(snapshot),
    )


def _rewards(snapshot: RunSnapshot) -> RewardAccount | None:
    record = RewardRecord()
    for log in snapshot.completions:
        record.add(log)
    return record.account()


def started(**facts: object) -> RunStarted:
    return RunStarted(
        time=NOON,
        schema_version=1,
        run_id="run-1",
        algorithm=Algorithm.GRPO,
        trainer="GRPOTrainer",
        host="node-7",
        pid=77,
        max_steps=STEPS,
        **facts,  # type: ignore[arg-type]
    )


def logged(step: int, **values: float | None) -> Metrics:
    return Metrics(time=NOON + step, step=step, values={name.replace("__", "/"): value for name, value in values.items()})


def ordinary_log() -> list[Event]:
    return [
        logged(step, reward=0.1 + step / 50, kl=0.004 * step, completions__clipped_ratio=0.05, learning_rate=1e-5)
        for step in range(1, STEPS + 1)
    ]


def healthy() -> RunHealth:
    """Nothing found, everything checked."""
    facts = {"model": "tiny", "seed": 7, "versions": {"trl": "1.12.0"}, "config": {"learning_rate": 1e-5, "beta": 0.04}}
    return health_of(snapshot_of("calm-run", started(**facts), *ordinary_log(), RunEnded(time=NOON + 41, step=STEPS)))


def empty() -> RunHealth:
    """A folder of which nothing is known yet."""
    missing = tuple(NotEvaluated(rule, "nothing is logged", None, applicable=True) for rule in FAMILIES)
    return health_of(snapshot_of("empty-run"), evaluated=(), not_evaluated=missing)


def episode(rule: str, metric: str, severity: Severity, first: int, last: int, *, is_open: bool = True) -> Finding:
    steps = tuple(range(max(1, first - 5), last + 1))
    return Finding(
        id=f"{rule}:{metric}:{first}",
        rule=rule,
        severity=severity,
        metric=metric,
        first_step=first,
        last_step=last,
        detected_step=first + 2,
        open=is_open,
        summary=f"{metric} reached 0.9 by step {last} (limit 0.3).",
        evidence=Evidence(
            metric=metric,
            unit="nat/token" if metric == "kl" else None,
            steps=steps,
            values=tuple(0.9 if step >= first else 0.1 for step in steps),
            limit=0.3,
            peak=0.9,
            peak_step=last,
        ),
        cause="The limit is too low for the task.",
        advice=(
            Advice(text="Allow longer replies", parameter="max_completion_length", current=256.0, proposed="512"),
            Advice(text="Make `the reward` pay for ending a reply."),
        ),
    )


def completions(step: int, *rows: tuple[str, str, float | None]) -> Completions:
    made = tuple(
        Completion(prompt=prompt, completion=text, rewards={"accuracy": reward}, length=len(text.split()))
        for prompt, text, reward in rows
    )
    return Completions(time=NOON + step, step=step, rows=made)


def troubled() -> RunHealth:
    """Every part of the page has something to show: two launches, NaN and None, failures, episodes, generations."""
    config = {"max_completion_length": 256, "beta": 0.04, "learning_rate": 1e-5, "reward_weights": None}
    log: list[Event] = [started(config=config), *ordinary_log()[:20]]
    log.append(with_changes(started(config=config), time=NOON + 30, pid=78, first_step=18))
    for step in range(18, STEPS + 1):
        values: dict[str, float | None] = {"reward": None if step == 25 else 0.5 - step / 200, "kl": 0.02 * step}
        values |= {"completions__clipped_ratio": 0.9 if step > 20 else 0.1, "grad_norm": math.nan if step == 30 else 1.0}
        log.append(logged(step, **values))
    log.append(completions(10, ("Name three rivers.", "Rhine, Elbe, Oder", 0.9), ("Count to 3.", "1 2 3", 0.8)))
    log.append(
        completions(
            STEPS,
            ("Name three rivers.", "river river river river river river river river", 0.1),
            ("Count to 3.", "1 2 3", 1.0),
            ("Say nothing.", "", None),
        )
    )
    log.append(ExtractionError(time=NOON + 31, step=20, metric="entropy", message="tensor on a device that is gone"))
    return health_of(
        snapshot_of("troubled-run", *log, problems=(ReadProblem(source="trainer_state.json", message="torn", line=3),)),
        findings=(
            episode("truncation", "completions/clipped_ratio", Severity.CRITICAL, 21, STEPS),
            episode("kl-too-high", "kl", Severity.HIGH, 26, STEPS),
            episode("kl-too-high", "kl", Severity.WARNING, 5, 9, is_open=False),
        ),
        evaluated=("truncation", "kl-too-high"),
        not_evaluated=(
            NotEvaluated("reward-collapse", "entropy is not logged", "use trl >= 0.24", applicable=True),
            NotEvaluated("kl-negative", "this trainer clamps it", None, applicable=False),
        ),
        failures=(RuleFailure("kl-too-high", "kl", "ZeroDivisionError: division by zero"),),
    )


def hostile() -> RunHealth:
    """Every text of the run tries to be markup, template, control sequence or a megabyte."""
    facts = {"model": HOSTILE, "config": {HOSTILE: HOSTILE}, "versions": {HOSTILE: HOSTILE}, "hardware": {HOSTILE: HOSTILE}}
    log: list[Event] = [started(**facts)]
    log.extend(logged(step, **{HOSTILE: float(step), "kl": 0.1}) for step in range(1, 9))
    log.append(completions(8, (HOSTILE, HOSTILE, 0.5), (HOSTILE, "A" * 1_000_000, 0.1), ("\ud800 𝕏", "日本語 😀 ﷽", None)))
    log.append(ExtractionError(time=NOON, step=1, metric=HOSTILE, message=HOSTILE))
    finding = episode("truncation", "kl", Severity.HIGH, 3, 8)
    spoken = Finding(
        id=f"truncation:{HOSTILE}:3",
        rule="truncation",
        severity=Severity.HIGH,
        metric=HOSTILE,
        first_step=3,
        last_step=8,
        detected_step=4,
        open=True,
        summary=HOSTILE,
        evidence=Evidence(metric=HOSTILE, unit=HOSTILE, steps=(1, 2), values=(1.0, math.inf), limit=math.nan),
        cause=HOSTILE,
        advice=(Advice(text=HOSTILE, parameter=HOSTILE, current=HOSTILE, proposed=HOSTILE),),
    )
    return health_of(
        snapshot_of(HOSTILE, *log, problems=(ReadProblem(source=HOSTILE, message=HOSTILE),)),
        findings=(spoken, finding),
        not_evaluated=(NotEvaluated("some-rule", HOSTILE, HOSTILE, applicable=True),),
        failures=(RuleFailure("truncation", HOSTILE, HOSTILE),),
    )


RUNS = {"healthy": healthy, "troubled": troubled, "empty": empty, "hostile": hostile}
