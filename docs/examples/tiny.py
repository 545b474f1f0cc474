"""Makes a tiny language model, a tiny reward model and data for them, so that every example here runs without a network.

python docs/examples/tiny.py        # writes docs/examples/tiny/, in half a minute on one core
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))  # the project's root, where sample_runs lies

from sample_runs.tiny_language import preferences, prompts  # noqa: E402
from sample_runs.tiny_models import build  # noqa: E402


def _write(name: str, rows: list[dict[str, Any]]) -> None:
    (HERE / "tiny" / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def main() -> None:
    """Write models and data."""
    models = build()
    for name, folder in (("model", models.language), ("reward-model", models.reward)):
        shutil.copytree(folder, HERE / "tiny" / name, dirs_exist_ok=True)
    pairs = [
        dict(zip(("prompt", "chosen", "rejected"), row, strict=True)) for row in zip(*preferences(1).values(), strict=True)
    ]
    _write("prompts.jsonl", [{"prompt": text} for text in prompts(1)])
    _write("pairs.jsonl", pairs)
    _write("answers.jsonl", [{"prompt": pair["prompt"], "completion": pair["chosen"]} for pair in pairs])
    judged = [
        {"prompt": pair["prompt"], "completion": pair[kind], "label": kind == "chosen"}
        for pair in pairs
        for kind in ("chosen", "rejected")
    ]
    _write("judged.jsonl", judged)
    print(f"wrote {HERE / 'tiny'}")


if __name__ == "__main__":
    main()
