"""How right, early and quiet the rules are, measured: labelled runs, healthy runs and pure noise, a line for each rule.

`python -m benchmarks.calibration` writes `docs/calibration.md` for people and `rldk_tui/diagnosis/calibration.json`, from which
`rldk explain RULE` quotes its own line.
"""
