"""Settings of a run among TensorBoard's events: as texts and as the hyperparameters of its plugin.

Texts are JSON (the Hugging Face callback's `args`) or a Markdown table of two columns, as CleanRL and many own scripts write
with `add_text`. The plugin's are a protobuf message (tensorboard/plugins/hparams/plugin_data.proto) in the summary's metadata,
as torch's `add_hparams` and Stable-Baselines3 write them.
"""

from __future__ import annotations

import json
import re
import struct

from rldk_tui.events import Json
from rldk_tui.readers._numbers import number
from rldk_tui.readers._protobuf import fields

_ROW = re.compile(
    r"^\|[ \t]{0,20}([^|\s][^|\n]{0,200}?)[ \t]{0,20}\|[ \t]{0,20}([^|\n]{0,2000}?)[ \t]{0,20}\|?[ \t]{0,20}$", re.MULTILINE
)
_LONGEST_TABLE = 256 * 1024
_MOST = 2000
_HPARAMS = b"hparams"


def settings_in(text: bytes) -> dict[str, Json] | None:
    """The settings a text holds; None if it holds none."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return _table(text[:_LONGEST_TABLE].decode("utf-8", "replace"))
    return facts if isinstance(facts, dict) else None


def _table(text: str) -> dict[str, Json] | None:
    """The rows of a Markdown table below its line of dashes."""
    rows = _ROW.findall(text)
    rule = next((at for at, (name, _) in enumerate(rows) if set(name) <= set("-: ")), None)
    if rule is None:
        return None
    return {name: _setting(value) for name, value in rows[rule + 1 : rule + 1 + _MOST]} or None


def _setting(value: str) -> Json:
    told = number(value)
    if told is None:
        return {"True": True, "False": False, "None": None}.get(value, value)
    return int(value) if value.lstrip("+-").isdecimal() else told


def hyperparameters_in(metadata: bytes) -> dict[str, Json]:
    """The hyperparameters in a summary's metadata, if it is the plugin's.

    Raises:
        ValueError: if it is no protobuf.
    """
    facts: dict[str, Json] = {}
    for plugin in _messages(metadata, 1):
        if _HPARAMS not in _messages(plugin, 1):
            continue
        for content in _messages(plugin, 2):
            for session in _messages(content, 3):
                for entry in _messages(session, 1)[:_MOST]:
                    name, value = _messages(entry, 1), _messages(entry, 2)
                    if name and value:
                        facts[name[0].decode("utf-8", "replace")] = _value(value[0])
    return facts


def _messages(message: bytes, number_wanted: int) -> list[bytes]:
    return [value for at, value in fields(message) if at == number_wanted and isinstance(value, bytes)]


def _value(message: bytes) -> Json:
    """A `google.protobuf.Value`: a number, a text or a truth value; None for anything else."""
    for at, value in fields(message):
        if at == 2 and isinstance(value, bytes) and len(value) == 8:
            told = struct.unpack("<d", value)[0]
            return int(told) if told == told // 1 and abs(told) < 2**53 else told
        if at == 3 and isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if at == 4 and isinstance(value, int):
            return bool(value)
    return None
