"""Making room for a visit by moving others: never out of their windows, never off the plan.

First chains of moves (`scheduler.ejection`), which take a tenth of a second for a day and every window of it;
then, where a search may run, a search on the whole day for the windows that are still without a place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from scheduler.admission import refusal, refuse_unsupported, unsupported
from scheduler.costs import evaluate, route_cost, route_parts
from scheduler.ejection import Ejections, Step
from scheduler.insertion import Board, Place, require_plannable
from scheduler.limits import Limit
from scheduler.model import Plan, Problem, Route, Visit, Window
from scheduler.rules import check
from scheduler.timeline import schedule_visits
from scheduler.validation import TIME_LIMIT_S

Orders = Mapping[str, Sequence[str]]
Rearrange = Callable[[Problem, Orders, float, int], Iterator[Orders]]
"""Called with a problem, orders, seconds and a seed; yields orders that serve all of these and maybe more."""
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


def repair(
    problem: Problem,
    plan: Plan,
    visit: Visit,
    windows: Sequence[Window],
    *,
    seconds: float,
    rearrange: Rearrange | None = None,
    seed: int = 1,
) -> list[RepairedPlace | None]:
    """Make room for a visit in each of these windows, one at a time.

    Parameters
    ----------
    problem, plan
        Every visit on the plan keeps a place inside its windows; a pinned one keeps its route. What the plan
        leaves out is not looked at.
    visit
        Need not be in the problem; its own windows are not looked at. It is taken out of the plan.
    seconds
        For all windows together.
    rearrange
        Looks for better routes where chains of moves do not suffice; nothing more is done without it.
    seed
        Of its random choices.

    Returns
    -------
    list of RepairedPlace or None
        By window a place and what moves for it; ``None`` where no room was found. A window in which the
        visit fits as it is has a place that moves nothing.

    Raises
    ------
    ValueError
        When the visit's references are wrong, or it or the problem uses crews or order between visits.
    """
    limit = Limit(seconds=seconds, iterations=None, should_stop=None)
    _require_single(problem, visit)
    if all(refusal(visit, shift, problem.restock) for shift in problem.shifts):
        return [None] * len(windows)  # nobody may serve it, whoever moves
    scene = _Scene(problem, plan, visit)
    found = [scene.direct(window) for window in windows]
    if problem.restock is None and None in found:
        scene.chains(windows, found, limit)
    if rearrange is not None and None in found:
        _Search(scene, rearrange, limit, seed).run(windows, found)
    return found


def _require_single(problem: Problem, visit: Visit) -> None:
    """Refuse crews and order between visits: chains move one visit at a time."""
    refuse_unsupported(problem)
    if faults := list(unsupported(visit)):
        raise ValueError("\n".join(f"visit.{fault}" for fault in faults))
    require_plannable(problem, visit)


def rooms(
    problem: Problem,
    plan: Plan,
    visit: Visit,
    places: Iterable[Place],
    *,
    seconds: float,
    rearrange: Rearrange | None = None,
) -> list[RepairedPlace]:
    """`repair` for those windows of a visit that have none of the `places`."""
    has_place = {place.window for place in places}
    windows = visit.windows or ((-TIME_LIMIT_S, TIME_LIMIT_S),)
    missing = [number for number in range(len(windows)) if number not in has_place]
    if not missing:
        return []
    asked = [windows[number] for number in missing]
    found = repair(problem, plan, visit, asked, seconds=seconds, rearrange=rearrange)
    answers = zip(missing, found, strict=True)
    return [replace(place, window=number) for number, place in answers if place is not None]


def adopted(problem: Problem, plan: Plan, place: RepairedPlace) -> Plan:
    """The plan with the visit and all that moves for it; of a problem with the visit, with its cost.

    Raises
    ------
    ValueError
        When the changed routes do not serve just what they served, and the visit, or break a rule.
    """
    changed = {route.shift: route for route in place.routes}
    before = [name for route in plan.routes if route.shift in changed for name in route.visit_ids]
    after = [name for route in place.routes for name in route.visit_ids]
    new = set(after) - set(before)
    if len(new) > 1 or sorted([*before, *new]) != sorted(after):
        raise ValueError("place: the routes serve others now")
    kept = [changed.pop(route.shift, route) for route in plan.routes]
    left = tuple(each for each in plan.unassigned if each.visit not in new)
    result = replace(plan, routes=(*kept, *changed.values()), unassigned=left, cost={})
    if not new <= problem.visit_by_id.keys():
        return result
    if violations := check(problem, result):
        raise ValueError(f"place: {violations[0].text}")
    return replace(result, cost=evaluate(problem, result))


class _Scene:
    """A plan without the visit, and what others say of it."""

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
        self._starts = {
            stop.visit: (name, stop.start_s)
            for name, route in self.timed.items()
            for stop in route.stops
            if stop.visit is not None
        }

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
        if len(self.timed) < len(self.routes):
            return  # a route that is late in itself
        ejections = Ejections(self.problem, self.routes)
        for number, window in enumerate(windows):
            if found[number] is None and not limit.reached():
                seconds = limit.left_s() / (2 * (len(windows) - number))
                found[number] = self._chain(
                    ejections, window, Limit(seconds=seconds, iterations=None, should_stop=None)
                )

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
            moves=tuple(self._moves(routes)),
            routes=tuple(routes),
        )

    def _driven(self, routes: Iterable[Route], asked: Visit) -> int:
        return sum(route_parts(self.problem, each, asked).get("travel_s", 0) for each in routes)

    def _moves(self, routes: Iterable[Route]) -> Iterator[Move]:
        for route in routes:
            for stop in route.stops:
                before = self._starts.get(stop.visit or "")
                if before is not None and stop.visit and before != (route.shift, stop.start_s):
                    yield Move(
                        visit=stop.visit,
                        from_shift=before[0],
                        from_start_s=before[1],
                        to_shift=route.shift,
                        to_start_s=stop.start_s,
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

    def __init__(self, scene: _Scene, rearrange: Rearrange, limit: Limit, seed: int) -> None:
        self._scene, self._rearrange, self._limit, self._seed = scene, rearrange, limit, seed

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
