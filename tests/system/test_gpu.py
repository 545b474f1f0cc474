"""NVML told as plain numbers: bytes, percent, watts, degrees; nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pynvml
import pytest

from rldk_tui.events import Gpu
from rldk_tui.system import gpu


@pytest.fixture(autouse=True)
def opened_anew() -> Iterator[None]:
    gpu.open_gpus.cache_clear()
    yield
    gpu.open_gpus.cache_clear()


def _unsupported(*_: object) -> None:
    raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: b"NVIDIA H100" if handle else "NVIDIA H200",
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(used=5 * 2**30, total=80 * 2**30),
        "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=97, memory=40),
        "nvmlDeviceGetPowerUsage": lambda _: 412_500,
        "nvmlDeviceGetTemperature": lambda _handle, _sensor: 64,
        "nvmlSystemGetDriverVersion": lambda: "575.1",
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)


def test_a_machine_without_driver_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)
    assert gpu.read_gpus() == ()
    assert gpu.driver_version() is None


@pytest.mark.usefixtures("two_gpus")
def test_every_gpu_is_told_in_bytes_percent_watts_and_degrees() -> None:
    first, second = gpu.read_gpus()
    assert first == Gpu(
        index=0,
        name="NVIDIA H200",
        memory_used=5 * 2**30,
        memory_total=80 * 2**30,
        utilization_percent=97.0,
        power_watts=412.5,
        temperature_celsius=64.0,
    )
    assert (second.index, second.name) == (1, "NVIDIA H100")
    assert gpu.driver_version() == "575.1"


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("nvmlDeviceGetMemoryInfo", "memory_used"),
        ("nvmlDeviceGetUtilizationRates", "utilization_percent"),
        ("nvmlDeviceGetPowerUsage", "power_watts"),
        ("nvmlDeviceGetTemperature", "temperature_celsius"),
        ("nvmlDeviceGetName", "name"),
    ],
)
def test_what_a_gpu_does_not_tell_is_not_measured_and_the_rest_is(
    monkeypatch: pytest.MonkeyPatch, question: str, field: str
) -> None:
    monkeypatch.setattr(pynvml, question, _unsupported)
    found = gpu.read_gpus()[0]
    assert getattr(found, field) is None
    assert [name for name in found.__struct_fields__ if getattr(found, name) is None] == (
        ["memory_used", "memory_total"] if field == "memory_used" else [field]
    )


@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_that_fell_off_the_bus_does_not_hide_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index if index else _unsupported())
    assert [found.index for found in gpu.read_gpus()] == [1]


@pytest.mark.usefixtures("two_gpus")
def test_handles_are_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu.read_gpus()
    monkeypatch.setattr(pynvml, "nvmlInit", _unsupported)
    assert len(gpu.read_gpus()) == 2
