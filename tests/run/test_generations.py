"""Which generations are in memory, and which are only known of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Completion, Completions, Origin, Phase
from rldk_tui.run.generations import DRAWN, FIRST, LARGE, NEWEST, Generations

ROWS = (Completion(prompt="p", completion="c"),)


def an_event(step: int, phase: Phase = Phase.TRAIN, rows: tuple[Completion, ...] = ROWS) -> Completions:
    return Completions(time=0.0, step=step, phase=phase, rows=rows)


def origin(source: str = "a", authority: int = 4) -> Origin:
    return Origin(source=source, format="f", authority=authority)


def of(events: list[Completions]) -> Generations:
    generations = Generations()
    for event in events:
        generations.add(event, origin())
    return generations


@given(st.permutations([*range(0, 300, 3), 1, 2]))
def test_the_order_in_which_files_are_read_does_not_matter(steps: list[int]) -> None:
    read, sorted_ = of([an_event(step) for step in steps]), of([an_event(step) for step in sorted(steps)])
    assert read.held() == sorted_.held()
    assert read.logged() == sorted_.logged()


def test_a_long_run_is_known_whole_and_held_in_part() -> None:
    generations = of([an_event(step) for step in range(5000)])
    held = [event.step for event in generations.held()]
    assert len(generations.logged()) == 5000
    assert len(held) <= FIRST + NEWEST + DRAWN
    assert held[:FIRST] == list(range(FIRST))
    assert held[-NEWEST:] == list(range(5000 - NEWEST, 5000))


def test_of_giant_steps_the_newest_alone_is_held() -> None:
    giant = (Completion(prompt="", completion="x" * (LARGE + 1)),)
    held = of([an_event(1, rows=giant), an_event(2), an_event(3, rows=giant)]).held()
    assert [event.step for event in held] == [2, 3]


def test_the_more_trusted_source_is_believed_in_whatever_order() -> None:
    ours, tables = an_event(1, rows=ROWS * 2), an_event(1)
    for first, second in (((ours, 12), (tables, 4)), ((tables, 4), (ours, 12))):
        generations = Generations()
        for event, authority in (first, second):
            generations.add(event, origin(authority=authority))
        assert generations.held() == (ours,)
        assert [logged.count for logged in generations.logged()] == [2]
