"""The order of visits that follow each other, where a person moves one of them out of its window.

Inside their windows they are in order (`chains`). Who puts one elsewhere has to leave the others the time
that they may still need: their windows, unless they are pinned to a start or under way. What a dispatcher
has linked is judged by the places alone: `linked` holds both ends on their side of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import object_session

import scheduler
from fieldservice.models import Visit, WorkOrder
from fieldservice.models.visit import ENDED, UNDERWAY
from fieldservice.planning.linked import End, Link
from fieldservice.planning.names import visit_number
from fieldservice.planning.problem import Day, row_id, visit_id

ORDER = "order"
LAG = "lag"
SAME = "same_technician"
TOGETHER = "together"


@dataclass(frozen=True)
class Span:
    """From when and until when a visit may be worked on, without another decision of a person."""

    begins_at: datetime
    ends_at: datetime


def broken_rules(
    day: Day,
    problem: scheduler.Problem,
    plan: scheduler.Plan,
    routes: Sequence[scheduler.Route],
    visits: Mapping[int, Visit],
    *,
    fixed: int | None = None,
) -> list[scheduler.Violation]:
    """What `plan` breaks, `routes` being those of it that change.

    The problem has links as limits of each end alone, for searches; here both ends are known.
    """
    linked = {end.visit_id: False for link in day.rows.links for end in (link.first, link.then)}
    same = [link for link in day.rows.links if link.same_technician]
    linked |= {end.visit_id: True for link in same for end in (link.first, link.then)}
    starts = _starts(day, routes)
    found = [
        _of_crew(violation, visits)
        for violation in scheduler.check(problem, plan)
        if not _is_for_searches(violation, linked, starts, visits)
    ]
    return [*found, *out_of_order(day, routes, visits, fixed=fixed)]


def _of_crew(violation: scheduler.Violation, visits: Mapping[int, Visit]) -> scheduler.Violation:
    """Who leaves a crew, or lets it wait, breaks more than a pin: the others are elsewhere."""
    key = visit_number(violation.visit)
    if violation.rule != "pin" or key is None or key not in visits or visits[key].crew == 1:
        return violation
    return replace(violation, rule=TOGETHER)


def _is_for_searches(
    violation: scheduler.Violation,
    linked: Mapping[int, bool],
    starts: Mapping[int, datetime],
    visits: Mapping[int, Visit],
) -> bool:
    """Whether only the limits that a link puts on searches are broken, and none of the visit's own.

    `linked` says of a visit whether a link asks for one technician: no other limit of who comes is left out.
    """
    key = visit_number(violation.visit)
    if key is None or key not in linked or key not in visits or key not in starts:
        return False
    window = visits[key].window
    inside = window is None or window.starts_at <= starts[key] <= window.ends_at
    return (violation.rule == "technician" and linked[key]) or (violation.rule == "window" and inside)


def out_of_order(
    day: Day, routes: Iterable[scheduler.Route], visits: Mapping[int, Visit], *, fixed: int | None = None
) -> list[scheduler.Violation]:
    """What in these routes of a day comes before a visit that it follows, or after one that follows it.

    `visits` are the rows of the routes. Looks only at visits that would begin at another time than now.
    `fixed` is the one that is about to be pinned to its start.
    """
    routes = list(routes)
    starts = _starts(day, routes)
    linked = [visits[key] for key in starts if key in visits and visits[key].turn]
    found = [
        violation
        for visit in linked
        if visit.stop is None or visit.stop.starts_at != starts[visit.id] or visit.id == fixed
        for violation in _against(day, visit, starts, fixed)
    ]
    return [*found, *(each for link in day.rows.links for each in _breaks(day, link, starts, routes))]


def link_violations(day: Day, link: Link, *, seen_from: int) -> list[scheduler.Violation]:
    """What a link breaks where its visits are, as one of them has it."""
    return [] if link.is_kept else _violations(day, link, seen_from)


def _starts(day: Day, routes: Iterable[scheduler.Route]) -> dict[int, datetime]:
    return {
        row_id(stop.visit): day.instant(stop.start_s)
        for route in routes
        for stop in route.stops
        if stop.visit and stop.visit.startswith("v")
    }


def _breaks(
    day: Day, link: Link, starts: Mapping[int, datetime], routes: Iterable[scheduler.Route]
) -> list[scheduler.Violation]:
    """What of a link breaks by these routes; nothing when neither end changes by them."""
    technicians = {name: row_id(route.shift) for route in routes for name in route.visit_ids}
    first, then = (_moved(end, starts, technicians) for end in (link.first, link.then))
    if (first, then) == (link.first, link.then):
        return []
    now = replace(link, first=first, then=then)
    seen_from = then if then != link.then else first
    return [] if now.is_kept else _violations(day, now, seen_from.visit_id)


def _moved(end: End, starts: Mapping[int, datetime], technicians: Mapping[str, int]) -> End:
    starts_at = starts.get(end.visit_id)
    if starts_at is None or end.is_over:
        return end
    same = end.ends_at is not None and starts_at == end.starts_at
    return replace(
        end,
        starts_at=starts_at,
        ends_at=end.ends_at if same else starts_at + end.occupied,
        technician_id=technicians[f"v{end.visit_id}"],
    )


def _violations(day: Day, link: Link, seen_from: int) -> list[scheduler.Violation]:
    follows = seen_from == link.then.visit_id
    mate = link.first if follows else link.then
    name = f"v{seen_from}"
    if link.parted and link.same_technician:
        numbers: dict[str, int | str] = {"service": mate.title, "technician": mate.technician_id or 0}
        text = f"one technician makes {link.first.reference} and {link.then.reference}"
        return [scheduler.Violation(rule=SAME, visit=name, shift=None, text=text, numbers=numbers)]
    opens_at, closes_at, begins = link.opens_at, link.closes_at, link.then.starts_at
    if opens_at is None or begins is None:
        return []
    numbers = {"service": mate.title}
    if follows:
        numbers["earliest_s"] = day.seconds(opens_at)
        numbers |= {"latest_s": day.seconds(closes_at)} if closes_at else {}
    else:
        numbers["until_s"] = day.seconds(begins - link.min_lag)
        numbers |= {"from_s": day.seconds(begins - link.max_lag)} if link.max_lag is not None else {}
    text = f"{link.then.reference} does not follow {link.first.reference} as they are linked"
    return [scheduler.Violation(rule=LAG, visit=name, shift=None, text=text, numbers=numbers)]


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
