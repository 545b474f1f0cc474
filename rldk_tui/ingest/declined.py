"""Why no reader claims a file, in words, from its name and first bytes."""

from __future__ import annotations

import json
import re
from pathlib import PurePath

_PROMISES = re.compile(
    r"tfevents|\.wandb$|^evaluations\.npz$|^trainer_state\.json$|^events-rank\d+\.jsonl$|^completions_\d+\.parquet$",
    re.IGNORECASE,
)
NEVER_OPENED = "it is a pipe, a device or a socket, which is never opened"
_TEXT_NAMES = re.compile(r"\.(?:jsonl?|csv|tsv|ya?ml|log|out|txt|md)$", re.IGNORECASE)
_KEY = re.compile(rb'"([^"\\]{1,80})"\s*:')
_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive (weights, arrays) without a log in it"),
    (b"PAR1", "a parquet table that no reader knows"),
    (b"SQLite format 3", "an SQLite database, and its name does not end in .db"),
    (b"\x1f\x8b", "compressed"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)
_SAID: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"prompt", "completion", "response", "instruction", "messages", "question"}),
        "texts without a step: a data set",
    ),
    (frozenset({"severity", "message", "alert"}), "messages, no metrics"),
    (frozenset({"state_path", "sampler_path", "checkpoint_path"}), "a list of checkpoints"),
    (frozenset({"latency_s", "ttft_s", "req_bytes"}), "measurements of a server, not of a training"),
)


_NAMED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\.safetensors(\.index\.json)?$"), "weights, which `rldk checkpoints` reads"),
    (re.compile(r"\.(?:bin|pt|pth|ckpt|distcp)$"), "saved by PyTorch; `rldk checkpoints` reads weights and optimizer states"),
    (
        re.compile(r"^(?:tokenizer|vocab|merges|special_tokens|added_tokens|chat_template|spiece|preprocessor)"),
        "part of a tokenizer",
    ),
    (re.compile(r"^(?:config|generation_config|adapter_config)\.json$"), "a model's settings"),
    (re.compile(r"\.(?:lock|pid)$"), "a mark of a process"),
    (re.compile(r"\.(?:py|sh|ipynb)$"), "a program"),
    (re.compile(r"\.(?:html|svg|pdf)$"), "a page for people"),
    (re.compile(r"\.md$"), "text for people, and no model card of a trainer"),
)
"""What a name tells, of files that promise no log."""


def why_declined(path: PurePath, head: bytes) -> str:
    """Why the file is nobody's.

    Args:
        path: Where it lies in the run.
        head: Its first bytes; none for an empty file.
    """
    if not head:
        return "it is empty"
    if is_pickle(path, head):
        return "it is a pickle, which is never opened: whoever made it could run code here"
    magic = next((what for mark, what in _MAGICS if head.startswith(mark)), None)
    named = next((what for pattern, what in _NAMED if pattern.search(path.name)), None)
    if named is not None or magic is not None:
        return f"it is {named or magic}"
    if _PROMISES.search(path.name):
        return "its beginning is damaged, or it is not what its name says"
    if b"\0" in head:
        return "it is binary, of a kind that no reader knows"
    if head.lstrip()[:1] in (b"{", b"["):
        return _why_json(head)
    return "it is text in which no row of metrics stands"


def promises_a_log(path: PurePath, head: bytes) -> bool:
    """Whether the name of a file says that it is a log, or hides that it is a pickle, so that people should be told."""
    if not head and path.suffix in (".jsonl", ".csv", ".db"):
        return True
    return _PROMISES.search(path.name) is not None or is_pickle(path, head)


def is_pickle(path: PurePath, head: bytes) -> bool:
    """Whether a file with the name of a text begins as Python's pickles do."""
    return len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5 and _TEXT_NAMES.search(path.name) is not None


def _why_json(head: bytes) -> str:
    keys = {key.decode("utf-8", "replace") for key in _KEY.findall(head)}
    said = next((what for names, what in _SAID if names & keys), None)
    if said is not None:
        return f"it holds {said}"
    if any(key.startswith("system.") for key in keys):
        return "it holds samples of the machine without a step"
    if not keys:
        return "it is JSON without names: no metrics"
    try:
        json.loads(head)
    except (ValueError, RecursionError):
        pass
    else:
        return "it holds settings or a summary: numbers without a step"
    return "it is JSON in which no row tells a step"
