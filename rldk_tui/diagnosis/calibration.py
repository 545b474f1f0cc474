"""What was measured of each rule: `calibration.json` beside this module, written by `make calibrate`."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _measured() -> dict[str, Any]:
    file = files(__package__).joinpath("calibration.json")
    return json.loads(file.read_text()) if file.is_file() else {}


def calibration_line(rule: str) -> str:
    """How the rule did on labelled, healthy and noisy runs, in one sentence; that it was not measured, where it was not."""
    measured = _measured()
    known = measured.get("rules", {}).get(rule)
    if known is None:
        return "Not measured: this rule is not part of the published calibration."
    if known["faults"]:
        named = f"named {known['found']} of the {known['faults']} labelled faults that are its own"
        named += "" if known["delay"] is None else f", at the median {known['delay']:g} steps after the onset"
    else:
        named = "no labelled run in which it can be judged has its fault"
    alarms = [
        f"{known[alarms]} false alarms in {known[steps]:,} {where}" if known[steps] else f"never judged in {where}"
        for alarms, steps, where in (
            ("false_alarms", "healthy_steps", "healthy steps"),
            ("noise_alarms", "noise_steps", "steps of pure noise"),
        )
    ]
    return f"{named[0].upper()}{named[1:]}; {', '.join(alarms)} (version {measured['version']})."
