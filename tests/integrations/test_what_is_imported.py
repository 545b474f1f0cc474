"""A training process pays for the writer alone, and asking for the package loads no framework."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "trl", "accelerate", "polars", "textual", "rich", "jinja2", "weasyprint"}


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    "module", ["rldk_tui.integrations", "rldk_tui.integrations.trl", "rldk_tui.integrations.trl.recorder", "rldk_tui.system"]
)
def test_nothing_heavy_is_loaded(module: str) -> None:
    assert loaded_by(f"import {module}") & HEAVY == set()


def test_the_callback_brings_nothing_that_training_did_not_have() -> None:
    pytest.importorskip("transformers")
    there = loaded_by("from transformers import TrainerCallback")
    assert (loaded_by("from rldk_tui.integrations.trl import RLDKCallback") - there) & HEAVY == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    import rldk_tui.integrations.trl as door

    with pytest.raises(AttributeError, match="Nonsense"):
        door.Nonsense  # noqa: B018
