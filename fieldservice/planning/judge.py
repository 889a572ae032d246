"""What a move would do, judged by the scheduler's own rules before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import scheduler
from fieldservice.models import Visit
from fieldservice.planning.order import broken_rules
from fieldservice.planning.problem import WHOLE_DAY_S, Day, row_id, shift_id, visit_id, wish
from scheduler import timeline
from scheduler.insertion import Board, Place

# A person may decide to break these, with one more click; everything else is refused.
SOFT_RULES = frozenset({"window", "shift_end", "break", "duration", "pin"})


class RuleBroken(Exception):
    """The change breaks a hard rule."""

    def __init__(self, violations: Sequence[scheduler.Violation]) -> None:
        super().__init__("; ".join(violation.text for violation in violations))
        self.violations = tuple(violations)


@dataclass(frozen=True)
class Move:
    """Where a dispatcher wants a visit: with whom, and from when (None: wherever it adds least).

    `reason` is why a rule may be broken for it.
    """

    technician_id: int
    on: date
    starts_at: datetime | None
    reason: str = ""


@dataclass(frozen=True)
class Shifted:
    """Another visit whose start changes."""

    visit_id: int
    old_starts_at: datetime
    new_starts_at: datetime


@dataclass(frozen=True)
class Judgement:
    """What a move would do: `starts_at` it would begin, what it breaks, who else is hit."""

    starts_at: datetime
    hard: tuple[scheduler.Violation, ...]
    soft: tuple[scheduler.Violation, ...]
    shifted: tuple[Shifted, ...]
    route: scheduler.Route


@dataclass(frozen=True)
class Candidate:
    """A technician for a visit: when and at what cost, or the rule that stops it."""

    technician_id: int
    starts_at: datetime | None
    added_travel: timedelta | None
    refusal: scheduler.Violation | None


def candidates(day: Day, visit: Visit) -> list[Candidate]:
    """Every technician of the day, the one who drives least for it first; those who cannot come last.

    `day` is built without the visit.
    """
    asked = wish(day.rows, day.table, visit, pinned=False)
    board = Board(day.problem, day.plan)
    refused = scheduler.refusals(day.problem, day.plan, asked)
    found = []
    for shift in day.problem.shifts:
        best = board.cheapest(replace(asked, technicians=frozenset({shift.technician})), tries=4)
        found.append(_candidate(day, shift, best, refused.get(shift.id)))
    return sorted(found, key=lambda entry: (entry.added_travel is None, entry.added_travel or timedelta(0)))


def best_fits(day: Day, visits: Iterable[Visit]) -> dict[int, Candidate]:
    """For unassigned visits, by id, the technician who drives least; without those that fit nowhere."""
    board = Board(day.problem, day.plan)
    found = {}
    for visit in visits:
        asked = day.problem.visit_by_id.get(visit_id(visit))
        best = board.cheapest(asked, tries=4) if asked else None
        if best is not None:
            found[visit.id] = _candidate(day, day.problem.shift_by_id[best.shift], best, None)
    return found


def _candidate(
    day: Day, shift: scheduler.Shift, best: Place | None, refusal: scheduler.Violation | None
) -> Candidate:
    technician_id = row_id(shift.technician)
    if best is None:
        return Candidate(technician_id, None, None, refusal)
    return Candidate(technician_id, day.instant(best.start_s), timedelta(seconds=best.added_travel_s), None)


def judge(day: Day, visit: Visit, move: Move) -> Judgement:
    """What a move does to a day that is built without the visit. Raises RuleBroken without any place."""
    asked = wish(day.rows, day.table, visit, pinned=False)
    shift = day.problem.shift_by_id.get(shift_id(move.technician_id))
    if shift is None:
        text = "The technician has no shift on this day."
        raise RuleBroken([scheduler.Violation(rule="no_shift", visit=asked.id, shift=None, text=text)])
    route = _with_visit(day, asked, shift, move)
    problem = day.adding(asked).problem
    changed = replace(day.plan, routes=tuple(route if r.shift == shift.id else r for r in day.plan.routes))
    rows, fixed = {**day.visits, visit.id: visit}, visit.id if move.starts_at else None
    broken = broken_rules(day, problem, changed, [route], rows, fixed=fixed)
    starts = {stop.visit: stop.start_s for stop in route.stops if stop.visit}
    before = {stop.visit: stop.start_s for stop in day.plan.route_of(shift.id).stops if stop.visit}
    return Judgement(
        starts_at=day.instant(starts[asked.id]),
        hard=tuple(violation for violation in broken if violation.rule not in SOFT_RULES),
        soft=tuple(violation for violation in broken if violation.rule in SOFT_RULES),
        shifted=tuple(
            Shifted(row_id(name), day.instant(before[name]), day.instant(starts[name]))
            for name in before
            if name.startswith("v") and before[name] != starts[name]
        ),
        route=route,
    )


def _with_visit(day: Day, asked: scheduler.Visit, shift: scheduler.Shift, move: Move) -> scheduler.Route:
    """The route with the visit in it, timed even where that breaks a rule."""
    order = list(day.order(move.technician_id))
    if move.starts_at is None:
        best = Board(day.problem, day.plan).cheapest(
            replace(asked, technicians=frozenset({shift.technician})), tries=4
        )
        if best is None:
            raise RuleBroken([scheduler.refusals(day.problem, day.plan, asked)[shift.id]])
        order.insert(best.position, asked.id)
        lenient = asked
    else:
        start_s = day.seconds(move.starts_at)
        starts = {stop.visit: stop.start_s for stop in day.plan.route_of(shift.id).stops if stop.visit}
        order.insert(sum(starts[name] < start_s for name in order), asked.id)
        lenient = replace(asked, windows=((start_s, max(start_s, WHOLE_DAY_S)),))
    return timeline.project(day.adding(lenient).problem, shift.id, order)
