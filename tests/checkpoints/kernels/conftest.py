"""Each stored format is compiled for itself, which takes seconds: here those that checkpoints have, the others on demand."""

from __future__ import annotations

import os

import pytest

RARE = ("F64", "F16-", "-F16", "F8_E4M3", "F8_E5M2")
ON_DEMAND = pytest.mark.skip(reason="compiles for seconds; make test-kernels runs it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the compiled kernels of rare formats to `make test-kernels`."""
    if os.environ.get("RLDK_ALL_FORMATS"):
        return
    for item in items:
        rare = item.name.replace("BF16", "B16")
        if "kernels" in item.nodeid and "numba" in rare and any(name in rare for name in RARE):
            item.add_marker(ON_DEMAND)
