"""A prompt or reply as one readable text, whatever shape it is kept in: plain text, or a conversation of turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def as_text(value: Any) -> str:
    """Plain text as it is; a conversation as `role: content` lines; nothing for None.

    Content made of blocks is joined; a block that is no text is named by its type, as `[image]`. A call of a tool is shown
    as the model wrote it: `name(arguments)`.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return _turn(value) if "role" in value else _block(value)
    if isinstance(value, list | tuple):
        turns = any(isinstance(item, Mapping) and "role" in item for item in value)
        return ("\n" if turns else "").join(as_text(item) for item in value)
    return str(value)


def _turn(turn: Mapping[str, Any]) -> str:
    said = as_text(turn.get("content"))
    calls = turn.get("tool_calls")
    called = [_call(call) for call in calls] if isinstance(calls, Iterable) and not isinstance(calls, str) else []
    return f"{turn.get('role')}: {' '.join(part for part in (said, *called) if part)}"


def _call(call: Any) -> str:
    function = call.get("function", call) if isinstance(call, Mapping) else call
    if not isinstance(function, Mapping):
        return str(function)
    return f"{function.get('name')}({function.get('arguments')})"


def _block(block: Mapping[str, Any]) -> str:
    text = block.get("text")
    return text if isinstance(text, str) else f"[{block.get('type', 'no text')}]"
