"""The hard rules between routes, for `scheduler.rules`."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from scheduler.model import Plan, Problem, Shift, Stop, Violation

Served = Mapping[str, list[tuple[Shift, Stop]]]


def _served(problem: Problem, plan: Plan) -> Served:
    served: dict[str, list[tuple[Shift, Stop]]] = defaultdict(list)
    for route in plan.routes:
        for stop in route.stops:
            if stop.visit is not None:
                served[stop.visit].append((problem.shift_by_id[route.shift], stop))
    return served


def one_place(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """A visit without a crew is served once."""
    for visit_id, stops in _served(problem, plan).items():
        if problem.visit_by_id[visit_id].crew == 1 and len(stops) > 1:
            text = f"{visit_id} is served {len(stops)} times."
            yield Violation(
                rule="one_place",
                visit=visit_id,
                shift=stops[1][0].id,
                text=text,
                numbers={"times": len(stops)},
            )


def crew(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """The technicians of a crew are complete, different and start together."""
    for visit_id, stops in _served(problem, plan).items():
        need = problem.visit_by_id[visit_id].crew
        people = {shift.technician for shift, _ in stops}
        starts = {stop.start_s for _, stop in stops}
        if need > 1 and (len(stops) != need or len(people) != need or len(starts) > 1):
            text = f"{visit_id} needs {need} technicians at once; {len(people)} start at {len(starts)} times."
            numbers = {"need": need, "have": len(people), "starts": len(starts)}
            yield Violation(rule="crew", visit=visit_id, shift=stops[0][0].id, text=text, numbers=numbers)


def order(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """A visit starts inside the allowed lags after the end of the visits it comes after."""
    served = _served(problem, plan)
    for visit_id, stops in served.items():
        for after in problem.visit_by_id[visit_id].after:
            ended = max((stop.departure_s for _, stop in served.get(after.visit, ())), default=None)
            lag = None if ended is None else stops[0][1].start_s - ended
            longest = after.max_lag_s
            if lag is None or lag < after.min_lag_s or (longest is not None and lag > longest):
                found = "is not planned" if lag is None else f"ended {lag} s before"
                text = f"{visit_id} comes after {after.visit}, which {found}."
                numbers: dict[str, int | str] = {"after": after.visit, "min_lag_s": after.min_lag_s}
                numbers |= {} if lag is None else {"lag_s": lag}
                numbers |= {} if longest is None else {"max_lag_s": longest}
                yield Violation(
                    rule="order", visit=visit_id, shift=stops[0][0].id, text=text, numbers=numbers
                )


def same_technician(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Visits that belong together have the same technician."""
    served = _served(problem, plan)
    for visit_id, stops in served.items():
        people = {shift.technician for shift, _ in stops}
        for after in problem.visit_by_id[visit_id].after:
            others = {shift.technician for shift, _ in served.get(after.visit, ())}
            if after.same_technician and others and not people & others:
                text = f"{visit_id} and {after.visit} need the same technician."
                numbers: dict[str, int | str] = {"after": after.visit}
                yield Violation(
                    rule="same_technician", visit=visit_id, shift=stops[0][0].id, text=text, numbers=numbers
                )
