"""A technician has time to spare: which visits of the day they could take, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import scheduler
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.problem import Day, row_id, shift_id
from scheduler import timeline
from scheduler.insertion import Board

_SHOWN = 8
_LOOKED_AT = 40


@dataclass(frozen=True)
class Help:
    """A visit that could be taken; `old_*` are None for one without a stop, `saved` is driving of both."""

    visit_id: int
    old_technician_id: int | None
    old_starts_at: datetime | None
    starts_at: datetime
    saved: timedelta

    @property
    def sooner(self) -> timedelta:
        """How much sooner it begins than planned."""
        return self.old_starts_at - self.starts_at if self.old_starts_at is not None else timedelta(0)


def helpful(day: Day, technician_id: int) -> list[Help]:
    """Visits that have not begun and fit a technician's day inside their windows.

    What lies open comes first, then what saves most driving. A pinned visit stays with its technician.
    """
    own = shift_id(technician_id)
    if own not in day.problem.shift_by_id:
        return []
    placed = {
        stop.visit: (route.shift, stop.start_s)
        for route in day.plan.routes
        for stop in route.stops
        if stop.visit is not None
    }
    asked = [
        visit
        for visit in day.problem.visits
        if visit.id.startswith("v")
        and visit.pinned is None
        and day.visits[row_id(visit.id)].crew == 1
        and day.visits[row_id(visit.id)].state in PLANNABLE
        and placed.get(visit.id, ("", 0))[0] != own
    ]
    asked.sort(key=lambda visit: placed.get(visit.id, ("", 0))[1])
    found = [_help(day, own, visit, placed.get(visit.id)) for visit in asked[:_LOOKED_AT]]
    useful = [each for each in found if each is not None]
    return sorted(useful, key=lambda each: (each.old_starts_at is not None, -each.saved))[:_SHOWN]


def _help(day: Day, own: str, visit: scheduler.Visit, old: tuple[str, int] | None) -> Help | None:
    only = replace(visit, technicians=frozenset({own}))
    place = Board(day.problem, day.plan, without=visit.id if old else None).cheapest(only, tries=4)
    if place is None:
        return None
    return Help(
        visit_id=row_id(visit.id),
        old_technician_id=row_id(old[0]) if old else None,
        old_starts_at=day.instant(old[1]) if old else None,
        starts_at=day.instant(place.start_s),
        saved=timedelta(seconds=(_drive_for(day, old[0], visit.id) if old else 0) - place.added_travel_s),
    )


def _drive_for(day: Day, shift: str, name: str) -> int:
    """The driving that a route has because of one of its visits, the way home included."""
    names = day.plan.route_of(shift).visit_ids
    return _driving(day, shift, names) - _driving(day, shift, [each for each in names if each != name])


def _driving(day: Day, shift: str, names: list[str] | tuple[str, ...]) -> int:
    if not names:
        return 0
    stops = timeline.project(day.problem, shift, list(names)).stops
    home = day.problem.shift_by_id[shift].end_location
    last = day.problem.visit_by_id[names[-1]].location
    return sum(stop.travel_s for stop in stops) + (day.problem.travel(last, home) if home is not None else 0)
