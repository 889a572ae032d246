"""What a move would do, told before it is made: nothing is locked and nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fieldservice.models import Visit
from fieldservice.planning.judge import Move, RuleBroken, Shifted, judge
from fieldservice.planning.names import name_of, row_id, shift_id, visit_id
from fieldservice.planning.problem import Day
from fieldservice.planning.rows import TechnicianDay, visit_place
from scheduler import Violation


class Verdict(StrEnum):
    """What comes of a move: it is made, it asks for a reason, or it is refused."""

    FINE = "fine"
    ASKS = "asks"
    REFUSED = "refused"


@dataclass(frozen=True)
class Preview:
    """The visit's start and end, the driving it adds to the whole day, what breaks, whom it hits, who helps.

    Start, end and driving are None where the technician has no shift, or no gap that is long enough.
    """

    starts_at: datetime | None
    ends_at: datetime | None
    added_travel: timedelta | None
    broken: tuple[Violation, ...]
    shifted: tuple[Shifted, ...]
    verdict: Verdict
    others: tuple[int, ...] = ()


def preview(day: Day, visit: Visit, move: Move) -> Preview:
    """What `move` would do on `day`, which is built without the visit."""
    try:
        judged = judge(day, visit, move)
    except RuleBroken as error:
        return Preview(None, None, None, error.violations, (), Verdict.REFUSED)
    allowed = Verdict.ASKS if judged.soft else Verdict.FINE
    added = 0
    for route in judged.routes:
        technician_id = row_id(route.shift)
        added += _driving(day, visit, technician_id, route.visit_ids)
        added -= _driving(day, visit, technician_id, day.order(technician_id))
    return Preview(
        starts_at=judged.starts_at,
        ends_at=judged.starts_at + visit.occupied,
        added_travel=timedelta(seconds=added - _saved(day, visit)),
        broken=(*judged.hard, *judged.soft),
        shifted=judged.shifted,
        verdict=Verdict.REFUSED if judged.hard else allowed,
        others=tuple(judged.each)[1:],
    )


def _saved(day: Day, visit: Visit) -> int:
    """Seconds of driving that the day is spared when the visit leaves its present place on it."""
    saved = 0
    for entry in day.rows.technicians:
        if any(stop.work is not None and stop.work.id == visit.id for stop in entry.stops):
            technician_id = entry.technician.id
            saved += _driving(day, visit, technician_id, _order(day, entry, visit))
            saved -= _driving(day, visit, technician_id, day.order(technician_id))
    return saved


def _order(day: Day, entry: TechnicianDay, visit: Visit) -> list[str]:
    """What a technician still has to do, the visit in its present place."""
    works = [stop.work.id if stop.work else None for stop in entry.stops]
    before = works.index(visit.id)
    earlier = {name_of(stop) for stop in entry.stops[:before]}
    names = list(day.order(entry.technician.id))
    names.insert(sum(name in earlier for name in names), visit_id(visit))
    return names


def _driving(day: Day, visit: Visit, technician_id: int, names: Sequence[str]) -> int:
    """Seconds of driving of a route, the way home included."""
    shift = day.problem.shift_by_id.get(shift_id(technician_id))
    place = visit_place(visit)
    if shift is None or place is None or not names:
        return 0
    known = day.problem.visit_by_id
    locations = [known[name].location if name in known else day.location(place) for name in names]
    ends = [] if shift.end_location is None else [shift.end_location]
    stops = [shift.start_location, *locations, *ends]
    return sum(int(day.table.seconds[a, b]) for a, b in zip(stops, stops[1:], strict=False))
