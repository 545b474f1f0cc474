"""Fresh interpreters prove what each face does not import: you pay for what you use."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("textual", "rich", "polars", "numpy", "jinja2", "weasyprint", "torch", "transformers", "trl", "psutil", "msgspec")


def imported(code: str) -> set[str]:
    probe = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split() if done.stdout.strip() else ())


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import rldk_tui", set()),
        ("import rldk_tui.cli", set()),
        ("from rldk_tui.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\nprint()", set()),
        ("from rldk_tui.cli import monitor\ntry: monitor(['--help'])\nexcept SystemExit: pass\nprint()", set()),
        ("import rldk_tui.events.writer", {"msgspec"}),
        ("import rldk_tui.integrations", set()),
        ("import rldk_tui.system", {"msgspec", "psutil"}),
        ("import rldk_tui.session", {"numpy", "psutil", "msgspec"}),
        ("import rldk_tui.tui.app", {"numpy", "textual", "rich", "msgspec", "psutil"}),
        ("import rldk_tui.report.build", {"numpy", "jinja2", "msgspec", "psutil", "polars"}),
        (
            "import rldk_tui.integrations.trl",
            {"numpy", "torch", "transformers", "psutil", "msgspec", "rich"},
        ),
    ],
)
def test_a_face_imports_no_more_than_it_needs(code: str, allowed: set[str]) -> None:
    assert imported(code) <= allowed


def test_a_training_process_pays_for_no_polars_and_no_screen() -> None:
    pytest.importorskip("transformers")
    assert not imported("import rldk_tui.integrations.trl") & {"polars", "textual", "jinja2", "weasyprint"}
