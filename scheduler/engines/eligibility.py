"""Which shifts may serve which visits, whatever the time and the other visits: one table for all of them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scheduler.model import Problem, Shift, Visit

Needs = tuple[frozenset[tuple[str, int]], frozenset[str]]


def eligibility(problem: Problem) -> NDArray[np.bool_]:
    """By visit and shift, as `scheduler.admission.refusal` decides."""
    shifts = problem.shifts
    technicians = np.array([shift.technician for shift in shifts], object)
    ids = np.array([shift.id for shift in shifts], object)
    table = np.zeros((len(problem.visits), len(shifts)), bool)
    rows: dict[Needs, NDArray[np.bool_]] = {}
    for index, visit in enumerate(problem.visits):
        tools = frozenset[str]() if problem.restock else visit.tools  # others are fetched
        needs = frozenset(visit.skills.items()), tools
        if needs not in rows:
            rows[needs] = np.array([_holds(shift, visit.skills, tools) for shift in shifts], bool)
        table[index] = rows[needs]
        _restrict(table[index], visit, technicians, ids)
    return table


def _holds(shift: Shift, skills: Mapping[str, int], tools: frozenset[str]) -> bool:
    if not tools <= shift.tools:
        return False
    return all((have := shift.skills.get(name)) is not None and have >= need for name, need in skills.items())


def _restrict(
    row: NDArray[np.bool_], visit: Visit, technicians: NDArray[np.object_], ids: NDArray[np.object_]
) -> None:
    """Take away the shifts that the visit's technicians and pin exclude."""
    if visit.technicians is not None:
        row &= np.isin(technicians, list(visit.technicians))
    if visit.not_technicians:
        row &= ~np.isin(technicians, list(visit.not_technicians))
    if visit.pinned is not None and visit.pinned.shift is not None:
        row &= ids == visit.pinned.shift
