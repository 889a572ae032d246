"""Small scenes for the tests of the scheduler: locations on a line, a minute apart."""

from collections.abc import Sequence

import numpy as np

from scheduler.model import Plan, Problem, Shift, Unassigned, Visit
from scheduler.timeline import schedule

MINUTE = 60
HOUR = 3600
EIGHT = 8 * HOUR


def line(locations: int, step_s: int = 10 * MINUTE) -> np.ndarray:
    """Travel times between places on a line, `step_s` apart."""
    places = np.arange(locations)
    return (np.abs(places[:, None] - places[None, :]) * step_s).astype(np.int32)


def make_visit(**overrides) -> Visit:
    return Visit(**({"id": "V1", "location": 1, "service_s": HOUR} | overrides))


def make_shift(**overrides) -> Shift:
    defaults = {
        "id": "ana/mon",
        "technician": "ana",
        "start_location": 0,
        "end_location": 0,
        "start_s": EIGHT,
        "end_s": 17 * HOUR,
    }
    return Shift(**(defaults | overrides))


def make_problem(visits: Sequence[Visit], shifts: Sequence[Shift] | None = None, **overrides) -> Problem:
    defaults = {"travel_s": line(6), "visits": tuple(visits), "shifts": tuple(shifts or (make_shift(),))}
    return Problem(**(defaults | overrides))


def make_plan(problem: Problem, **orders: Sequence[str]) -> Plan:
    """The plan with these visits, by technician, on the first shift of each; the order must be feasible."""
    routes = []
    for technician, order in orders.items():
        shift = next(shift for shift in problem.shifts if shift.technician == technician)
        route = schedule(problem, shift.id, order)
        assert route is not None
        routes.append(route)
    placed = {visit_id for order in orders.values() for visit_id in order}
    left = tuple(Unassigned(visit=visit.id) for visit in problem.visits if visit.id not in placed)
    return Plan(routes=tuple(routes), unassigned=left)
