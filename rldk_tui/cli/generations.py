"""`rldk generations`: what the model wrote, searched, filtered and sorted."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rldk_tui.cli.output import say
from rldk_tui.cli.run import RUN
from rldk_tui.errors import UserError

if TYPE_CHECKING:
    import polars as pl

    from rldk_tui.summary.generations.select import Selected, Selection
    from rldk_tui.tui.cells import Line
    from rldk_tui.tui.generation_lines import Look

_Thing = TypeVar("_Thing")
SHOWN = 20
"""Generations on a page, unless told otherwise."""
_GROUPS = 3
_AT_ONCE = 200
_STEPS = re.compile(r"(?P<first>\d{1,18})?(?P<to>\.\.)?(?P<last>\d{1,18})?")
_EPILOG = """\
A condition compares fields: step, phase, row, reward, rewards.NAME, advantage, length (tokens), characters, words,
repetition (share of repeated 4-grams), disorder (above 0.9 it is no text), truncated, prompt, completion, prompt_hash,
source; with and, or, not, in (..), is null, + - * / %, abs(..), isnan(..), contains(FIELD, 'text'), startswith, endswith,
matches(FIELD, 'regex').

  rldk generations RUN --worst 20
  rldk generations RUN --where "reward < 0.1 and truncated"
  rldk generations RUN --where "matches(completion, '(?i)as an ai') and step > 100" --sort length:desc
  rldk generations RUN --group --step 300
  rldk generations RUN --prompt 2d2fdd
  rldk generations RUN --diff 10 300
"""


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer it."""
    verb = verbs.add_parser(
        "generations",
        help="what the model wrote: search, filter, sort, compare",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("run", type=Path, help=RUN)
    add_selection(verb)
    order = verb.add_mutually_exclusive_group()
    order.add_argument("--worst", metavar="N", type=_count, nargs="?", const=SHOWN, help=f"the lowest rewards first ({SHOWN})")
    order.add_argument("--best", metavar="N", type=_count, nargs="?", const=SHOWN, help=f"the highest rewards first ({SHOWN})")
    order.add_argument("--sort", metavar="FIELD[:desc]", help="sort by any field of a condition")
    verb.add_argument("--limit", metavar="N", type=_count, help=f"at most so many; 0 is all ({SHOWN}; all with --json)")
    look = verb.add_mutually_exclusive_group()
    look.add_argument("--group", action="store_true", help="whole groups: all answers to a prompt at a step, with advantages")
    look.add_argument(
        "--diff",
        nargs=2,
        metavar=("STEP1", "STEP2"),
        type=_count,
        help="the same prompts at two steps",
    )
    verb.add_argument("--side-by-side", action="store_true", help="with --diff: two columns instead of changed words")
    verb.add_argument("--full", action="store_true", help="whole texts, not their beginnings")
    verb.add_argument("--json", action="store_true", help="a JSON object a line")
    verb.add_argument("--ascii", action="store_true", default=None, help="plain characters only")
    verb.set_defaults(verb=_generations)


def add_selection(verb: argparse.ArgumentParser) -> None:
    """Offer what narrows a run's generations down."""
    verb.add_argument("--where", metavar="CONDITION", help='e.g. "reward < 0.1 and truncated"')
    verb.add_argument("--search", metavar="TEXT", help="a text in the prompt or the completion, whatever its case")
    verb.add_argument("--step", metavar="A..B", type=_steps, default=(None, None), help="one step, or A..B, A.., ..B")
    verb.add_argument("--phase", choices=("train", "eval"), help="of the training or of an evaluation (both)")
    verb.add_argument("--prompt", metavar="HASH", type=_mark, help="the answers to one prompt; the hash's beginning is enough")


def selection_of(arguments: argparse.Namespace, **order: object) -> Selection:
    """What was asked for."""
    from rldk_tui.summary.generations.select import Selection

    asked = {name: getattr(arguments, name) for name in ("where", "search", "phase", "prompt")}
    return Selection(**asked, steps=arguments.step, **order)  # type: ignore[arg-type]


def _count(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _steps(text: str) -> tuple[int | None, int | None]:
    found = _STEPS.fullmatch(text.replace(",", ""))
    if found is None or (found["first"] is None and found["last"] is None) or (found["last"] and not found["to"]):
        raise argparse.ArgumentTypeError(f"{text!r} is no step and no stretch of steps such as 100..200")
    first = None if found["first"] is None else int(found["first"])
    last = int(found["last"]) if found["last"] else None if found["to"] else first
    if first is not None and last is not None and last < first:
        raise argparse.ArgumentTypeError(f"{text!r} ends before it begins")
    return first, last


def _mark(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{1,12}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no prompt's hash (hexadecimal digits, as shown beside each generation)")
    return text


def _generations(arguments: argparse.Namespace) -> int:
    from rldk_tui.ingest import locate
    from rldk_tui.summary.generations.select import open_generations

    if arguments.side_by_side and not arguments.diff:
        raise UserError("--side-by-side is a form of --diff.", "rldk generations RUN --diff STEP1 STEP2 --side-by-side")
    run = locate(arguments.run)
    frame = open_generations(run)
    if arguments.diff:
        return _diff(arguments, frame)
    selection = selection_of(arguments, **_order(arguments))
    return _groups(arguments, frame, selection) if arguments.group else _list(arguments, frame, selection)


def _order(arguments: argparse.Namespace) -> dict[str, object]:
    """The field to sort by, whether downwards, and how many."""
    ranked = arguments.worst if arguments.best is None else arguments.best
    limit = arguments.limit if arguments.limit is not None else ranked
    if limit is None:
        limit = 0 if arguments.json or arguments.prompt else _GROUPS if arguments.group else SHOWN
    if ranked is not None:
        return {"sort": "reward", "descending": arguments.best is not None, "limit": limit}
    if arguments.sort is None:
        return {"limit": limit}
    field, _, way = arguments.sort.rpartition(":")
    if way not in ("asc", "desc") or not field:
        return {"sort": arguments.sort, "limit": limit}
    return {"sort": field, "descending": way == "desc", "limit": limit}


def _list(arguments: argparse.Namespace, frame: pl.LazyFrame, selection: Selection) -> int:
    from rldk_tui.summary.generations.objects import json_lines
    from rldk_tui.summary.generations.sample import samples_of
    from rldk_tui.summary.generations.select import not_logged, select

    found = select(frame, selection)
    if arguments.json:
        return _say(json_lines(found.frame))
    from rldk_tui.tui.generation_lines import prompt_lines, sample_lines

    look = _look(arguments)
    one_prompt = arguments.prompt and found.frame["prompt_hash"].n_unique() == 1
    lines = (prompt_lines if one_prompt else sample_lines)(samples_of(found.frame), look)
    unknown = not_logged(frame, arguments.where) if arguments.where and not found.matching else ()
    return _print(arguments, lines, look, _ending(found, found.frame.height, "generation", unknown))


def _groups(arguments: argparse.Namespace, frame: pl.LazyFrame, selection: Selection) -> int:
    from rldk_tui.summary.generations.objects import group_json_lines
    from rldk_tui.summary.generations.sample import samples_of
    from rldk_tui.summary.generations.select import GROUP, select_groups

    found = select_groups(frame, selection)
    if arguments.json:
        return _say(group_json_lines(found.frame))
    from rldk_tui.tui.generation_lines import group_lines

    look = _look(arguments)
    shown = found.frame.select(GROUP).n_unique() if found.frame.height else 0
    return _print(arguments, group_lines(samples_of(found.frame), look), look, _ending(found, shown, "group"))


def _diff(arguments: argparse.Namespace, frame: pl.LazyFrame) -> int:
    from rldk_tui.summary.generations.objects import pair_json_lines
    from rldk_tui.summary.generations.pairs import pairs_of
    from rldk_tui.summary.generations.select import select_pairs

    if arguments.worst is not None or arguments.best is not None or arguments.sort is not None:
        raise UserError("--diff goes prompt by prompt and is not sorted.", "Narrow it down with --prompt, --where or --search.")
    first, last = arguments.diff
    if first == last:
        raise UserError(f"Step {first} is compared with itself.", "--diff STEP1 STEP2 takes two steps.")
    limit = arguments.limit if arguments.limit is not None else 0 if arguments.json else SHOWN
    prompts, found = select_pairs(frame, selection_of(arguments, limit=limit), (first, last))
    pairs = list(pairs_of(prompts, found.frame, (first, last)))
    if arguments.json:
        return _say(pair_json_lines(pairs))
    from rldk_tui.tui.generation_pairs import pair_lines

    look = _look(arguments)
    lines = pair_lines(pairs, look, beside=arguments.side_by_side)
    return _print(arguments, lines, look, _ending(found, len(pairs), "prompt"))


def _look(arguments: argparse.Namespace) -> Look:
    from rldk_tui.tui.generation_lines import Look
    from rldk_tui.tui.terminal import page_width

    return Look(page_width(), arguments.full, arguments.search)


def _ending(found: Selected, shown: int, thing: str, unknown: tuple[str, ...] = ()) -> str:
    """What is told below the last generation."""
    from rldk_tui.charts.format import count

    if not found.matching:
        why = f" {' and '.join(unknown)}: not on record for any of this run." if unknown else ""
        return f"No {thing} fits.{why}"
    things = f"{count(found.matching)} {thing}{'' if found.matching == 1 else 's'}"
    told = things if shown == found.matching else f"{count(shown)} of {things} (--limit N shows as many, 0 all)"
    last = f"; {count(found.without_key)} without a value to sort by stand last" if found.without_key else ""
    return f"{told}{last}"


def _print(arguments: argparse.Namespace, rows: Iterable[Line], look: Look, ending: str) -> int:
    from rldk_tui.tui.cells import Tone, line, wrapped
    from rldk_tui.tui.printed import printed
    from rldk_tui.tui.terminal import ascii_only, colours

    plain, colour = ascii_only() if arguments.ascii is None else arguments.ascii, colours()
    told = wrapped(ending, look.width, Tone.DIM)
    last = told if ending.startswith("No ") else (line(), *told)
    for part in _parts(chain(rows, last)):
        if not say(printed(part, look.width, ascii=plain, color=colour).removesuffix("\n")):
            break
    return 0


def _say(texts: Iterable[str]) -> int:
    for part in _parts(texts):
        if not say("\n".join(part)):
            break
    return 0


def _parts(things: Iterable[_Thing]) -> Iterator[list[_Thing]]:
    """So many at a time: a pager that closes early is heard before everything is written."""
    rest = iter(things)
    while part := list(islice(rest, _AT_ONCE)):
        yield part
