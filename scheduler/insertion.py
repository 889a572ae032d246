"""Where a visit fits into the routes of a plan: `suggest`, `place`, and `refusals` for where it does not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scheduler.admission import overload, refusal
from scheduler.clock_refusal import clock_refusal
from scheduler.consistency import visit_faults
from scheduler.costs import COST_PARTS, Former, evaluate, route_parts
from scheduler.kernel import Kernel
from scheduler.links import alone, companions, held_routes, hold, knowing, linked_ids, served_of
from scheduler.model import Plan, Problem, Route, Shift, Violation, Visit
from scheduler.teams import Team, teams
from scheduler.timeline import project_visits, schedule_visits

if TYPE_CHECKING:
    from scheduler.repair import Rearrange

LATE = 1 << 44
"""The cost of a route that cannot be driven in time: more than any that can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place for a visit on a route.

    Parameters
    ----------
    shift, technician
        Whose route.
    position
        Its index among the visits of the route.
    window
        The index of the arrival window it is served in; 0 for a visit without windows.
    arrival_s, start_s, departure_s
        When the van is there, work begins and ends (seconds).
    added_cost, added_travel_s
        By how much the cost and the driving of the route grow (seconds); of all routes for a crew.
    together
        For a visit of a crew: the places of the others, who start at the same second.
    """

    shift: str
    technician: str
    position: int
    window: int
    arrival_s: int
    start_s: int
    departure_s: int
    added_cost: int
    added_travel_s: int
    together: tuple["Place", ...] = ()


class Board:
    """The routes of a plan, ready to be asked where visits fit; much faster than `suggest` for many visits.

    Parameters
    ----------
    problem, plan
        The visits of the plan must be in the problem. Only their order counts: every route is timed as
        `scheduler.timeline.schedule` does. But visits that hang together (crews, order) stay at their start.
    without
        A visit to leave out of the plan, because it is to be moved.
    former
        What the cost of change compares with; none without it.
    """

    def __init__(
        self, problem: Problem, plan: Plan, *, without: str | None = None, former: Former | None = None
    ) -> None:
        self.problem = problem
        self.row_of = {shift.id: row for row, shift in enumerate(problem.shifts)}
        self.kernel = Kernel(problem, problem.shifts, held_routes(problem, plan.routes, without))
        self.served = served_of(problem, plan.routes, without) if linked_ids(problem) else {}
        self._former = former
        self._costs: dict[int, tuple[int, int]] = {}
        self._skilled_rows: dict[str, list[int]] = {}
        self._limited = {
            row for row, shift in enumerate(problem.shifts) if shift.capacity or shift.max_visits is not None
        }

    def visits(self, row: int) -> tuple[Visit, ...]:
        """The visits of the shift with this index, in order."""
        return self.kernel.routes[row]

    def set_route(self, row: int, visits: Sequence[Visit]) -> None:
        """Change the visits of the shift with this index."""
        self.kernel.refresh(row, visits)
        self._costs.pop(row, None)

    def admitting(self, visit: Visit) -> list[int]:
        """The shifts that could serve the visit, time aside."""
        shifts = self.problem.shifts
        return [
            row
            for row in self._skilled(visit)
            if not (visit.parts or row in self._limited)
            or not overload(visit, shifts[row], self.visits(row), self.problem.restock)
        ]

    def _skilled(self, visit: Visit) -> list[int]:
        """The shifts that could serve the visit if they were empty; remembered for visits of the problem."""
        own = self.problem.visit_by_id.get(visit.id) is visit
        if own and visit.id in self._skilled_rows:
            return self._skilled_rows[visit.id]
        rows = [
            row
            for row, shift in enumerate(self.problem.shifts)
            if refusal(visit, shift, self.problem.restock) is None
        ]
        if own:
            self._skilled_rows[visit.id] = rows
        return rows

    def places(self, visit: Visit) -> Iterator[Place]:
        """Every feasible place, shift by shift."""
        for window, single in enumerate(_one_window_each(visit)):
            if (free := self.free_of_links(single)) is not None:
                yield from self._crews(visit, free, window) if visit.crew > 1 else self._singles(free, window)

    def free_of_links(self, visit: Visit) -> Visit | None:
        """The visit with what order and lags to the planned visits leave of its windows, if anything."""
        return alone(self.problem, visit, self.served) if visit.after or self.served else visit

    def _singles(self, visit: Visit, window: int) -> Iterator[Place]:
        rows = self.admitting(visit)
        if rows:
            for row, position in self.kernel.spots(visit, rows, self.kernel.starts(visit, rows)).tolist():
                yield self.exact(visit, rows[row], position, window)

    def _crews(self, visit: Visit, free: Visit, window: int) -> Iterator[Place]:
        """For each start that is worth a look the crew that drives least."""
        for team in self.teams(visit, free):
            held = hold(free, None, team.start_s)
            first, *others = (self.exact(held, row, position, window) for row, position in team.spots)
            yield replace(
                first,
                together=tuple(others),
                added_cost=first.added_cost + sum(other.added_cost for other in others),
                added_travel_s=first.added_travel_s + sum(other.added_travel_s for other in others),
            )

    def teams(self, visit: Visit, free: Visit) -> Iterator[Team]:
        """Who could serve the visit together, cheapest first; `free` is what `free_of_links` says of it."""
        among = companions(self.problem, visit, self.served)
        return teams(self.kernel, free, self.admitting(free), visit.crew, among)

    def cheapest(self, visit: Visit, tries: int) -> Place | None:
        """The cheapest of the `tries` places that add least driving; ``None`` when the visit fits nowhere."""
        rows = self.admitting(visit)
        if not rows:
            return None
        starts = self.kernel.starts(visit, rows)
        added, spots = starts[-1], self.kernel.spots(visit, rows, starts)
        order = np.argsort(added[spots[:, 0], spots[:, 1]], kind="stable")[:tries]
        found = [self.exact(visit, rows[row], position, 0) for row, position in spots[order].tolist()]
        return min(found, key=_rank, default=None)

    def exact(self, visit: Visit, row: int, position: int, window: int) -> Place:
        """The place at a position where the kernel found that the visit fits, timed and priced."""
        shift = self.problem.shifts[row]
        route = self.kernel.scheduled(visit, row, position)
        if route is None:
            raise AssertionError(f"{visit.id} does not fit {shift.id} at {position}")
        stop = next(stop for stop in route.stops if stop.visit == visit.id)
        cost, travel_s = self._price(route, visit)
        cost_before, travel_before_s = self._priced(row)
        return Place(
            shift=shift.id,
            technician=shift.technician,
            position=position,
            window=window,
            arrival_s=stop.arrival_s,
            start_s=stop.start_s,
            departure_s=stop.departure_s,
            added_cost=cost - cost_before,
            added_travel_s=travel_s - travel_before_s,
        )

    def cost(self, row: int) -> int:
        """Weighted seconds of the route of the shift with this index; `LATE` when it cannot be in time."""
        return self._priced(row)[0]

    def travel_s(self, row: int) -> int:
        """Seconds of driving of the route of the shift with this index."""
        return self._priced(row)[1]

    def _priced(self, row: int) -> tuple[int, int]:
        """Cost and driving of a route (seconds)."""
        if (priced := self._costs.get(row)) is None:
            route = schedule_visits(self.problem, self.problem.shifts[row], self.visits(row))
            priced = self._costs[row] = (LATE, 0) if route is None else self._price(route)
        return priced

    def _price(self, route: Route, extra: Visit | None = None) -> tuple[int, int]:
        parts = route_parts(self.problem, route, extra, self._former)
        return sum(parts.get(name, 0) for name in COST_PARTS), parts.get("travel_s", 0)

    def orders(self) -> dict[str, list[str]]:
        """The ids of the visits of each shift, in order."""
        return {shift: [visit.id for visit in self.visits(row)] for shift, row in self.row_of.items()}


def suggest(
    problem: Problem,
    plan: Plan,
    visit: Visit,
    limit: int | None = None,
    *,
    repair: float | None = None,
    rearrange: "Rearrange | None" = None,
) -> list[Place]:
    """Every feasible place of a visit, cheapest first.

    Parameters
    ----------
    problem, plan
        Routes are timed as by `scheduler.timeline.schedule`; a route that is late in itself has no place.
    visit
        Need not be in the problem; its location is a row of the problem's travel matrix. When the plan has a
        visit of this id, the places are those after taking it out.
    limit
        How many to return; ``None`` for all. The order is by added cost, then start, shift and position.
    repair, rearrange
        Seconds in which to make room, by moving others, in the arrival windows that have no place; ``None``
        to leave that. The second is a search for what simple moves cannot do; see `scheduler.repair.repair`.

    Returns
    -------
    list of Place
        One for each shift, position and arrival window in which the whole route stays feasible; then a
        `scheduler.repair.RepairedPlace` for each window in which room was made.

    Raises
    ------
    ValueError
        When the visit's references are wrong.
    """
    require_plannable(problem, visit)
    board = Board(knowing(problem, visit), plan, without=visit.id)
    places = sorted(board.places(visit), key=_rank)
    if repair is not None:
        from scheduler.repair import rooms  # which asks this module where visits fit

        places += rooms(problem, plan, visit, places, seconds=repair, rearrange=rearrange)
    return places[:limit]


def place(problem: Problem, plan: Plan, visit: Visit, place: Place) -> Plan:
    """The plan with the visit at a place that `suggest` returned for it; later stops are shifted.

    The visit is timed inside the place's window. `Plan.cost` is recomputed when the problem has the visit and
    empty otherwise.

    Raises
    ------
    ValueError
        When it does not fit there (any more).
    """
    require_plannable(problem, visit)
    known = visit.id in problem.visit_by_id
    problem = knowing(problem, visit)
    changed = without_visit(problem, plan, visit.id)
    free: Visit | None = _one_window_each(visit)[place.window]
    if free is not None and (visit.after or linked_ids(problem)):
        free = alone(problem, free, served_of(problem, changed.routes))
    if free is None:
        raise ValueError(f"place: the order and lags leave no time for {visit.id}")
    if place.together:
        free = hold(free, None, place.start_s)
    for spot in (place, *place.together):
        route = _placed(problem, changed, free, spot)
        changed = replace(changed, routes=_with_route(changed, route))
    changed = replace(changed, cost={})
    return replace(changed, cost=evaluate(problem, changed)) if known else changed


def _placed(problem: Problem, plan: Plan, visit: Visit, spot: Place) -> Route:
    """The route of a shift with the visit at a position."""
    shift = problem.shift_by_id[spot.shift]
    visits = _held(problem, plan.route_of(shift.id))
    stopped = refusal(visit, shift, problem.restock) or overload(visit, shift, visits, problem.restock)
    if stopped is not None:
        raise ValueError(f"place: {stopped.text}")
    route = schedule_visits(problem, shift, (*visits[: spot.position], visit, *visits[spot.position :]))
    if route is None or _driven_too_long(problem, shift, route, visit):
        raise ValueError(f"place: {visit.id} does not fit {spot.shift} at position {spot.position}")
    return route


def without_visit(problem: Problem, plan: Plan, visit_id: str) -> Plan:
    """The plan without a visit, neither on a route nor among the unassigned; its route is timed anew."""
    routes = tuple(
        project_visits(problem, problem.shift_by_id[route.shift], _held(problem, route, visit_id))
        if visit_id in route.visit_ids
        else route
        for route in plan.routes
    )
    unassigned = tuple(left for left in plan.unassigned if left.visit != visit_id)
    return replace(plan, routes=routes, unassigned=unassigned)


def _held(problem: Problem, route: Route, without: str | None = None) -> list[Visit]:
    """The visits of a route in order, leaving one out; those that hang together held at their start."""
    row = next(row for row, shift in enumerate(problem.shifts) if shift.id == route.shift)
    return held_routes(problem, [route], without)[row]


def _with_route(plan: Plan, route: Route) -> tuple[Route, ...]:
    """The routes of a plan with one exchanged or added."""
    if any(other.shift == route.shift for other in plan.routes):
        return tuple(route if other.shift == route.shift else other for other in plan.routes)
    return (*plan.routes, route)


def _driven_too_long(problem: Problem, shift: Shift, route: Route, visit: Visit) -> bool:
    limit = shift.max_travel_s
    return limit is not None and route_parts(problem, route, visit)["travel_s"] > limit


def require_plannable(problem: Problem, visit: Visit) -> None:
    """Raise ValueError when a visit's references are wrong, or it uses what cannot be planned."""
    locations = len(problem.travel_s)
    faults = list(visit_faults(visit, locations, problem.visit_by_id, problem.shift_by_id))
    if faults:
        raise ValueError("\n".join(f"visit.{fault}" for fault in faults))


def _one_window_each(visit: Visit) -> list[Visit]:
    """The visit once for each of its arrival windows."""
    if len(visit.windows) < 2:
        return [visit]
    return [replace(visit, windows=(window,)) for window in visit.windows]


def _rank(place: Place) -> tuple[int, int, str, int, int]:
    return place.added_cost, place.start_s, place.shift, place.position, place.window


def refusals(problem: Problem, plan: Plan, visit: Visit) -> Mapping[str, Violation]:
    """Why a visit does not fit: by shift without a place for it, the first rule that stops it.

    Rules that know no clock come first, then the arrival window (it would fit at another time), the end of
    the shift (it would fit if that were later), the longest drive, and at last the lack of any gap. For a
    crew these are asked of each technician alone, and then whether there are enough at once.
    """
    require_plannable(problem, visit)
    return refusals_on(Board(knowing(problem, visit), plan, without=visit.id), visit)


def refusals_on(board: Board, visit: Visit) -> Mapping[str, Violation]:
    """`refusals` of a visit that is on no route of the board."""
    problem, free = board.problem, board.free_of_links(visit)
    stopped: dict[str, Violation] = {}
    for row, shift in enumerate(problem.shifts):
        found = (
            refusal(visit, shift, problem.restock)
            or overload(visit, shift, board.visits(row), problem.restock)
            or (_refused(visit, shift, "order", ORDER_TEXT) if free is None else None)
            or (refusal(free, shift, problem.restock) if free else None)
            or (clock_refusal(board.kernel, free, row) if free else None)
        )
        if found is not None:
            stopped[shift.id] = found
    if visit.crew > 1 and free is not None and next(board.teams(visit, free), None) is None:
        text = f"No {visit.crew} technicians could start together."
        for shift in problem.shifts:
            stopped.setdefault(shift.id, _refused(visit, shift, "crew", text, need=visit.crew))
    return stopped


ORDER_TEXT = "A visit that it comes after is not planned, or the lags leave no time."


def _refused(visit: Visit, shift: Shift, rule: str, text: str, **numbers: int | str) -> Violation:
    return Violation(rule=rule, visit=visit.id, shift=shift.id, text=text, numbers=numbers)
