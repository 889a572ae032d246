"""What must hold between the objects of a problem."""

from collections import Counter
from collections.abc import Container, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from scheduler.validation import TIME_LIMIT_S

if TYPE_CHECKING:
    from scheduler.model import Problem, Shift, Visit


def problem_faults(problem: "Problem") -> list[str]:
    """One line for each reference, id or table of a problem that is wrong."""
    faults = list(_matrix_faults("travel_s", problem.travel_s))
    if problem.distance_m is not None:
        faults += _matrix_faults("distance_m", problem.distance_m)
        if problem.distance_m.shape != problem.travel_s.shape:
            faults.append("distance_m: has not the shape of travel_s")
    for name, matrix in problem.travel_profiles.items():
        faults += (wrong := list(_matrix_faults(f"travel_profiles.{name}", matrix)))
        if not wrong and matrix.shape != problem.travel_s.shape:
            faults.append(f"travel_profiles.{name}: has not the shape of travel_s")
    if faults:
        return faults
    faults += _duplicates("visits", [visit.id for visit in problem.visits])
    faults += _duplicates("shifts", [shift.id for shift in problem.shifts])
    visit_ids = {visit.id for visit in problem.visits}
    shift_ids = {shift.id for shift in problem.shifts}
    for index, visit in enumerate(problem.visits):
        found = visit_faults(visit, len(problem.travel_s), visit_ids, shift_ids)
        faults += (f"visits[{index}].{fault}" for fault in found)
    for index, shift in enumerate(problem.shifts):
        found = _shift_faults(shift, len(problem.travel_s), problem.travel_profiles)
        faults += (f"shifts[{index}].{fault}" for fault in found)
    faults += _overlaps(problem)
    if problem.restock is not None:
        faults += _location("restock.location", problem.restock.location, len(problem.travel_s))
    return faults


def visit_faults(
    visit: "Visit", locations: int, visit_ids: Container[str], shift_ids: Container[str]
) -> Iterator[str]:
    """What is wrong with the references of one visit to a table of `locations` and to these ids."""
    yield from _location("location", visit.location, locations)
    if visit.pinned and visit.pinned.shift is not None and visit.pinned.shift not in shift_ids:
        yield f"pinned.shift: there is no shift {visit.pinned.shift!r}"
    for index, after in enumerate(visit.after):
        if after.visit not in visit_ids or after.visit == visit.id:
            yield f"after[{index}].visit: there is no other visit {after.visit!r}"


def _matrix_faults(path: str, matrix: object) -> Iterator[str]:
    if not isinstance(matrix, np.ndarray) or matrix.dtype != np.int32:
        yield f"{path}: must be an int32 array"
    elif matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        yield f"{path}: must be square, not of shape {matrix.shape}"
    elif matrix.size and (matrix.min() < 0 or matrix.max() > TIME_LIMIT_S):
        yield f"{path}: has a value that is not between 0 and {TIME_LIMIT_S}"


def _duplicates(path: str, ids: list[str]) -> Iterator[str]:
    counts = Counter(ids)
    seen: set[str] = set()
    for index, this in enumerate(ids):
        if counts[this] > 1 and this in seen:
            yield f"{path}[{index}].id: {this!r} is used twice"
        seen.add(this)


def _location(path: str, location: int, locations: int) -> Iterator[str]:
    if location >= locations:
        yield f"{path}: {location} is outside the travel matrix of {locations} locations"


def _shift_faults(shift: "Shift", locations: int, profiles: Container[str]) -> Iterator[str]:
    yield from _location("start_location", shift.start_location, locations)
    if shift.end_location is not None:
        yield from _location("end_location", shift.end_location, locations)
    if shift.profile is not None and shift.profile not in profiles:
        yield f"profile: there is no travel profile {shift.profile!r}"


def _overlaps(problem: "Problem") -> Iterator[str]:
    """Nobody works two shifts at once, so that no engine can send a technician to two places."""
    order = sorted(enumerate(problem.shifts), key=lambda item: (item[1].technician, item[1].start_s, item[0]))
    for (_, before), (index, this) in pairwise(order):
        if before.technician == this.technician and this.start_s < before.end_s + before.overtime_s:
            yield f"shifts[{index}]: overlaps shift {before.id!r} of the same technician"
