"""Visits that hang together: crews that start together, order with lags, the same technician.

Where such a visit is served is no matter of one route. Planned ones are held at their start, so that every
route can be timed and changed alone; the start of a new one is looked for in what the routes leave open, all
routes at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scheduler.model import Pin, Plan, Problem, Route, Stop, Unassigned, Visit, Window
from scheduler.timeline import start_windows
from scheduler.validation import TIME_LIMIT_S

COPY = "\x1f"
"""Separates the id of a visit from the number of its copy, one for each technician of its crew."""


def is_linked(visit: Visit) -> bool:
    """Whether the visit needs several technicians or refers to another visit."""
    return visit.crew > 1 or bool(visit.after)


def linked_ids(problem: Problem) -> frozenset[str]:
    """The visits of crews, and those on either side of an order."""
    linked = {visit.id for visit in problem.visits if is_linked(visit)}
    return frozenset(linked | {after.visit for visit in problem.visits for after in visit.after})


def chains(problem: Problem) -> list[tuple[Visit, ...]]:
    """The linked visits, those that refer to each other together, each after those that it comes after."""
    linked = linked_ids(problem)
    group = {visit_id: visit_id for visit_id in linked}

    def root(visit_id: str) -> str:
        while group[visit_id] != visit_id:
            visit_id = group[visit_id]
        return visit_id

    for visit in problem.visits:
        for after in visit.after:
            group[root(after.visit)] = root(visit.id)
    together: dict[str, list[Visit]] = defaultdict(list)
    for visit in problem.visits:
        if visit.id in linked:
            together[root(visit.id)].append(visit)
    return [_in_order(visits) for visits in together.values()]


def _in_order(visits: Sequence[Visit]) -> tuple[Visit, ...]:
    """Each visit after those that it comes after; those of a circle at the end."""
    ordered: dict[str, Visit] = {}
    waiting = list(visits)
    while waiting:
        ready = [visit for visit in waiting if all(after.visit in ordered for after in visit.after)]
        ordered |= {visit.id: visit for visit in ready or waiting}
        waiting = [visit for visit in waiting if visit.id not in ordered]
    return tuple(ordered.values())


@dataclass(frozen=True, slots=True)
class Served:
    """When the work at a visit starts and ends (seconds), and by whom."""

    start_s: int
    end_s: int
    technicians: frozenset[str]


def served_of(problem: Problem, routes: Iterable[Route], without: str | None = None) -> dict[str, Served]:
    """The visits of these routes by id; ids that the problem does not have are left out."""
    found: dict[str, Served] = {}
    for route in routes:
        for stop in route.stops:
            if stop.visit in problem.visit_by_id and stop.visit != without and stop.visit is not None:
                who = frozenset({problem.shift_by_id[route.shift].technician})
                before = found.get(stop.visit)
                people = who if before is None else before.technicians | who
                found[stop.visit] = Served(stop.start_s, stop.departure_s, people)
    return found


def alone(problem: Problem, visit: Visit, served: Mapping[str, Served]) -> Visit | None:
    """The visit as one technician sees it: its windows and technicians as the visits that are served allow.

    ``None`` when they leave nothing: a visit that it comes after is not served, or the lags contradict.
    """
    span = _Span(visit)
    for after in visit.after:
        before = served.get(after.visit)
        if before is None:
            return None
        latest = None if after.max_lag_s is None else before.end_s + after.max_lag_s
        span.narrow(before.end_s + after.min_lag_s, latest)
        span.share(before.technicians if after.same_technician else None)
    for later in problem.visits:
        for after in later.after:
            if after.visit == visit.id and later.id in served:
                start = served[later.id].start_s - visit.service_s
                earliest = None if after.max_lag_s is None else start - after.max_lag_s
                span.narrow(earliest, start - after.min_lag_s)
                span.share(served[later.id].technicians if after.same_technician else None)
    return span.visit()


def companions(problem: Problem, visit: Visit, served: Mapping[str, Served]) -> frozenset[str] | None:
    """Technicians of whom one has to be in the crew of a visit; ``None`` when anybody may."""
    asked = [served[after.visit].technicians for after in visit.after if after.same_technician]
    for later in problem.visits:
        same = any(after.visit == visit.id and after.same_technician for after in later.after)
        if same and later.id in served:
            asked.append(served[later.id].technicians)
    return frozenset.intersection(*asked) if asked else None


def knowing(problem: Problem, visit: Visit) -> Problem:
    """The problem with this visit in it, where others hang on it or it on them: they are held then."""
    if not visit.after or problem.visit_by_id.get(visit.id) == visit:
        return problem
    others = (other for other in problem.visits if other.id != visit.id)
    return replace(problem, visits=(*others, visit))


class _Span:
    """Bounds of a start, and who may come."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._low: int | None = None
        self._high: int | None = None
        self._people = visit.technicians

    def narrow(self, low: int | None, high: int | None) -> None:
        if low is not None:
            self._low = low if self._low is None else max(self._low, low)
        if high is not None:
            self._high = high if self._high is None else min(self._high, high)

    def share(self, people: frozenset[str] | None) -> None:
        """For a crew one of them is enough, which only the whole crew can be asked for."""
        if people is not None and self._visit.crew == 1:
            self._people = people if self._people is None else self._people & people

    def visit(self) -> Visit | None:
        plain = (self._low, self._high) == (None, None)
        if plain and not is_linked(self._visit):
            return self._visit
        windows = tuple(self._cut(window) for window in start_windows(self._visit))
        windows = tuple((start, end) for start, end in windows if start <= end)
        if not windows or self._people == frozenset():
            return None
        return replace(
            self._visit,
            windows=self._visit.windows if plain else windows,
            technicians=self._people,
            crew=1,
            after=(),
        )

    def _cut(self, window: Window) -> Window:
        low = -TIME_LIMIT_S if self._low is None else self._low
        high = TIME_LIMIT_S if self._high is None else self._high
        return max(window[0], low), min(window[1], high)


def hold(visit: Visit, shift_id: str | None, start_s: int) -> Visit:
    """The visit where it is planned, as if nothing hung on it."""
    return replace(visit, crew=1, after=(), pinned=Pin(shift=shift_id, start_s=start_s))


def held_routes(problem: Problem, routes: Iterable[Route], without: str | None = None) -> list[list[Visit]]:
    """The visits of each shift of the problem in order, leaving one out; linked ones held at their start."""
    linked = linked_ids(problem)
    by_shift = {route.shift: route for route in routes}

    def seen(stop: Stop, shift_id: str) -> Visit:
        visit = problem.visit_by_id[stop.visit or ""]
        return hold(visit, shift_id, stop.start_s) if visit.id in linked else visit

    return [
        [
            seen(stop, shift.id)
            for stop in (by_shift[shift.id].stops if shift.id in by_shift else ())
            if stop.visit is not None and stop.visit != without
        ]
        for shift in problem.shifts
    ]


def pinned_apart(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """The problem and the plan without links: planned linked visits are pinned, unplanned ones are left out.

    A visit of a crew becomes one for each of its technicians. `joined` leads back.
    """
    linked = linked_ids(problem)
    visits = [visit for visit in problem.visits if visit.id not in linked]
    routes = []
    for route in plan.routes:
        stops = []
        for stop in route.stops:
            if stop.visit in linked:
                visit = problem.visit_by_id[stop.visit]
                held = replace(hold(visit, route.shift, stop.start_s), id=f"{visit.id}{COPY}{len(visits)}")
                visits.append(held)
                stop = replace(stop, visit=held.id)
            stops.append(stop)
        routes.append(replace(route, stops=tuple(stops)))
    return replace(problem, visits=tuple(visits)), replace(plan, routes=tuple(routes), unassigned=(), cost={})


def joined(problem: Problem, plan: Plan) -> Plan:
    """The plan for the problem that was taken apart by `pinned_apart`."""

    def back(stop: Stop) -> Stop:
        return stop if stop.visit is None else replace(stop, visit=stop.visit.split(COPY)[0])

    routes = tuple(replace(route, stops=tuple(map(back, route.stops))) for route in plan.routes)
    served = {visit_id for route in routes for visit_id in route.visit_ids}
    left = tuple(Unassigned(visit=visit.id) for visit in problem.visits if visit.id not in served)
    return Plan(routes=routes, unassigned=left)
