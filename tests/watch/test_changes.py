"""What is told of successive looks: each change once, whatever happened in between."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from rldk_tui.events import Finding, FindingChange, RunState, Severity
from rldk_tui.watch.changes import Change, Changes, FindingChanged, StateChanged

OPENED, ESCALATED, CLOSED = FindingChange.OPENED, FindingChange.ESCALATED, FindingChange.CLOSED


def finding(name: str = "a", severity: Severity = Severity.HIGH, *, still: bool = True) -> Finding:
    return Finding(
        id=name, rule=name, severity=severity, metric=None, first_step=1, last_step=1, detected_step=1, open=still, summary=""
    )


def of_findings(changes: Iterable[Change]) -> list[tuple[str, FindingChange]]:
    return [(change.finding.id, change.change) for change in changes if isinstance(change, FindingChanged)]


def looks(changes: Changes, *found: list[Finding]) -> list[list[tuple[str, FindingChange]]]:
    return [of_findings(changes.since_last(RunState.LIVE, look)) for look in found]


def test_an_episode_is_told_when_it_opens_escalates_and_closes_and_not_in_between() -> None:
    mild, bad, over = finding(severity=Severity.WARNING), finding(), finding(still=False)
    told = looks(Changes(), [], [mild], [mild], [bad], [mild], [bad], [over], [over])
    assert told == [[], [("a", OPENED)], [], [("a", ESCALATED)], [], [], [("a", CLOSED)], []]


def test_at_the_start_what_is_open_is_told_and_what_is_over_is_not() -> None:
    changes = Changes()
    first = changes.since_last(RunState.LIVE, [finding("old", still=False), finding("now")])
    assert first == [StateChanged(RunState.LIVE), FindingChanged(finding("now"), OPENED, at_start=True)]
    assert looks(changes, [finding("old", still=False), finding("now")]) == [[]]


def test_of_a_run_that_was_waited_for_everything_is_new() -> None:
    changes = Changes()
    assert changes.waiting() == [StateChanged(RunState.WAITING)]
    assert changes.waiting() == []
    found = changes.since_last(RunState.LIVE, [finding("short", still=False), finding("now")])
    assert of_findings(found) == [("short", OPENED), ("short", CLOSED), ("now", OPENED)]
    assert not any(change.at_start for change in found)
    assert found[-1] == StateChanged(RunState.LIVE, RunState.WAITING)


def test_what_is_taken_back_is_closed() -> None:
    assert looks(Changes(), [finding()], [], []) == [[("a", OPENED)], [("a", CLOSED)], []]


def test_below_the_wanted_severity_nothing_is_told_until_it_gets_there() -> None:
    mild, bad = finding(severity=Severity.WARNING), finding(severity=Severity.CRITICAL)
    told = looks(Changes(Severity.HIGH), [mild], [bad], [mild], [finding(severity=Severity.WARNING, still=False)])
    assert told == [[], [("a", OPENED)], [], [("a", CLOSED)]]


def test_slow_is_no_news_and_stalled_is() -> None:
    changes = Changes()
    states = [RunState.LIVE, RunState.SLOW, RunState.LIVE, RunState.STALLED, RunState.SLOW, RunState.DIED]
    told = [change.state for state in states for change in changes.since_last(state, []) if isinstance(change, StateChanged)]
    assert told == [RunState.LIVE, RunState.STALLED, RunState.LIVE, RunState.DIED]


_LOOK = st.dictionaries(st.sampled_from("abc"), st.tuples(st.sampled_from(Severity), st.booleans()))


@given(st.lists(_LOOK, max_size=8))
def test_whatever_is_found_opened_and_closed_alternate_and_end_where_the_run_stands(found: list[dict[str, object]]) -> None:
    changes = Changes()
    standing: set[str] = set()
    changes.since_last(RunState.LIVE, [])
    for look in found:
        told = [finding(name, *args[:1], still=args[1]) for name, args in look.items()]  # type: ignore[index]
        for name, change in of_findings(changes.since_last(RunState.LIVE, told)):
            assert (name in standing) == (change is not OPENED)
            (standing.add if change is OPENED else standing.discard if change is CLOSED else len)(name)
        assert standing == {one.id for one in told if one.open}
