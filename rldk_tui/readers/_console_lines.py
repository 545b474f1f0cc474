"""What the lines of a console say: rows of metrics as trainers print them, and progress bars.

Each pattern was seen in a real log; the trainer that prints it is named beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rldk_tui.readers._numbers import number
from rldk_tui.readers._rows import tells_of_training, whole

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_NUMBER = r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|nan|inf)"

_DICT = re.compile(r"\{'[^{}]*\}")
_DICT_CELL = re.compile(
    rf"'([^'\\]{{1,160}})': (?:'([^']{{0,60}})'|({_NUMBER})|[a-z][\w.]{{0,20}}\(({_NUMBER})[^()]{{0,40}}\))(?=[,}}])",
    re.IGNORECASE,
)
_BAR = re.compile(
    r"^\s{0,8}(?:([^|%\s][^|%]{0,80}?):\s{1,4})?\s{0,4}\d{1,3}%\|[^|]{0,400}\|\s{0,4}(\d{1,12})/(\d{1,12}) \[([^\]]{0,2000})\]?"
)
_BAR_CELL = re.compile(r"([A-Za-z][\w/]*)=(" + _NUMBER + r")(?=[,\]\s]|$)")
_TOLD_STEP = re.compile(r"global[ _]?step[ :=]{1,3}(\d{1,12})", re.IGNORECASE)
_LOGGING_STEPS = re.compile(r"logging_steps['\"]?[ =:]{1,3}(\d{1,6})\b")
_VERL = re.compile(r"\bstep:(\d{1,12}) - (?=[^ ]+:)")
_VERL_CELL = re.compile(r"([A-Za-z][^ :]{0,80}):(?:np\.float\d+\()?(" + _NUMBER + r")\)?(?= - |\s*$)")
_PIPES = re.compile(r"(?:^|\|)\s*([A-Za-z]\w*)\s*: (" + _NUMBER + r")\s*(?=\||$)")
_REWARD = re.compile(r"average reward score: (" + _NUMBER + r")\s*$")
_LATENCY = re.compile(r"\|E2E latency=([\d.]+)s")
_DEEPSPEED_STEP = re.compile(r"\[Rank 0\] step=(\d{1,12}), skipped=(\d+), lr=\[([^\],]+)")
_DEEPSPEED_TIMER = re.compile(r"global_step=(\d{1,12}), RunningAvgSamplesPerSec=([\d.]+), CurrSamplesPerSec=([\d.]+)")
_PERPLEXITY = re.compile(r"^ppl: (" + _NUMBER + r")\s*$")
_KERAS_EPOCH = re.compile(r"^Epoch (\d{1,9})/(\d{1,9})\s*$")
_KERAS_END = re.compile(r"^\s*\d+/\d+ \[=+\] - \d[^:]*((?: - \w+: " + _NUMBER + r")+)\s*$")
_KERAS_CELL = re.compile(r" - (\w+): (" + _NUMBER + ")")


_STEP_NAMES = ("global_step", "step")
_NUMERIC = 0.8
"""Share of a dict's entries that are numbers in a row of metrics; one that a message quotes has words."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A row as it was printed.

    Attributes:
        cells: Names and values as written.
        step: The step the line itself tells.
        same: Whether it belongs to the step of the row before it.
    """

    cells: dict[str, str]
    step: int | None = None
    same: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A progress bar: how far, of how many, under which heading."""

    at: int
    total: int
    heading: str = ""


def plain(line: bytes) -> str:
    """The text of a line without colours and cursor movements."""
    text = line.decode("utf-8", "replace")
    return _ESCAPE.sub("", text) if "\x1b" in text else text


def bar_in(text: str) -> Bar | None:
    """The progress bar a line begins with."""
    if "%|" not in text:
        return None
    found = _BAR.match(text)
    return Bar(int(found[2]), int(found[3]), (found[1] or "").strip()) if found and int(found[3]) else None


def logging_steps_in(text: str) -> int | None:
    """`logging_steps`, where the arguments of the training are printed."""
    found = _LOGGING_STEPS.search(text) if "logging_steps" in text else None
    return int(found[1]) or None if found else None


def rows_in(text: str) -> Iterator[Printed]:
    """The rows of metrics a line holds."""
    for mark, rows in _DIALECTS:
        if mark in text:
            found = list(rows(text))
            if found:
                yield from found
                return


def epoch_begun(text: str) -> tuple[int, int] | None:
    """The epoch that Keras begins, and how many there will be."""
    found = _KERAS_EPOCH.match(text) if text.startswith("Epoch ") else None
    return (int(found[1]), int(found[2])) if found else None


def _dicts(text: str) -> Iterator[Printed]:
    """`{'loss': '0.1', 'epoch': '0.01'}` (Hugging Face), `Global step 3: {…}` (OpenRLHF); a dict with words is no row."""
    for found in _DICT.finditer(text):
        cells = {name: quoted or bare or wrapped for name, quoted, bare, wrapped in _DICT_CELL.findall(found[0])}
        cells = {name: cell for name, cell in cells.items() if number(cell) is not None}
        if cells and len(cells) >= _NUMERIC * found[0].count("': ") and tells_of_training(cells):
            named = next((cells[name] for name in _STEP_NAMES if name in cells), None)
            told = _TOLD_STEP.search(text, 0, found.start())
            yield Printed(cells, whole(named) if named else int(told[1]) if told else None)


def _verl(text: str) -> Iterator[Printed]:
    """`step:3 - actor/pg_loss:0.1 - …`."""
    found = _VERL.search(text)
    if found:
        yield Printed(dict(_VERL_CELL.findall(text, found.end())), int(found[1]))


def _bar_cells(text: str) -> Iterator[Printed]:
    """`Train epoch [1/1]: 10%|█ | 10/100 [00:05<…, pg=0.01, kl=0.2]` (OpenRLHF)."""
    found = _BAR.match(text)
    cells = dict(_BAR_CELL.findall(text, found.start(4))) if found else {}
    if found and cells and tells_of_training({**cells, "step": found[2]}):
        yield Printed(cells, int(found[2]))


def _deepspeed_chat(text: str) -> Iterator[Printed]:
    """`epoch: 0|step: 63|ppo_ep: 1|act_loss: 0.2|cri_loss: 0.1`, then what belongs to that step."""
    if "|step: " in text:
        cells = dict(_PIPES.findall(text))
        if "step" in cells and (step := number(cells.pop("step"))) is not None and tells_of_training({**cells, "step": "1"}):
            yield Printed(cells, int(step))
    elif found := _LATENCY.search(text):
        yield Printed({"step_time": found[1]}, same=True)


def _deepspeed(text: str) -> Iterator[Printed]:
    """`[Rank 0] step=10, skipped=0, lr=[…]` and the timer's line."""
    if found := _DEEPSPEED_STEP.search(text):
        yield Printed({"skipped_steps": found[2], "learning_rate": found[3]}, int(found[1]))
    elif found := _DEEPSPEED_TIMER.search(text):
        yield Printed({"samples_per_second": found[3]}, int(found[1]))


def _single(text: str) -> Iterator[Printed]:
    """`average reward score: 2.4` (DeepSpeed-Chat), `ppl: 1.8` (DeepSpeed's fine-tuning, after an epoch)."""
    if found := _REWARD.search(text):
        yield Printed({"reward": found[1]}, same=True)
    elif found := _PERPLEXITY.match(text):
        yield Printed({"eval_perplexity": found[1]}, same=True)


def _keras(text: str) -> Iterator[Printed]:
    """The last line of an epoch; its step is the epoch that was begun before."""
    found = _KERAS_END.match(text)
    if found:
        yield Printed(dict(_KERAS_CELL.findall(found[1])), same=True)


_DIALECTS: tuple[tuple[str, Callable[[str], Iterator[Printed]]], ...] = (
    ("{'", _dicts),
    ("step:", _verl),
    ("%|", _bar_cells),
    ("|", _deepspeed_chat),
    ("step=", _deepspeed),
    (": ", _single),
    ("=] - ", _keras),
)
"""What a line must hold for the pattern to be worth a try, and the pattern."""
