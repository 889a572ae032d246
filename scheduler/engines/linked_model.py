"""A few routes with visits that hang together, as a model for CP-SAT.

One start for each visit, whoever serves it: that is what lets a crew begin together and lags be bounds
between two numbers. Each shift has a circuit through the visits it serves. Visits that are not free keep
their shift and their order; their times move. Breaks are taken before leaving a stop or after arriving.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from scheduler.admission import refusal
from scheduler.model import Break, Problem, Shift, Visit
from scheduler.timeline import break_span, leaves_late, start_windows

SCALE = 10
"""Units of cost for each second."""
DEPOT = -1

Literal = cp_model.IntVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a plan.

    Parameters
    ----------
    problem
        The whole problem.
    shifts
        The shifts of the part.
    orders
        For each of them its visits in order, as they are now; those that hang on others and are not free are
        held at their start (see `scheduler.links.hold`).
    starts
        When the visits of these start now (seconds).
    free
        Visits that may go to other shifts or be left out, the absent ones among them. With a visit all that
        hang together with it are free.
    penalties
        What it costs to leave out each of the free visits (units).
    """

    problem: Problem
    shifts: Sequence[Shift]
    orders: Sequence[Sequence[Visit]]
    starts: Mapping[str, int]
    free: Sequence[Visit]
    penalties: Mapping[str, int]


@dataclass(slots=True)
class _Route:
    """The variables of one shift."""

    shift: Shift
    visits: list[Visit]
    empty: Literal
    on: dict[str, Literal] = field(default_factory=dict)
    ready: dict[str, Literal] = field(default_factory=dict)  # when the van can leave a visit
    reached: dict[str, Literal] = field(default_factory=dict)  # when it is there
    arcs: dict[tuple[str | None, str | None], Literal] = field(default_factory=dict)


class LinkedModel:
    """The model of a part; `orders` and `starts` are what it found."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.model = cp_model.CpModel()
        self.cost: list[tuple[Literal, int]] = []
        self.low = min(shift.begin_s for shift in part.shifts)
        self.high = max(shift.limit_s for shift in part.shifts)
        self.free = {visit.id for visit in part.free}
        self.start: dict[str, Literal] = {}
        self.served: dict[str, Literal] = {}
        self.routes = [
            self._route(shift, order) for shift, order in zip(part.shifts, part.orders, strict=True)
        ]
        for visit in part.free:
            self._serve(visit)
        for visit in part.free:
            self._order(visit)
        self.model.minimize(sum(variable * amount for variable, amount in self.cost))

    def _time(self) -> Literal:
        return self.model.new_int_var(self.low, self.high, "")

    def _start_of(self, visit: Visit) -> Literal:
        if visit.id not in self.start:
            windows = [(max(start, self.low), min(end, self.high)) for start, end in start_windows(visit)]
            windows = [(start, end) for start, end in windows if start <= end]
            if not windows and visit.id in self.free:
                windows = [(self.low, self.high)]  # it is left out, for nobody may serve it: see `_may_serve`
            domain = cp_model.Domain.from_intervals([list(window) for window in windows])
            self.start[visit.id] = variable = self.model.new_int_var_from_domain(domain, "")
            if visit.id in self.part.starts:
                self.model.add_hint(variable, self.part.starts[visit.id])
        return self.start[visit.id]

    def _may_serve(self, visit: Visit, shift: Shift) -> bool:
        fits = any(start <= shift.limit_s and end >= shift.begin_s for start, end in start_windows(visit))
        return fits and refusal(visit, shift, self.part.problem.restock) is None

    def _route(self, shift: Shift, order: Sequence[Visit]) -> _Route:
        fixed = [visit for visit in order if visit.id not in self.free]
        able = [visit for visit in self.part.free if self._may_serve(visit, shift)]
        route = _Route(shift, [*fixed, *able], self.model.new_bool_var(""))
        now = {visit.id for visit in order}
        for visit in route.visits:
            on = self.model.new_bool_var("")
            if visit.id in self.free:
                self.model.add_hint(on, visit.id in now)
                missed = _missed(visit, shift)
                self.cost += [(on, missed * SCALE)] if missed else []
            else:
                self.model.add(on == 1)
            route.on[visit.id] = on
            self.model.add_implication(on, ~route.empty)
            start = self._start_of(visit)
            route.ready[visit.id], route.reached[visit.id] = self._time(), self._time()
            self.model.add(route.reached[visit.id] <= start).only_enforce_if(on)
            self.model.add(route.ready[visit.id] >= start + visit.service_s).only_enforce_if(on)
        self._drive(route, fixed, [visit.id for visit in order])
        self._limit(route)
        return route

    def _drive(self, route: _Route, fixed: Sequence[Visit], now: Sequence[str]) -> None:
        """The circuit, its times and its cost."""
        shift, model = route.shift, self.model
        leave, left, end = self._time(), self._time(), self._time()
        model.add(leave >= shift.begin_s)
        if not leaves_late(self.part.problem, shift):
            model.add(leave == shift.begin_s)
        model.add(left >= leave)
        model.add(end >= leave)
        model.add(end <= shift.limit_s)
        number = {visit.id: index + 1 for index, visit in enumerate(route.visits)}
        arcs = [(0, 0, route.empty), *((number[v.id], number[v.id], ~route.on[v.id]) for v in route.visits)]
        follows = dict(zip([None, *(v.id for v in fixed)], [*(v.id for v in fixed), None], strict=True))
        stays = set(number) - self.free
        path = list(zip([None, *now], [*now, None], strict=True)) if now else []
        for origin in [None, *route.visits]:
            for target in [None, *route.visits]:
                ids = _name(origin), _name(target)
                if origin is target or (_both(ids, stays) and follows[ids[0]] != ids[1]):
                    continue
                literal = model.new_bool_var("")
                model.add_hint(literal, ids in path)
                route.arcs[ids] = literal
                arcs.append((number.get(ids[0] or "", 0), number.get(ids[1] or "", 0), literal))
                drive, cost = self._leg(shift, origin, target)
                before = left if origin is None else route.ready[origin.id]
                after = end if target is None else route.reached[target.id]
                model.add(after >= before + drive).only_enforce_if(literal)
                self.cost += [(literal, cost)] if cost else []
        model.add_circuit(arcs)
        self._breaks(route, (leave, left, end))
        self._end(route, leave, end)

    def _leg(self, shift: Shift, origin: Visit | None, target: Visit | None) -> tuple[int, int]:
        """Seconds and cost of a drive."""
        problem = self.part.problem
        start = shift.start_location if origin is None else origin.location
        stop = shift.end_location if target is None else target.location
        if stop is None:
            return 0, 0
        drive = int(problem.travel_of(shift)[start, stop])
        metres = 0 if problem.distance_m is None else int(problem.distance_m[start, stop])
        weights = problem.weights
        return drive, round(SCALE * (weights.travel * drive + weights.distance * metres))

    def _end(self, route: _Route, leave: Literal, end: Literal) -> None:
        """Overtime and duration."""
        shift, weights = route.shift, self.part.problem.weights
        if shift.overtime_s and weights.overtime:
            over = self.model.new_int_var(0, max(0, shift.limit_s - shift.end_s), "")
            self.model.add(over >= end - shift.end_s)
            self.cost.append((over, round(SCALE * weights.overtime)))
        rate = round(SCALE * (weights.duration + shift.cost_per_h / 3600))
        if rate:
            self.cost += [(end, rate), (leave, -rate)]
        if shift.max_duration_s is not None:
            self.model.add(end - leave <= shift.max_duration_s)

    def _breaks(self, route: _Route, times: tuple[Literal, Literal, Literal]) -> None:
        """Each break at the start, before leaving a visit or after arriving there, or not at all."""
        leave, left, end = times
        model, before = self.model, None
        for pause in break_span(route.shift)[1]:
            begin = model.new_int_var(pause.earliest_s, pause.latest_s, "")
            skipped, at_start = model.new_bool_var(""), model.new_bool_var("")
            model.add(end <= pause.latest_s).only_enforce_if(skipped, ~route.empty)
            model.add(begin >= leave).only_enforce_if(at_start)
            model.add(left >= begin + pause.duration_s).only_enforce_if(at_start)
            places = [skipped, at_start]
            for visit in route.visits:
                places += self._break_at(route, visit, begin, pause)
            model.add_exactly_one(places)
            model.add_implication(route.empty, skipped)
            if before is not None:
                model.add(begin >= before[0] + before[1]).only_enforce_if(~skipped, ~before[2])
            before = begin, pause.duration_s, skipped

    def _break_at(self, route: _Route, visit: Visit, begin: Literal, pause: Break) -> list[Literal]:
        model, start = self.model, self.start[visit.id]
        after, early = model.new_bool_var(""), model.new_bool_var("")
        for literal in (after, early):
            model.add_implication(literal, route.on[visit.id])
        model.add(begin >= start + visit.service_s).only_enforce_if(after)
        model.add(route.ready[visit.id] >= begin + pause.duration_s).only_enforce_if(after)
        model.add(begin >= route.reached[visit.id]).only_enforce_if(early)
        model.add(start >= begin + pause.duration_s).only_enforce_if(early)
        return [after, early]

    def _limit(self, route: _Route) -> None:
        """Loads, parts, visits and driving."""
        shift = route.shift
        for dimension, have in enumerate(shift.capacity):
            self._sum(route, have, {v.id: v.load[dimension] for v in route.visits if dimension < len(v.load)})
        if self.part.problem.restock is None:
            for part in {part for visit in route.visits for part in visit.parts}:
                amounts = {visit.id: visit.parts.get(part, 0) for visit in route.visits}
                self._sum(route, shift.parts.get(part, 0), amounts)
        if shift.max_visits is not None:
            self._sum(route, shift.max_visits, {visit.id: 1 for visit in route.visits})
        if shift.max_travel_s is not None:
            known = {None: None} | {visit.id: visit for visit in route.visits}
            drives = [
                literal * self._leg(shift, known[a], known[b])[0] for (a, b), literal in route.arcs.items()
            ]
            self.model.add(sum(drives) <= shift.max_travel_s)

    def _sum(self, route: _Route, limit: int, amounts: Mapping[str, int]) -> None:
        self.model.add(sum(route.on[name] * amount for name, amount in amounts.items()) <= limit)

    def _serve(self, visit: Visit) -> None:
        """The whole crew comes, of different technicians, or nobody."""
        served = self.model.new_bool_var("")
        able = [route for route in self.routes if visit.id in route.on]
        by_person: dict[str, list[Literal]] = {}
        for route in able:
            by_person.setdefault(route.shift.technician, []).append(route.on[visit.id])
        self.model.add(sum(route.on[visit.id] for route in able) == visit.crew * served)
        for literals in by_person.values():
            if len(literals) > 1:
                self.model.add_at_most_one(literals)
        self.model.add_hint(served, visit.id in self.part.starts)
        self.served[visit.id] = served
        self.cost.append((served, -self.part.penalties[visit.id]))
        self._start_of(visit)
        late = round(SCALE * self.part.problem.weights.lateness * visit.late_cost_per_h / 3600)
        if visit.due_s is not None and late and visit.due_s < self.high:
            over = self.model.new_int_var(0, max(0, self.high - min(visit.due_s, self.low)), "")
            self.model.add(over >= self.start[visit.id] - visit.due_s).only_enforce_if(served)
            self.cost.append((over, late))

    def _order(self, visit: Visit) -> None:
        """Lags, and the same technician."""
        model, served = self.model, self.served[visit.id]
        for after in visit.after:
            if after.visit not in self.served:  # it hangs together with this one, so it is free, or unknown
                model.add(served == 0)
                continue
            model.add_implication(served, self.served[after.visit])
            ended = self.start[after.visit] + self.part.problem.visit_by_id[after.visit].service_s
            model.add(self.start[visit.id] >= ended + after.min_lag_s).only_enforce_if(served)
            if after.max_lag_s is not None:
                model.add(self.start[visit.id] <= ended + after.max_lag_s).only_enforce_if(served)
            if after.same_technician:
                both = [self._both_by(visit.id, after.visit, name) for name in self._people()]
                model.add(sum(both) >= served)

    def _people(self) -> list[str]:
        return sorted({route.shift.technician for route in self.routes})

    def _both_by(self, one: str, other: str, technician: str) -> Literal:
        both = self.model.new_bool_var("")
        for name in (one, other):
            on = [
                route.on[name]
                for route in self.routes
                if route.shift.technician == technician and name in route.on
            ]
            self.model.add(sum(on) >= both)
        return both

    def read(self, solver: cp_model.CpSolver) -> tuple[list[list[str]], dict[str, int]]:
        """The ids of the visits of each shift in order, and the starts of the free ones."""
        orders = []
        for route in self.routes:
            follows = {a: b for (a, b), literal in route.arcs.items() if solver.boolean_value(literal)}
            order: list[str] = []
            here = follows.get(None)
            while here is not None:
                order.append(here)
                here = follows[here]
            orders.append(order)
        served = [visit_id for visit_id, literal in self.served.items() if solver.boolean_value(literal)]
        return orders, {visit_id: solver.value(self.start[visit_id]) for visit_id in served}


def _name(visit: Visit | None) -> str | None:
    return None if visit is None else visit.id


def _both(ids: tuple[str | None, str | None], stays: set[str]) -> bool:
    """Whether both ends of a drive are visits that stay in order, or the start and the end of the route."""
    return all(name is None or name in stays for name in ids)


def _missed(visit: Visit, shift: Shift) -> int:
    """Seconds by which this technician is less preferred than the best."""
    worth = visit.preferred_technicians
    return max(worth.values(), default=0) - worth.get(shift.technician, 0)
