"""Why a visit is where it is, or nowhere: the scheduler's explanation with rows instead of names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import scheduler
from fieldservice.models import Visit
from fieldservice.planning.judge import candidates
from fieldservice.planning.problem import Day, row_id, visit_id
from scheduler import Violation
from scheduler.explain import Explanation, explain, ways_in, why_not
from scheduler.relax import NO_CLOCK, Finding, size_of

SHOWN = 5


@dataclass(frozen=True)
class Alternative:
    """Another technician who could make the visit inside its window, together with the `others`."""

    technician_id: int
    starts_at: datetime
    added_travel: timedelta
    others: tuple[int, ...] = ()


@dataclass(frozen=True)
class WayIn:
    """What keeps a technician from an unassigned visit, and what of one rule alone would let it in.

    `changes` are the two smallest ones; there is none where it would take more than one rule.
    """

    technician_id: int
    refusal: Violation
    changes: tuple[Finding, ...]


@dataclass(frozen=True)
class Why:
    """What can be said about a visit; the edge words the rules."""

    placed: bool
    holds: tuple[Finding, ...]
    alternatives: tuple[Alternative, ...]
    refusals: tuple[Violation, ...]
    changes: tuple[Finding, ...]
    nobody: tuple[Finding, ...]
    added_travel: timedelta = timedelta(0)  # what the route of a placed visit drives for it
    ways: tuple[WayIn, ...] = ()  # by technician, the smallest change first

    @property
    def stopped(self) -> list[Violation]:
        """What keeps those away whom no single change helps."""
        return [way.refusal for way in self.ways if not way.changes]


def why(day: Day, visit: Visit) -> Why | None:
    """Explain a visit of the day's plan; None when it is not to be planned (begun, or no address)."""
    name = visit_id(visit)
    if name not in day.problem.visit_by_id:
        return None
    if visit.crew > 1 and name not in {each for route in day.plan.routes for each in route.visit_ids}:
        return _crew_without_a_place(day, visit)
    told = _told(day, explain(day.problem, day.plan, name))
    if told.placed:
        return told
    found = ways_in(day.problem, day.plan, day.problem.visit_by_id[name])
    ways = [
        WayIn(row_id(refused.shift), refused, found.get(refused.shift, ())[:2])
        for refused in told.refusals
        if refused.shift is not None
    ]
    return replace(told, ways=tuple(sorted(ways, key=_effort)))


def _crew_without_a_place(day: Day, visit: Visit) -> Why:
    """Who could lead the crew and with whom, and what keeps the others."""
    found = candidates(day, visit)
    refused = [each.refusal for each in found if each.refusal is not None]
    able = [
        Alternative(each.technician_id, each.starts_at, each.added_travel, each.others)
        for each in found
        if each.starts_at is not None and each.added_travel is not None
    ]
    ways = tuple(WayIn(row_id(each.shift), each, ()) for each in refused if each.shift)
    shown = tuple(able[:SHOWN])
    return Why(
        placed=False, holds=(), alternatives=shown, refusals=tuple(refused), changes=(), nobody=(), ways=ways
    )


def _effort(way: WayIn) -> int:
    """How large the change is: what no single change helps comes last."""
    return size_of(way.changes[0]) if way.changes else 2 * NO_CLOCK


def minutes_more(change: Finding) -> int:
    """By how many minutes a day would have to be longer, rounded up to five; 0 for other changes."""
    return -(-int(change.numbers.get("over_s", 0)) // 300) * 5


def why_window(day: Day, wish: scheduler.Visit) -> Why:
    """Explain why a wish for one window of the day is not offered, and what would have to change."""
    return _told(day, why_not(day.problem, day.plan, wish))


def _told(day: Day, found: Explanation) -> Why:
    return Why(
        placed=found.shift is not None,
        holds=found.holds,
        alternatives=tuple(
            Alternative(
                row_id(place.technician), day.instant(place.start_s), timedelta(seconds=place.added_travel_s)
            )
            for place in found.alternatives
        ),
        refusals=found.refusals,
        changes=found.changes,
        nobody=found.nobody,
        added_travel=timedelta(seconds=found.added_travel_s),
    )
