"""What each visit of a day costs in driving: the way that its route would save without it."""

from __future__ import annotations

from datetime import timedelta

from fieldservice.planning.problem import Day, row_id


def detours(day: Day) -> dict[int, timedelta]:
    """Visit -> the driving that would be saved without it, for what has not begun; never below 0."""
    found: dict[int, timedelta] = {}
    problem = day.problem
    for route in day.plan.routes:
        shift, names = problem.shift_by_id[route.shift], route.visit_ids
        places = [shift.start_location, *(problem.visit_by_id[name].location for name in names)]
        ways = places if shift.end_location is None else [*places, shift.end_location]
        for index, name in enumerate(names, start=1):
            if not name.startswith("v"):
                continue
            before, here = ways[index - 1], ways[index]
            saved_s = problem.travel(before, here)
            if index + 1 < len(ways):
                after = ways[index + 1]
                alone_s = 0 if len(names) == 1 and not day.done.get(row_id(route.shift)) else None
                alone_s = problem.travel(before, after) if alone_s is None else alone_s
                saved_s += problem.travel(here, after) - alone_s
            found[row_id(name)] = timedelta(seconds=max(0, saved_s))
    return found
