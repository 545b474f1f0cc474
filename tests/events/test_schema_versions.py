"""A log written by any version of the schema stays readable for ever: one fixture a version, one line a kind of event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

from rldk_tui.events import SCHEMA_VERSION, Event, RunStarted, decode_line, encode_line, json_schema

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("events-v*.jsonl"))


def lines(log: Path) -> list[bytes]:
    return log.read_bytes().splitlines()


def test_every_version_has_its_fixture() -> None:
    assert [log.name for log in FIXTURES] == [f"events-v{version}.jsonl" for version in range(1, SCHEMA_VERSION + 1)]


@pytest.mark.parametrize("log", FIXTURES, ids=lambda log: log.stem)
def test_every_line_of_every_version_is_read(log: Path) -> None:
    read = [decode_line(line) for line in lines(log)]
    assert isinstance(read[0], RunStarted)
    assert log.stem == f"events-v{read[0].schema_version}"


def test_the_newest_fixture_has_one_of_every_kind() -> None:
    assert {type(decode_line(line)) for line in lines(FIXTURES[-1])} == set(get_args(Event))


@pytest.mark.parametrize("line", lines(FIXTURES[-1]), ids=lambda line: json.loads(line)["type"])
def test_the_published_schema_accepts_every_line(line: bytes) -> None:
    schema = json.loads(json.dumps(json_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(line), schema)


@pytest.mark.parametrize("line", lines(FIXTURES[-1]), ids=lambda line: json.loads(line)["type"])
def test_the_newest_version_is_written_as_it_is_read(line: bytes) -> None:
    assert json.loads(encode_line(decode_line(line))) == json.loads(line)


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"metrics","time":1,"step":1,"values":{"loss":"low"}}',
        '{"type":"metrics","time":1,"values":{}}',
        '{"type":"telepathy","time":1}',
    ],
)
def test_the_published_schema_refuses_what_is_no_event(line: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(line), json.loads(json.dumps(json_schema())))
