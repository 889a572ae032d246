"""What a move would do, judged by the scheduler's own rules before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import scheduler
from fieldservice.models import Visit
from fieldservice.planning.order import broken_rules
from fieldservice.planning.problem import Day, row_id, shift_id, visit_id, wish
from fieldservice.planning.teams import (
    Team,
    find_team,
    members,
    route_at,
    routes_together,
    wanted_team,
)
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

    `reason` is why a rule may be broken for it. `others` make it together with the technician; without them a
    crew stays as it is, but that the technician comes in place of `instead`. `crew` is how many make it from
    then on; None for as many as now.
    """

    technician_id: int
    on: date
    starts_at: datetime | None
    reason: str = ""
    others: tuple[int, ...] = ()
    instead: int | None = None
    crew: int | None = None


@dataclass(frozen=True)
class Shifted:
    """Another visit whose start changes."""

    visit_id: int
    old_starts_at: datetime
    new_starts_at: datetime


@dataclass(frozen=True)
class Judgement:
    """What a move would do: `starts_at` it would begin, what it breaks, who else is hit.

    `routes` are those of all who make it, and `each` is the visit on each of them.
    """

    starts_at: datetime
    hard: tuple[scheduler.Violation, ...]
    soft: tuple[scheduler.Violation, ...]
    shifted: tuple[Shifted, ...]
    routes: tuple[scheduler.Route, ...]
    each: Mapping[int, scheduler.Visit]


@dataclass(frozen=True)
class Candidate:
    """A technician for a visit: when and at what cost, or the rule that stops it.

    `others` make it together with the technician.
    """

    technician_id: int
    starts_at: datetime | None
    added_travel: timedelta | None
    refusal: scheduler.Violation | None
    others: tuple[int, ...] = ()


def candidates(day: Day, visit: Visit) -> list[Candidate]:
    """Every technician of the day, the one who drives least for it first; those who cannot come last.

    `day` is built without the visit.
    """
    asked = wish(day.rows, day.table, visit, pinned=False)
    board = Board(day.problem, day.plan)
    refused = scheduler.refusals(day.problem, day.plan, asked)
    found = []
    for shift in day.problem.shifts:
        if visit.crew > 1:
            found.append(_leading(day, visit, asked, shift, refused.get(shift.id)))
            continue
        best = board.cheapest(replace(asked, technicians=frozenset({shift.technician})), tries=4)
        found.append(_candidate(day, shift, best, refused.get(shift.id)))
    return sorted(found, key=lambda entry: (entry.added_travel is None, entry.added_travel or timedelta(0)))


def best_fits(day: Day, visits: Iterable[Visit]) -> dict[int, Candidate]:
    """For unassigned visits, by id, the technician who drives least; without those that fit nowhere."""
    board = Board(day.problem, day.plan)
    found = {}
    for visit in visits:
        asked = day.problem.visit_by_id.get(visit_id(visit))
        if asked is not None and visit.crew > 1:
            team = find_team(day, wish(day.rows, day.table, visit), (), None)
            if team is not None:
                found[visit.id] = _of_team(day, team)
            continue
        best = board.cheapest(asked, tries=4) if asked else None
        if best is not None:
            found[visit.id] = _candidate(day, day.problem.shift_by_id[best.shift], best, None)
    return found


def _leading(
    day: Day,
    visit: Visit,
    asked: scheduler.Visit,
    shift: scheduler.Shift,
    refusal: scheduler.Violation | None,
) -> Candidate:
    """A technician as the one who leads a crew: the present one as far as it goes."""
    technician_id = row_id(shift.technician)
    wanted = wanted_team(visit, technician_id, (), None)
    if not {shift_id(each) for each in wanted} <= day.problem.shift_by_id.keys():
        wanted = (technician_id,)
    team = find_team(day, asked, wanted, None)
    if team is None:
        return Candidate(technician_id, None, None, refusal or no_team(asked, shift.id))
    return _of_team(day, team)


def _of_team(day: Day, team: Team) -> Candidate:
    lead, *others = team.technicians
    added = timedelta(seconds=team.added_s)
    return Candidate(lead, day.instant(team.start_s), added, None, tuple(others))


def no_team(asked: scheduler.Visit, shift: str | None) -> scheduler.Violation:
    """Nobody could begin together with this technician."""
    text = f"No {asked.crew} technicians could start together."
    return scheduler.Violation(
        rule="crew", visit=asked.id, shift=shift, text=text, numbers={"need": asked.crew}
    )


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
    if visit.crew > 1:
        team = _team(day, visit, asked, move)
        each = members(asked, visit.id, team.technicians)
        routes = routes_together(day, each, team.start_s)
    else:
        _require_shifts(day, asked, [move.technician_id])
        each = {move.technician_id: asked}
        routes = [_with_visit(day, asked, move)]
    return _judged(day, visit, move, each, routes)


def _judged(
    day: Day,
    visit: Visit,
    move: Move,
    each: Mapping[int, scheduler.Visit],
    routes: Sequence[scheduler.Route],
) -> Judgement:
    problem = day.adding(*each.values()).problem
    changed = {route.shift: route for route in routes}
    plan = replace(day.plan, routes=tuple(changed.get(route.shift, route) for route in day.plan.routes))
    rows, fixed = {**day.visits, visit.id: visit}, visit.id if move.starts_at else None
    broken = broken_rules(day, problem, plan, routes, rows, fixed=fixed)
    # what each of a crew breaks by the time at which all of them begin is said once
    broken = [one for one in broken if one.rule != "window" or one.visit != _other_name(one, visit)]
    starts = {stop.visit: stop.start_s for route in routes for stop in route.stops if stop.visit}
    before = {
        stop.visit: stop.start_s
        for route in routes
        for stop in day.plan.route_of(route.shift).stops
        if stop.visit
    }
    return Judgement(
        starts_at=day.instant(starts[visit_id(visit)]),
        hard=tuple(violation for violation in broken if violation.rule not in SOFT_RULES),
        soft=tuple(violation for violation in broken if violation.rule in SOFT_RULES),
        shifted=tuple(
            Shifted(row_id(name), day.instant(before[name]), day.instant(starts[name]))
            for name in before
            if name.startswith("v") and before[name] != starts[name]
        ),
        routes=tuple(routes),
        each=each,
    )


def _other_name(violation: scheduler.Violation, visit: Visit) -> str | None:
    """The name under which somebody else than the leader makes the visit, if it is about that."""
    name = violation.visit
    return name if name and name.startswith(f"c{visit.id}@") else None


def _team(day: Day, visit: Visit, asked: scheduler.Visit, move: Move) -> Team:
    wanted = wanted_team(visit, move.technician_id, move.others, move.instead)
    _require_shifts(day, asked, wanted)
    team = find_team(day, asked, wanted, move.starts_at)
    if team is None:
        refused = scheduler.refusals(day.problem, day.plan, asked)
        shift = shift_id(move.technician_id)
        raise RuleBroken([refused.get(shift) or no_team(asked, shift)])
    return team


def _require_shifts(day: Day, asked: scheduler.Visit, technicians: Sequence[int]) -> None:
    if not {shift_id(each) for each in technicians} <= day.problem.shift_by_id.keys():
        text = "The technician has no shift on this day."
        raise RuleBroken([scheduler.Violation(rule="no_shift", visit=asked.id, shift=None, text=text)])


def _with_visit(day: Day, asked: scheduler.Visit, move: Move) -> scheduler.Route:
    """The route with the visit in it, timed even where that breaks a rule."""
    shift = day.problem.shift_by_id[shift_id(move.technician_id)]
    if move.starts_at is not None:
        return route_at(day, asked, move.technician_id, day.seconds(move.starts_at))
    best = Board(day.problem, day.plan).cheapest(
        replace(asked, technicians=frozenset({shift.technician})), tries=4
    )
    if best is None:
        raise RuleBroken([scheduler.refusals(day.problem, day.plan, asked)[shift.id]])
    order = list(day.order(move.technician_id))
    order.insert(best.position, asked.id)
    return timeline.project(day.adding(asked).problem, shift.id, order)
