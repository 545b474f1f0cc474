"""`python -m benchmarks.calibration [--labelled DIR] [--healthy DIR] [--make-healthy STEPS]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.calibration.measure import measure
from benchmarks.calibration.tables import write

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def main() -> None:
    """Measure and write the two files."""
    cli = argparse.ArgumentParser(description="Measure how right, early and quiet the rules are.")
    cli.add_argument("--labelled", type=Path, default=ROOT.parent / "shared" / "benchmark", help="runs with known faults")
    cli.add_argument("--healthy", type=Path, default=HERE / "runs", help="folder of healthy runs, made where it is empty")
    cli.add_argument(
        "--make-healthy", type=int, default=12_000, metavar="STEPS", help="how many healthy steps to make (12,000)"
    )
    cli.add_argument("--noise-steps", type=int, default=2_000, metavar="STEPS", help="steps of each kind of noise (2,000)")
    options = cli.parse_args()
    if options.make_healthy:
        from benchmarks.calibration.healthy import make_healthy

        make_healthy(options.healthy, options.make_healthy)
    measured = measure(options.labelled, options.healthy, options.noise_steps)
    for file in write(measured, ROOT):
        print(file)


if __name__ == "__main__":
    main()
