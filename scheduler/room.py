"""Making room for a visit by moving others, where none of them hangs on another.

First chains of moves (`scheduler.ejection`), which take a tenth of a second for a day and every window of it;
then, where a search may run, a search on the whole day for the windows that are still without a place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from scheduler.admission import refusal
from scheduler.costs import route_cost, route_parts
from scheduler.ejection import Ejections, Step
from scheduler.insertion import Board, Place
from scheduler.limits import Limit
from scheduler.model import Plan, Problem, Route, Visit, Window
from scheduler.restocking import first_lacking
from scheduler.rules import check
from scheduler.timeline import schedule_visits

Orders = Mapping[str, Sequence[str]]
Rearrange = Callable[[Problem, Orders, float, int], Iterator[Orders]]
"""Called with a problem, orders, seconds and a seed; yields orders that serve all of these and maybe more."""
Starts = Mapping[str, tuple[str, int]]
"""Shift and start (seconds) of each visit."""
CHAINS = 12
"""Chains that are timed for a window before it is given up."""
FINISH_S = 0.05
"""Seconds that are kept for judging the last find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A visit that makes room: who served it when, and who serves it when now (seconds)."""

    visit: str
    from_shift: str
    from_start_s: int
    to_shift: str
    to_start_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedPlace(Place):
    """A place that exists once others have moved.

    Parameters
    ----------
    moves
        Every visit that changes its technician or its start.
    routes
        All routes that change, the one with the new visit among them.

    Notes
    -----
    `position` is that on the changed route; `added_cost` and `added_travel_s` are those of all routes.
    """

    moves: tuple[Move, ...]
    routes: tuple[Route, ...]


class Effort(NamedTuple):
    """How long, with which search and with which seed room is looked for."""

    limit: Limit
    rearrange: Rearrange | None = None
    seed: int = 1


def make_room(
    problem: Problem, plan: Plan, visit: Visit, windows: Sequence[Window], effort: Effort
) -> list[RepairedPlace | None]:
    """Room for a visit in each of these windows, one at a time; see `scheduler.repair.repair`."""
    if all(refusal(visit, shift, problem.restock) for shift in problem.shifts):
        return [None] * len(windows)  # nobody may serve it, whoever moves
    scene = Scene(problem, plan, visit)
    found = [scene.direct(window) for window in windows]
    if None in found:
        scene.chains(windows, found, effort.limit)
    if effort.rearrange is not None and None in found:
        _Search(scene, effort.rearrange, effort).run(windows, found)
    return found


class Scene:
    """A plan without a visit, and where others would let it in.

    Parameters
    ----------
    problem, plan
        No visit hangs on another.
    visit
        Is looked at in one window at a time.
    """

    def __init__(self, problem: Problem, plan: Plan, visit: Visit) -> None:
        self.visit = visit
        board = Board(problem, plan, without=visit.id)
        self.routes = {shift.id: board.visits(row) for row, shift in enumerate(problem.shifts)}
        self.visits = {each.id: each for order in self.routes.values() for each in order}
        self.problem = replace(problem, visits=tuple(self.visits.values()))
        self.board = board
        timed = {
            shift.id: schedule_visits(self.problem, shift, self.routes[shift.id]) for shift in problem.shifts
        }
        self.timed = {name: route for name, route in timed.items() if route is not None}
        self.starts = starts_on(self.timed.values())

    def asked(self, window: Window) -> Visit:
        """The visit with one window."""
        return replace(self.visit, windows=(window,))

    def direct(self, window: Window) -> RepairedPlace | None:
        """The cheapest place that needs no move."""
        asked = self.asked(window)
        found = self.board.cheapest(asked, tries=4)
        if found is None:
            return None
        order = list(self.routes[found.shift])
        order.insert(found.position, asked)
        return self.placed(window, {found.shift: order})

    def chains(self, windows: Sequence[Window], found: list[RepairedPlace | None], limit: Limit) -> None:
        """Fill in the windows that a chain of moves makes room in."""
        problem = self._loose()
        if not problem.shifts:
            return
        ejections = Ejections(problem, {shift.id: self.routes[shift.id] for shift in problem.shifts})
        for number, window in enumerate(windows):
            if found[number] is None and not limit.reached():
                seconds = limit.left_s() / (2 * (len(windows) - number))
                found[number] = self._chain(
                    ejections, window, Limit(seconds=seconds, iterations=None, should_stop=None)
                )

    def _loose(self) -> Problem:
        """The shifts whose visits may move: those in time that need not restock, which no chain knows of."""
        shifts = [
            shift
            for shift in self.problem.shifts
            if shift.id in self.timed
            and (self.problem.restock is None or first_lacking(shift, self.routes[shift.id]) is None)
        ]
        visits = [visit for shift in shifts for visit in self.routes[shift.id]]
        return replace(self.problem, shifts=tuple(shifts), visits=tuple(visits), restock=None)

    def _chain(self, ejections: Ejections, window: Window, limit: Limit) -> RepairedPlace | None:
        asked = self.asked(window)
        for tried, steps in enumerate(ejections.chains(asked, window, limit)):
            place = self.placed(window, _orders(ejections, steps, asked))
            if place is not None or tried >= CHAINS:
                return place
        for order in ejections.turns(asked, window, limit):
            place = self.placed(window, order)
            if place is not None:
                return place
        return None

    def placed(self, window: Window, orders: Mapping[str, Sequence[Visit]]) -> RepairedPlace | None:
        """The place that these orders of some shifts make; ``None`` when that breaks a rule."""
        asked, routes = self.asked(window), []
        for name, order in orders.items():
            shift = self.problem.shift_by_id[name]
            route = schedule_visits(self.problem, shift, order) if name in self.timed else None
            if route is None:
                return None
            routes.append(route)
        judged = replace(self.problem, visits=(*self.problem.visits, asked))
        return None if check(judged, Plan(routes=tuple(routes))) else self._described(asked, routes)

    def _described(self, asked: Visit, routes: Sequence[Route]) -> RepairedPlace:
        route, stop = next(
            (route, stop) for route in routes for stop in route.stops if stop.visit == asked.id
        )
        before = [self.timed[route.shift] for route in routes]
        return RepairedPlace(
            shift=route.shift,
            technician=self.problem.shift_by_id[route.shift].technician,
            position=route.visit_ids.index(asked.id),
            window=0,
            arrival_s=stop.arrival_s,
            start_s=stop.start_s,
            departure_s=stop.departure_s,
            added_cost=sum(route_cost(self.problem, each, asked) for each in routes)
            - sum(route_cost(self.problem, each) for each in before),
            added_travel_s=self._driven(routes, asked) - self._driven(before, asked),
            moves=tuple(moves_on(self.starts, routes)),
            routes=tuple(routes),
        )

    def _driven(self, routes: Iterable[Route], asked: Visit) -> int:
        return sum(route_parts(self.problem, each, asked).get("travel_s", 0) for each in routes)


def starts_on(routes: Iterable[Route]) -> dict[str, tuple[str, int]]:
    """Shift and start of each visit of some routes."""
    return {
        stop.visit: (route.shift, stop.start_s)
        for route in routes
        for stop in route.stops
        if stop.visit is not None
    }


def moves_on(before: Starts, routes: Iterable[Route]) -> Iterator[Move]:
    """The visits of some routes that were elsewhere, or at another time, before."""
    for name, (shift, start_s) in starts_on(routes).items():
        if name in before and before[name] != (shift, start_s):
            old_shift, old_start_s = before[name]
            yield Move(
                visit=name,
                from_shift=old_shift,
                from_start_s=old_start_s,
                to_shift=shift,
                to_start_s=start_s,
            )


def _orders(ejections: Ejections, steps: Sequence[Step], asked: Visit) -> dict[str, list[Visit]]:
    """The routes after a chain."""
    orders = {}
    for step in steps:
        variant = ejections.variants[step.variant]
        order = ejections.rest(variant)
        order.insert(step.position, asked if step.visit < 0 else ejections.visits[step.visit])
        orders[ejections.problem.shifts[variant.shift].id] = order
    return orders


class _Search:
    """Asks a search for what chains could not do: first for all windows at once, then for each alone."""

    def __init__(self, scene: Scene, rearrange: Rearrange, effort: Effort) -> None:
        self._scene, self._rearrange = scene, rearrange
        self._limit, self._seed = effort.limit, effort.seed

    def run(self, windows: Sequence[Window], found: list[RepairedPlace | None]) -> None:
        """Fill in the windows that the search makes room in."""
        missing = [number for number, place in enumerate(found) if place is None]
        if len(missing) > 1:
            self._together(windows, missing, found, self._left_s() / 2)
            missing = [number for number in missing if found[number] is None]
        for turn, number in enumerate(missing):
            self._together(windows, [number], found, self._left_s() / (len(missing) - turn))

    def _left_s(self) -> float:
        return self._limit.left_s() - FINISH_S

    def _together(
        self,
        windows: Sequence[Window],
        missing: Sequence[int],
        found: list[RepairedPlace | None],
        seconds: float,
    ) -> None:
        """Search with a copy of the visit for each of these windows; each that is served is an answer."""
        if seconds <= 0 or not missing:
            return
        scene = self._scene
        copies = {f"{scene.visit.id}@{number}": number for number in missing}
        visits = tuple(
            replace(scene.visit, id=name, windows=(windows[number],), promised=False)
            for name, number in copies.items()
        )
        problem = replace(scene.problem, visits=(*scene.problem.visits, *visits))
        begin = {name: [visit.id for visit in order] for name, order in scene.routes.items()}
        for orders in self._rearrange(problem, begin, seconds, self._seed):
            self._take(orders, copies, windows, found)
            if all(found[number] is not None for number in missing):
                return

    def _take(
        self,
        orders: Orders,
        copies: Mapping[str, int],
        windows: Sequence[Window],
        found: list[RepairedPlace | None],
    ) -> None:
        served = {name for order in orders.values() for name in order}
        if not self._scene.visits.keys() <= served:
            return
        for name, number in copies.items():
            if name in served and found[number] is None:
                asked = self._scene.asked(windows[number])
                after = {
                    shift: [
                        asked if each == name else self._scene.visits[each]
                        for each in order
                        if each == name or each not in copies
                    ]
                    for shift, order in orders.items()
                }
                found[number] = self._scene.placed(windows[number], self._needed(after, asked.id))

    def _needed(self, after: Mapping[str, Sequence[Visit]], wanted: str) -> dict[str, Sequence[Visit]]:
        """The routes that exchange visits with that of the new one, and it; what else changed is left."""
        before = {name: {visit.id for visit in order} for name, order in self._scene.routes.items()}
        now = {name: {visit.id for visit in order} for name, order in after.items()}
        needed = {name for name, ids in now.items() if wanted in ids}
        while True:
            ids = {each for name in needed for each in before[name] | now.get(name, set())}
            joined = {name for name in before if (before[name] | now.get(name, set())) & ids}
            if joined == needed:
                return {name: after.get(name, ()) for name in needed}
            needed = joined
