"""Who makes a visit together, and from when: the crew that is asked for, or the one that drives least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import scheduler
from fieldservice.models import Visit
from fieldservice.planning.names import member_id, row_id, shift_id, visit_number
from fieldservice.planning.problem import CREW_ROUNDS, WHOLE_DAY_S, Day
from fieldservice.planning.relaxing import as_member
from scheduler import timeline
from scheduler.insertion import Board, Place
from scheduler.slots import Slots
from scheduler.teams import teams


@dataclass(frozen=True)
class Team:
    """Technicians, whoever leads first, and the second from which they are asked to begin together."""

    technicians: tuple[int, ...]
    start_s: int
    added_s: int = 0


def wanted_team(visit: Visit, lead: int, others: Sequence[int], instead: int | None) -> tuple[int, ...]:
    """Who is asked for; nobody but `lead` where the rest has to be found.

    Without `others` the crew stays as it is: somebody new comes in place of `instead`, or of who leads it.
    """
    if others:
        return (lead, *(other for other in others if other != lead))
    present = [technician.id for technician in visit.made_by]
    if len(present) != visit.crew:
        return (lead,)
    if lead in present:
        return (lead, *(other for other in present if other != lead))
    gone = instead if instead in present else present[0]
    if gone == present[0]:
        return (lead, *present[1:])
    return tuple(lead if other == gone else other for other in present)


def find_team(
    day: Day,
    asked: scheduler.Visit,
    wanted: Sequence[int],
    starts_at: datetime | None,
    board: Board | None = None,
) -> Team | None:
    """The cheapest way to make a visit with those who are wanted, and as many more as it takes.

    None when they could not begin together; at a given start everybody who is wanted is taken at their word.
    `board` are the day's routes, from who asks more than once.
    """
    start_s = None if starts_at is None else day.seconds(starts_at)
    complete = len(wanted) == asked.crew
    if complete and start_s is not None:
        return Team(tuple(wanted), start_s)
    board = board or Board(day.problem, day.plan)
    windows = asked.windows if start_s is None else ((start_s, start_s),)
    people = frozenset(map(shift_id, wanted)) if complete else asked.technicians if wanted else None
    alone = replace(asked, crew=1, windows=windows, technicians=people)
    among = frozenset({shift_id(wanted[0])}) if wanted else asked.technicians  # one of those is enough
    best = next(teams(board.kernel, alone, board.admitting(alone), asked.crew, among), None)
    if best is None:
        return None
    found = [row_id(day.problem.shifts[row].technician) for row, _ in best.spots]
    if complete:
        found = list(wanted)
    leads = among or ()
    found.sort(key=lambda technician: (technician not in wanted, shift_id(technician) not in leads))
    return Team(tuple(found), best.start_s, best.added_s)


def first_place(day: Day, wish: scheduler.Visit) -> Place | Team | None:
    """Where a wish is cheapest inside its windows, or the crew that drives least for it; None for nowhere."""
    if wish.crew > 1:
        return find_team(day, wish, (), None)
    return Slots(day.problem, day.plan).cheapest(wish, wish.windows)[0]


def members(asked: scheduler.Visit, number: int, technicians: Sequence[int]) -> Mapping[int, scheduler.Visit]:
    """The visit with this number as each of them makes it."""
    lead, *others = technicians
    names = {lead: f"v{number}", **{other: member_id(number, other) for other in others}}
    return {technician: as_member(asked, name) for technician, name in names.items()}


def parts_for(asked: scheduler.Visit, technicians: Sequence[int]) -> Mapping[int, scheduler.Visit]:
    """A wish as each of them has it: a visit, or a slot that is held or only looked for."""
    number = visit_number(asked.id)
    if number is not None:
        return members(asked, number, technicians)
    names = {technician: f"{asked.id}@{technician}" for technician in technicians}
    return {technician: as_member(asked, name) for technician, name in names.items()}


def routes_together(day: Day, each: Mapping[int, scheduler.Visit], start_s: int) -> list[scheduler.Route]:
    """The routes with the visit in them, begun at one time: that of the last who can be there."""
    routes: list[scheduler.Route] = []
    for _ in range(CREW_ROUNDS):
        routes = [route_at(day, visit, technician, start_s) for technician, visit in each.items()]
        names = {visit.id for visit in each.values()}
        starts = {stop.start_s for route in routes for stop in route.stops if stop.visit in names}
        if len(starts) == 1:
            break
        start_s = max(starts)
    return routes


def with_team(day: Day, wish: scheduler.Visit, team: Team) -> Day:
    """The day with a wish on the routes of those who could make it together."""
    each = parts_for(wish, team.technicians)
    changed = {route.shift: route for route in routes_together(day, each, team.start_s)}
    routes = tuple(changed.get(route.shift, route) for route in day.plan.routes)
    return replace(day.adding(*each.values()), plan=replace(day.plan, routes=routes))


def route_at(day: Day, asked: scheduler.Visit, technician_id: int, start_s: int) -> scheduler.Route:
    """A route with a visit in it from a start on, timed even where that breaks a rule."""
    shift, order = shift_id(technician_id), list(day.order(technician_id))
    starts = {stop.visit: stop.start_s for stop in day.plan.route_of(shift).stops if stop.visit}
    order.insert(sum(starts[name] < start_s for name in order), asked.id)
    lenient = replace(asked, windows=((start_s, max(start_s, WHOLE_DAY_S)),))
    return timeline.project(day.adding(lenient).problem, shift, order)


def project_together(
    problem: scheduler.Problem, orders: Mapping[str, Sequence[str]]
) -> list[scheduler.Route]:
    """Routes in these orders; a crew whose routes they all are begins when the last of them can."""
    begin: dict[int, int] = {}
    routes: list[scheduler.Route] = []
    for _ in range(CREW_ROUNDS):
        routes = [timeline.project(_from(problem, begin), shift, names) for shift, names in orders.items()]
        late = {key: max(starts) for key, starts in _starts(problem, routes).items() if len(starts) > 1}
        if not late:
            break
        begin |= late
    return routes


def begun_together(problem: scheduler.Problem, routes: Sequence[scheduler.Route]) -> scheduler.Problem:
    """The problem with each crew of these routes held at the start that it has on them."""
    starts = {key: max(found) for key, found in _starts(problem, routes).items()}
    held = {row_id(visit.id) for visit in problem.visits if visit.id[0] == "c"}
    return _from(problem, {key: start for key, start in starts.items() if key in held})


def _starts(problem: scheduler.Problem, routes: Sequence[scheduler.Route]) -> dict[int, set[int]]:
    """When each visit of a crew begins; visits that are held already have one start."""
    crews = {row_id(visit.id) for visit in problem.visits if visit.id[0] == "c"}
    found: dict[int, set[int]] = {}
    for route in routes:
        for stop in route.stops:
            key = visit_number(stop.visit)
            if key in crews:
                found.setdefault(key, set()).add(stop.start_s)
    return found


def _from(problem: scheduler.Problem, begin: Mapping[int, int]) -> scheduler.Problem:
    """The problem with crews that begin no sooner; who is pinned to a start stays pinned."""
    if not begin:
        return problem

    def later(visit: scheduler.Visit) -> scheduler.Visit:
        start_s = begin.get(visit_number(visit.id) or 0)
        pin = visit.pinned
        if start_s is None or (pin is not None and pin.start_s is not None):
            return visit
        windows = tuple((max(low, start_s), high) for low, high in visit.windows if start_s <= high)
        return replace(visit, windows=windows or ((start_s, start_s),))

    return replace(problem, visits=tuple(map(later, problem.visits)))
