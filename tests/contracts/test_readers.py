"""Every reader is chosen by its own sample and by no other, and never raises on garbage."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.readers import HEAD, DocumentFormat, Format, StreamFormat, decode_safely, load_formats, read_safely
from tests.conftest import SAMPLE_RUNS

FORMATS = load_formats()
FIXTURES = Path(__file__).parents[1] / "readers" / "fixtures"
SAMPLES = [
    (run, file.relative_to(run))
    for run in sorted([*SAMPLE_RUNS.iterdir(), *FIXTURES.iterdir()])
    if run.is_dir()
    for file in sorted(run.rglob("*"))
    if file.is_file()
]


@pytest.mark.parametrize(("run", "place"), SAMPLES, ids=lambda value: str(value).rsplit("/", 1)[-1])
def test_at_most_one_reader_claims_a_file(run: Path, place: Path) -> None:
    head = (run / place).read_bytes()[:HEAD]
    assert sum(form.claims(PurePath(place), head) for form in FORMATS) <= 1


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_every_reader_is_chosen_by_a_real_file(form: Format) -> None:
    assert any(form.claims(PurePath(place), (run / place).read_bytes()[:HEAD]) for run, place in SAMPLES)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
@given(st.binary(max_size=400))
def test_no_reader_raises_on_garbage(form: Format, tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    path = PurePath("garbage")
    form.claims(path, garbage)
    if isinstance(form, StreamFormat):
        decode_safely(form.decoder(path), garbage, path)
    else:
        assert isinstance(form, DocumentFormat)
        file = tmp_path_factory.getbasetemp() / "garbage"
        file.write_bytes(garbage)
        read_safely(form, file, path)
