"""Metrics as a table for other tools."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from rldk_tui.run import Kind, RunSnapshot


def export_metrics(snapshot: RunSnapshot, folder: Path, metric: str | None = None) -> Path:
    """Write `step,metric,value` rows, of one metric or of all; an existing file is left alone.

    A number is written with all its digits, NaN and infinities as `nan` and `inf`, None as an empty field.

    Returns:
        The file.

    Raises:
        OSError: if it cannot be written; then nothing is left behind.
    """
    names = snapshot.shown_names() if metric is None else (metric,)
    stem = "".join(char if char.isalnum() or char in "-._" else "_" for char in f"{snapshot.name}-{metric or 'metrics'}")[:100]
    place = next(
        path for number in range(1_000_000) if not (path := folder / f"{stem}{f'-{number}' if number else ''}.csv").exists()
    )
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".csv", newline="", encoding="utf-8", delete=False) as file:
        temporary = Path(file.name)
        try:
            rows = csv.writer(file)
            rows.writerow(("step", "metric", "value"))
            for name in names:
                series = snapshot.series(name)
                for step, value, kind in zip(series.steps.tolist(), series.values.tolist(), series.kinds.tolist(), strict=True):
                    rows.writerow((step, _plain(name), "" if kind == Kind.NULL else repr(value)))
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    temporary.replace(place)
    return place.absolute()


def _plain(name: str) -> str:
    """A spreadsheet runs what begins like a formula."""
    return f"'{name}" if name[:1] in "=+-@\t\r" else name
