"""Making room where visits hang together (crews, order): those on the plan stay, held at their start.

Once they are held, nothing hangs on anything (`scheduler.links.pinned_apart`), and `scheduler.room` does the
rest. A crew gets room one technician after the other, all at one start.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from scheduler.costs import route_cost, route_parts
from scheduler.insertion import Board, Place, without_visit
from scheduler.limits import Limit
from scheduler.links import COPY, alone, companions, knowing, pinned_apart, served_of
from scheduler.model import Pin, Plan, Problem, Route, Visit, Window
from scheduler.room import Effort, RepairedPlace, Scene, make_room, moves_on
from scheduler.rules import check
from scheduler.teams import Team, teams
from scheduler.timeline import schedule_visits

STARTS = 7
"""Starts that are tried for a crew in each window, evenly apart."""


def room_beside_links(
    problem: Problem, plan: Plan, visit: Visit, windows: Sequence[Window], effort: Effort
) -> list[RepairedPlace | None]:
    """Room for a visit in each of these windows; see `scheduler.repair.repair`."""
    problem = knowing(problem, visit)
    rest = without_visit(problem, plan, visit.id)
    served = served_of(problem, rest.routes)
    spans = {}
    for number, window in enumerate(windows):
        free = alone(problem, replace(visit, windows=(window,)), served)
        if free is not None:
            spans[number] = free
    found: list[RepairedPlace | None] = [None] * len(windows)
    if spans and problem.shifts:
        apart, held = pinned_apart(problem, rest)
        if visit.crew > 1:
            crews = _Crews(apart, held, companions(problem, visit, served), effort)
            rooms = [
                crews.room(free, visit.crew, len(spans) - done) for done, free in enumerate(spans.values())
            ]
        else:
            single = replace(next(iter(spans.values())), windows=())
            rooms = make_room(apart, held, single, [free.windows[0] for free in spans.values()], effort)
        for number, room in zip(spans, rooms, strict=True):
            found[number] = None if room is None else _joined(room)
    return found


def _joined(room: RepairedPlace) -> RepairedPlace:
    """The place with the names that visits had before they were taken apart."""
    routes = [
        replace(
            route,
            stops=tuple(
                stop if stop.visit is None else replace(stop, visit=stop.visit.split(COPY)[0])
                for stop in route.stops
            ),
        )
        for route in room.routes
    ]
    return replace(room, routes=tuple(routes))


class _Crews:
    """Looks for technicians who can start together once others have moved.

    Parameters
    ----------
    problem, plan
        No visit hangs on another.
    among
        One of these has to be in the crew; ``None`` when anybody may.
    effort
        Its search is not asked.
    """

    def __init__(self, problem: Problem, plan: Plan, among: frozenset[str] | None, effort: Effort) -> None:
        self._problem, self._plan, self._among = problem, plan, among
        self._limit = effort.limit

    def room(self, free: Visit, size: int, windows_left: int) -> RepairedPlace | None:
        """Room in the window of a visit, within a fair share of the time for so many windows."""
        board = Board(self._problem, self._plan)
        team = next(teams(board.kernel, free, board.admitting(free), size, self._among), None)
        if team is not None:
            return self._direct(board, free, team)
        share = Limit(seconds=self._limit.left_s() / windows_left, iterations=None, should_stop=None)
        for start_s, first in self._begun(free, share):
            found = self._completed(free, size, start_s, first, share)
            if found is not None or share.reached():
                return found
        return None

    def _direct(self, board: Board, free: Visit, team: Team) -> RepairedPlace | None:
        """The place of a team that is free as it is."""
        members, routes = [], []
        for number, (row, position) in enumerate(team.spots):
            shift, visits = self._problem.shifts[row], board.visits(row)
            member = _member(free, number, team.start_s, shift.id)
            members.append(member)
            order = (*visits[:position], member, *visits[position:])
            routes.append(schedule_visits(self._problem, shift, order))
        return self._described(members, [route for route in routes if route is not None])

    def _begun(self, free: Visit, limit: Limit) -> Iterator[tuple[int, RepairedPlace]]:
        """Starts at which there is room for one technician of the crew, and where."""
        first = _member(free, 0, None, None)
        if self._among is not None:
            people = self._among if free.technicians is None else self._among & free.technicians
            first = replace(first, technicians=people)
        window = self._within(free.windows[0])
        seconds = sorted({window[0] + (window[1] - window[0]) * n // (STARTS - 1) for n in range(STARTS)})
        asked = [window, *((start_s, start_s) for start_s in seconds)]
        found = make_room(self._problem, self._plan, first, asked, Effort(limit))
        tried: set[int] = set()
        for place in found:
            if place is not None and place.start_s not in tried:
                tried.add(place.start_s)
                yield place.start_s, place

    def _within(self, window: Window) -> Window:
        """The part of a window in which anybody works."""
        shifts = self._problem.shifts
        begin, end = min(shift.begin_s for shift in shifts), max(shift.limit_s for shift in shifts)
        return min(max(window[0], begin), window[1]), max(min(window[1], end), window[0])

    def _completed(
        self, free: Visit, size: int, start_s: int, place: RepairedPlace, limit: Limit
    ) -> RepairedPlace | None:
        """The place of the whole crew at this start, the first technician of which has room there."""
        members: list[Visit] = []
        problem, plan, people = self._problem, self._plan, free.not_technicians
        found: RepairedPlace | None = place
        while found is not None:
            members.append(_member(free, len(members), start_s, found.shift))
            people = people | {found.technician}
            problem = replace(problem, visits=(*problem.visits, members[-1]))
            plan = _with_routes(plan, found.routes)
            if len(members) == size:
                return self._described(members, self._changed(plan))
            wanted = replace(_member(free, len(members), start_s, None), not_technicians=people)
            (found,) = make_room(problem, plan, wanted, [(start_s, start_s)], Effort(limit))
        return None

    def _changed(self, plan: Plan) -> list[Route]:
        """The routes that are not what they were."""
        return [route for route in plan.routes if route != self._plan.route_of(route.shift)]

    def _described(self, members: Sequence[Visit], routes: Sequence[Route]) -> RepairedPlace | None:
        scene = Scene(self._problem, self._plan, members[0])
        problem = replace(scene.problem, visits=(*scene.problem.visits, *members))
        before = {route.shift: scene.timed.get(route.shift) for route in routes}
        if None in before.values() or check(problem, Plan(routes=tuple(routes))):
            return None
        old = [route for route in before.values() if route is not None]
        first, *others = (_place(problem, routes, member) for member in members)
        return RepairedPlace(
            shift=first.shift,
            technician=first.technician,
            position=first.position,
            window=0,
            arrival_s=first.arrival_s,
            start_s=first.start_s,
            departure_s=first.departure_s,
            added_cost=sum(route_cost(problem, each) for each in routes)
            - sum(route_cost(problem, each) for each in old),
            added_travel_s=_driven(problem, routes) - _driven(problem, old),
            together=tuple(others),
            moves=tuple(moves_on(scene.starts, routes)),
            routes=tuple(routes),
        )


def _member(free: Visit, number: int, start_s: int | None, shift: str | None) -> Visit:
    """The visit as one technician of the crew sees it."""
    pin = free.pinned if start_s is None else Pin(shift=shift, start_s=start_s)
    windows = free.windows if start_s is None else ()
    return replace(free, id=f"{free.id}{COPY}crew{number}", crew=1, after=(), windows=windows, pinned=pin)


def _with_routes(plan: Plan, routes: Sequence[Route]) -> Plan:
    changed: Mapping[str, Route] = {route.shift: route for route in routes}
    others = [route for route in plan.routes if route.shift not in changed]
    return replace(plan, routes=(*others, *routes), unassigned=(), cost={})


def _place(problem: Problem, routes: Sequence[Route], member: Visit) -> Place:
    """Where one of the crew is; what it adds is told of all together."""
    route, stop = next((route, stop) for route in routes for stop in route.stops if stop.visit == member.id)
    return Place(
        shift=route.shift,
        technician=problem.shift_by_id[route.shift].technician,
        position=route.visit_ids.index(member.id),
        window=0,
        arrival_s=stop.arrival_s,
        start_s=stop.start_s,
        departure_s=stop.departure_s,
        added_cost=0,
        added_travel_s=0,
    )


def _driven(problem: Problem, routes: Sequence[Route]) -> int:
    return sum(route_parts(problem, route).get("travel_s", 0) for route in routes)
