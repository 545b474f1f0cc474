"""The house rules that a test can hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "rldk_tui").rglob("*.py"))
LONGEST = 400
SAFE_LOAD = re.escape('file, map_location="meta", weights_only=True)')
UNSAFE = re.compile(
    r"\bimport pickle\b|\bpickle\.\w|allow_pickle\s*=\s*True|\bdill\b|yaml\.load\(|\beval\(|\bexec\("
    rf"|torch\.load\((?!{SAFE_LOAD})"
)
BORDERS = {
    Path("rldk_tui/readers/__init__.py"),
    Path("rldk_tui/diagnosis/border.py"),
    Path("rldk_tui/integrations/trl/border.py"),
}
CARRIERS = {Path("rldk_tui/tui/feed.py")}
"""A thread that carries whatever ended it to the main thread, where it is raised again."""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_thing(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_is_caught_at_the_borders_only(module: Path) -> None:
    broad = re.findall(r"except\s*(?:\(?\s*(?:Base)?Exception\b.*)?:", module.read_text())
    assert not broad or module.relative_to(ROOT) in BORDERS | CARRIERS


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_ever_unpickled_or_evaluated(module: Path) -> None:
    assert not UNSAFE.search(module.read_text())


def test_the_templates_folder_holds_no_python() -> None:
    assert not list((ROOT / "report_templates").rglob("*.py"))
