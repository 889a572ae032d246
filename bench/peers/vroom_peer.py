"""VROOM through pyvroom: jobs with skills, priorities, windows, breaks; travel time as cost.

It puts the sum of priorities (at most 100 each) before the cost, as plans here do. Who may serve a visit is
told by skills: one for each set of shifts. A break may interrupt a drive there, and is never left out. It has
no seed, and ends by itself when its local search has converged.
"""

from datetime import timedelta

import numpy as np
import vroom

from bench.peers.common import Orders, Search, refuse, servers
from scheduler.model import Problem, Shift

EXPLORATION = 5
HIGHEST_PRIORITY = 100


def solve(problem: Problem, search: Search) -> Orders:
    """Orders of the shifts."""
    refuse(problem, duration=False)
    allowed = servers(problem)
    skills = {group: number for number, group in enumerate(sorted(set(allowed), key=sorted), start=1)}
    model = vroom.Input()
    model.set_durations_matrix("car", problem.travel_s.astype(np.uint32))
    for number, shift in enumerate(problem.shifts):
        held = {skill for group, skill in skills.items() if number in group}
        model.add_vehicle([_vehicle(number, shift, held)])
    scale = max(HIGHEST_PRIORITY, *(visit.priority for visit in problem.visits))
    dimensions = max((len(shift.capacity) for shift in problem.shifts), default=0)
    for number, visit in enumerate(problem.visits):
        load = [*visit.load, *[0] * dimensions][:dimensions]
        job = vroom.Job(
            number,
            location=visit.location,
            default_service=visit.service_s,
            delivery=vroom.Amount(load),
            skills={skills[allowed[number]]},
            priority=visit.priority * HIGHEST_PRIORITY // scale,
            time_windows=[vroom.TimeWindow(start, end) for start, end in visit.windows],
        )
        model.add_job([job])
    answer = model.solve(EXPLORATION, search.threads, timedelta(seconds=search.seconds))
    return {
        problem.shifts[route["vehicle"]].id: [
            problem.visits[step["id"]].id for step in route["steps"] if step["type"] == "job"
        ]
        for route in answer.to_dict()["routes"]
    }


def _vehicle(number: int, shift: Shift, skills: set[int]) -> "vroom.Vehicle":
    breaks = [
        vroom.Break(
            index,
            time_windows=[vroom.TimeWindow(rest.earliest_s, rest.latest_s)],
            service=rest.duration_s,
        )
        for index, rest in enumerate(shift.breaks)
    ]
    return vroom.Vehicle(
        number,
        start=shift.start_location,
        end=shift.end_location,
        capacity=list(shift.capacity),
        skills=skills,
        time_window=vroom.TimeWindow(shift.begin_s, shift.limit_s),
        breaks=breaks,
        max_travel_time=shift.max_travel_s,
    )
