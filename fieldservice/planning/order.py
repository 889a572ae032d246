"""The order of visits that follow each other, where a person moves one of them out of its window.

Inside their windows they are in order (`chains`). Who puts one elsewhere has to leave the others the time
that they may still need: their windows, unless they are pinned to a start or under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import object_session

import scheduler
from fieldservice.models import Visit, WorkOrder
from fieldservice.models.visit import ENDED, UNDERWAY
from fieldservice.planning.problem import Day, row_id, visit_id

ORDER = "order"


@dataclass(frozen=True)
class Span:
    """From when and until when a visit may be worked on, without another decision of a person."""

    begins_at: datetime
    ends_at: datetime


def out_of_order(
    day: Day, routes: Iterable[scheduler.Route], visits: Mapping[int, Visit], *, fixed: int | None = None
) -> list[scheduler.Violation]:
    """What in these routes of a day comes before a visit that it follows, or after one that follows it.

    `visits` are the rows of the routes. Looks only at visits that would begin at another time than now.
    `fixed` is the one that is about to be pinned to its start.
    """
    starts = {
        row_id(stop.visit): day.instant(stop.start_s)
        for route in routes
        for stop in route.stops
        if stop.visit and stop.visit.startswith("v")
    }
    linked = [visits[key] for key in starts if key in visits and visits[key].turn]
    return [
        violation
        for visit in linked
        if visit.stop is None or visit.stop.starts_at != starts[visit.id] or visit.id == fixed
        for violation in _against(day, visit, starts, fixed)
    ]


def _against(
    day: Day, visit: Visit, starts: Mapping[int, datetime], fixed: int | None
) -> Iterable[scheduler.Violation]:
    own = _span(visit, starts, fixed)
    for mate in _mates(visit):
        span = _span(mate, starts, fixed)
        if own is None or span is None:
            continue
        if mate.turn < visit.turn and own.begins_at < span.ends_at:
            yield _violation(day, visit, mate, until=span.ends_at)
        elif mate.turn > visit.turn and own.ends_at > span.begins_at:
            yield _violation(day, visit, mate, begins=span.begins_at)


def _span(visit: Visit, starts: Mapping[int, datetime], fixed: int | None) -> Span | None:
    """None for a visit that has neither a window nor a place on a route."""
    start = starts.get(visit.id) or (visit.stop.starts_at if visit.stop is not None else None)
    window = None if _is_fixed(visit, fixed) and start is not None else visit.window
    begins = [moment for moment in (start, window and window.starts_at) if moment]
    ends = [moment + visit.occupied for moment in (start, window and window.ends_at) if moment]
    return Span(min(begins), max(ends)) if begins else None


def _is_fixed(visit: Visit, fixed: int | None) -> bool:
    pinned = visit.pin is not None and visit.pin.starts_at is not None
    return visit.id == fixed or pinned or visit.state in UNDERWAY


def _mates(visit: Visit) -> Sequence[Visit]:
    """The other visits of the same booking that are still to be made."""
    session, key = object_session(visit), visit.work_order.request_key
    if session is None or not key:
        return []
    together = select(Visit).join(WorkOrder, WorkOrder.id == Visit.work_order_id)
    chosen = together.where(WorkOrder.request_key == key, Visit.id != visit.id, Visit.state.not_in(ENDED))
    return session.scalars(chosen.order_by(Visit.turn)).all()


def _violation(
    day: Day, visit: Visit, mate: Visit, *, until: datetime | None = None, begins: datetime | None = None
) -> scheduler.Violation:
    numbers: dict[str, int | str] = {"service": mate.work_order.title}
    if until is not None:
        numbers["until_s"] = day.seconds(until)
    if begins is not None:
        numbers["begins_s"] = day.seconds(begins)
    side = "comes before" if until is not None else "ends after the start of"
    text = f"{visit.reference} {side} {mate.reference} of the same booking"
    return scheduler.Violation(rule=ORDER, visit=visit_id(visit), shift=None, text=text, numbers=numbers)
