"""The measurements as a page for people and as data for `rldk explain`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.calibration.measure import Measured
from benchmarks.calibration.noise import Noisy
from benchmarks.calibration.score import Tally, poisson_upper
from rldk_tui import __version__
from rldk_tui.diagnosis.catalogue import load_rules

PAGE = Path("docs") / "calibration.md"
DATA = Path("rldk_tui") / "diagnosis" / "calibration.json"


def write(measured: Measured, root: Path) -> tuple[Path, Path]:
    """Write both files below the project's root."""
    page, data = root / PAGE, root / DATA
    page.write_text("\n".join(_page(measured)) + "\n")
    data.write_text(json.dumps(_data(measured), indent=1) + "\n")
    return page, data


def _data(measured: Measured) -> dict[str, object]:
    return {
        "version": __version__,
        "labelled_runs": measured.labelled,
        "rules": {
            rule: {
                "faults": tally.faults,
                "found": tally.detected,
                "delay": tally.delay,
                "healthy_steps": measured.healthy_rules[rule].quiet_steps + tally.quiet_steps,
                "false_alarms": measured.healthy_rules[rule].false_alarms + tally.false_alarms,
                "noise_steps": measured.noise.judged[rule],
                "noise_alarms": measured.noise.found[rule],
            }
            for rule, tally in measured.rules.items()
        },
    }


def _page(measured: Measured) -> Iterator[str]:
    yield "# How right, early and quiet the rules are"
    yield ""
    yield (
        "Written by `make calibrate`; every number comes from judging real trainings of tiny models, and pure noise, with the "
        f"rules of version {__version__}. Only findings of severity warning or worse count."
    )
    yield ""
    yield f"## {measured.labelled} labelled runs, against the usual z-score"
    yield ""
    yield (
        "A fault is *detected* if a finding names its cause or a true consequence, *named* if one names the cause, *first* if "
        "the first finding does. For the z-score any alarm on any metric counts as detected; it names nothing."
    )
    yield ""
    yield from _table(
        (
            "method",
            "faults",
            "detected",
            "cause named",
            "cause first",
            "median delay",
            "healthy runs clean",
            "false alarms / 10k steps",
        ),
        (_method(name, tally) for name, tally in measured.methods.items()),
    )
    healthy = measured.healthy
    rate, upper = healthy.per_10k()
    yield ""
    yield f"## {healthy.healthy} further healthy runs, {healthy.quiet_steps:,} steps"
    yield ""
    yield (
        f"{healthy.false_alarms} false alarm{'s' * (healthy.false_alarms != 1)} ({rate:.2f} per 10k steps, "
        f"below {upper:.2f} at 95 %, exact Poisson), "
        f"{healthy.false_criticals} of them critical; {healthy.clean} of {healthy.healthy} runs without any."
    )
    yield from ("", *(f"- {alarm}" for alarm in measured.alarms))
    yield ""
    yield f"## Pure noise, {measured.noise.steps + measured.stubborn_noise.steps:,} steps of a whole run's metrics"
    yield ""
    yield (
        "Gaussian, t₃ and lognormal noise, flat, on a learning curve or as shares of few cases, at healthy levels. Real logs, "
        "their trend taken out, resemble the step before with a correlation of 0 to 0.3."
    )
    yield ""
    yield from _table(
        ("correlation", "steps", "findings of all rules", "per 10k steps"),
        (_noisy(name, noise) for name, noise in (("0 to 0.6", measured.noise), ("0.9", measured.stubborn_noise))),
    )
    yield ""
    yield "## Rule by rule"
    yield ""
    yield (
        "*Named* counts the labelled faults whose cause this rule names; a dash means that no labelled run has its fault. "
        "The false alarms are those on labelled and further healthy runs. A dash there means that none of them lets the rule "
        "be judged, so nothing is known of its false alarms."
    )
    yield ""
    yield from _table(
        (
            "rule",
            "needs",
            "named",
            "median delay (steps)",
            "false alarms, healthy runs",
            "false alarms, noise to 0.6",
            "at 0.9",
        ),
        (_rule(rule.id, rule.rule.needs.value, measured) for rule in load_rules()),
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = tuple(head)
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _method(name: str, tally: Tally) -> tuple[str, ...]:
    faults, rate = max(1, tally.faults), tally.per_10k()
    return (
        name,
        str(tally.faults),
        f"{tally.detected / faults:.0%}",
        f"{tally.named / faults:.0%}" if tally.named else "–",
        f"{tally.first / faults:.0%}" if tally.first else "–",
        "–" if tally.delay is None else f"{tally.delay:g}",
        f"{tally.clean} of {tally.healthy}",
        f"{rate[0]:.1f} (below {rate[1]:.1f})",
    )


def _alarms(count: int, steps: int) -> str:
    return str(count) if steps else "–"


def _noisy(name: str, noise: Noisy) -> tuple[str, ...]:
    total, scale = sum(noise.found.values()), 1e4 / max(1, noise.steps)
    return name, f"{noise.steps:,}", str(total), f"{total * scale:.2f} (below {poisson_upper(total) * scale:.2f})"


def _rule(rule: str, needs: str, measured: Measured) -> tuple[str, ...]:
    tally, healthy = measured.rules[rule], measured.healthy_rules[rule]
    return (
        f"`{rule}`",
        needs,
        f"{tally.detected} of {tally.faults}" if tally.faults else "–",
        "–" if tally.delay is None else f"{tally.delay:g}",
        _alarms(tally.false_alarms + healthy.false_alarms, tally.quiet_steps + healthy.quiet_steps),
        _alarms(measured.noise.found[rule], measured.noise.judged[rule]),
        _alarms(measured.stubborn_noise.found[rule], measured.stubborn_noise.judged[rule]),
    )
