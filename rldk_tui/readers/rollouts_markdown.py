"""Rollouts as a training wrote them into a Markdown page, a section a step (`rollout_results.md` of R1-V and its forks).

    ## === Rollout Step 3 ===
    Step: 2/29790 | 2025-10-22 12:03:00
    ### Sample 1
    **Prompt:** …   **Completion:** …   **Rewards:** accuracy=1.000, format=0.000, total=1.000

Each on lines of its own. The step is that of the line `Step:`, else one less than the rollout's number. A reward called `total`
is the sum of the others. Texts are often cut by the writer, with an ellipsis; a prompt that is cut gets the number of its
rollout, for two that begin alike need not be the same question.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import PurePath

from rldk_tui.events import LAST_STEP, Completion, Completions, Event
from rldk_tui.readers import HEAD, Read, StreamFormat
from rldk_tui.readers._lines import Lines
from rldk_tui.readers._numbers import number

_HEAD = re.compile(r"## === Rollout Step (\d{1,15}) ===\s*")
_STEP = re.compile(r"Step:\s*(\d{1,15})\s*(?:/|\||$)")
_FIELD = re.compile(r"\*\*([A-Z][A-Za-z ]{1,30}):\*\*(?:\s(.*))?")
_REWARD = re.compile(r"([A-Za-z_][\w./ -]{0,60}?)=([^,\s]+)")
_SAMPLE = "### Sample"
_TEXTS = {"Prompt": "prompt", "Completion": "completion", "Rewards": "rewards"}
_TOTAL, _CUT = "total", "\u2026"
_MOST_ROWS = 4096


class RolloutsDecoder:
    """Reads section by section; a section is told when the next one begins."""

    def __init__(self, _path: PurePath) -> None:
        self._lines = Lines()
        self._step: int | None = None
        self._rollout = 0
        self._rows: list[Completion] = []
        self._left_out = 0
        self._sample: dict[str, list[str]] | None = None
        self._field: list[str] | None = None

    def feed(self, chunk: bytes) -> Iterator[Read]:
        """The steps whose sections are complete."""
        for line in self._lines.cut(chunk):
            if line is not None:
                yield from self._take(line.decode("utf-8", "replace"))

    def flush(self) -> Iterator[Event]:
        """The newest step, as far as its samples are complete."""
        complete = self._rows + ([self._completion()] if self._sample and "rewards" in self._sample else [])
        if self._step is not None and complete:
            yield self._event(complete)

    def pending(self) -> int:
        """Bytes of a last line that is not whole."""
        return self._lines.pending()

    def _take(self, line: str) -> Iterator[Completions]:
        head = _HEAD.fullmatch(line)
        if head is not None:
            self._end_sample()
            if self._step is not None and self._rows:
                yield self._event(self._rows)
            self._rollout = int(head[1])
            self._rows, self._left_out, self._step = [], 0, min(max(0, self._rollout - 1), LAST_STEP)
        elif line.startswith(_SAMPLE):
            self._end_sample()
            self._sample = {}
        elif self._sample is None:
            told = _STEP.match(line)
            if told is not None and self._step is not None:
                self._step = min(int(told[1]), LAST_STEP)
        else:
            self._of_sample(line, self._sample)

    def _of_sample(self, line: str, sample: dict[str, list[str]]) -> None:
        field = _FIELD.fullmatch(line)
        if field is not None:
            name = _TEXTS.get(field[1])
            self._field = sample.setdefault(name, []) if name is not None else None
            line = field[2] or ""
        if self._field is not None:
            self._field.append(line)

    def _end_sample(self) -> None:
        if self._sample and "completion" in self._sample:
            if len(self._rows) < _MOST_ROWS:
                self._rows.append(self._completion())
            else:
                self._left_out += 1
        self._sample = self._field = None

    def _completion(self) -> Completion:
        sample = self._sample or {}
        prompt, completion, scored = ("\n".join(sample.get(name, [])).strip() for name in ("prompt", "completion", "rewards"))
        rewards = {name.strip(): number(value) for name, value in _REWARD.findall(scored)}
        if len(rewards) > 1:
            rewards.pop(_TOTAL, None)
        if prompt.endswith(_CUT):
            prompt = f"{prompt} [cut; rollout {self._rollout}]"
        return Completion(prompt=prompt, completion=completion, rewards=rewards)

    def _event(self, rows: list[Completion]) -> Completions:
        return Completions(time=math.nan, step=self._step or 0, rows=tuple(rows), left_out=self._left_out)


def claims(path: PurePath, head: bytes) -> bool:
    """A Markdown page with a heading of a rollout step near its beginning, and then a text, if there is room for one."""
    if path.suffix != ".md":
        return False
    lines = [line.decode("utf-8", "replace").rstrip("\r") for line in head.split(b"\n")]
    told = len(head) < HEAD or any((field := _FIELD.fullmatch(line)) is not None and field[1] in _TEXTS for line in lines)
    return told and any(_HEAD.fullmatch(line) for line in lines)


FORMAT = StreamFormat(name="Rollouts in Markdown", authority=2, claims=claims, decoder=RolloutsDecoder, generations=True)
