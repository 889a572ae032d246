"""Why a visit is where it is, or nowhere: the scheduler's explanation with rows instead of names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import scheduler
from fieldservice.models import Visit
from fieldservice.planning.problem import Day, row_id, visit_id
from scheduler import Violation
from scheduler.explain import Explanation, explain, why_not
from scheduler.relax import Finding


@dataclass(frozen=True)
class Alternative:
    """Another technician who could make the visit inside its window."""

    technician_id: int
    starts_at: datetime
    added_travel: timedelta


@dataclass(frozen=True)
class Why:
    """What can be said about a visit; the edge words the rules."""

    placed: bool
    holds: tuple[Finding, ...]
    alternatives: tuple[Alternative, ...]
    refusals: tuple[Violation, ...]
    changes: tuple[Finding, ...]
    nobody: tuple[Finding, ...]


def why(day: Day, visit: Visit) -> Why | None:
    """Explain a visit of the day's plan; None when it is not to be planned (begun, or no address)."""
    name = visit_id(visit)
    if name not in day.problem.visit_by_id:
        return None
    return _told(day, explain(day.problem, day.plan, name))


def why_window(day: Day, wish: scheduler.Visit) -> Why:
    """Explain why a wish for one window of the day is not offered, and what would have to change."""
    return _told(day, why_not(day.problem, day.plan, wish))


def _told(day: Day, found: Explanation) -> Why:
    return Why(
        placed=found.shift is not None,
        holds=found.holds,
        alternatives=tuple(
            Alternative(
                row_id(place.technician), day.instant(place.start_s), timedelta(seconds=place.added_travel_s)
            )
            for place in found.alternatives
        ),
        refusals=found.refusals,
        changes=found.changes,
        nobody=found.nobody,
    )
