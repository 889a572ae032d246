"""What the office changed on today's route since the technician knew it, and their "Got it"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fieldservice.db import lock_technicians
from fieldservice.field import service
from fieldservice.field.service import PhoneDay
from fieldservice.models import RouteSeen, Technician, Visit, VisitState
from fieldservice.models.visit import ENDED, PLANNABLE
from fieldservice.planning.agenda import Entry
from fieldservice.planning.known import known

_KEPT = timedelta(days=30)
_SALT = "what a phone showed of a route"


class NewsKind(StrEnum):
    """What is different."""

    ADDED = "added"
    CANCELLED = "cancelled"
    GONE = "gone"  # to somebody else, or to another day
    WINDOW = "window"
    ORDER = "order"


class NotShown(Exception):
    """No page of this technician's showed that."""


@dataclass(frozen=True)
class News:
    """One change; of the order it is about all visits that are still to be made."""

    kind: NewsKind
    visits: Sequence[Visit]
    entries: Sequence[Entry] = ()


def news(session: Session, day: PhoneDay) -> list[News]:
    """What changed on a day since the technician knew its route; nothing before the day was sent out."""
    row = session.get(RouteSeen, (day.technician.id, day.on))
    if row is None:
        return []
    entries = {entry.visit.id: entry for entry in day.visits if entry.visit is not None}
    return [
        News(kind, visits, [entries[visit.id] for visit in visits if visit.id in entries])
        for kind, visits in changes(session, row.visits, _visits(day))
    ]


def token(day: PhoneDay, secret_key: str) -> str:
    """What a page shows of the route, for the form behind "Got it"."""
    said = [day.technician.id, day.on.isoformat(), known(_visits(day))]
    return str(URLSafeSerializer(secret_key, salt=_SALT).dumps(said))


def got_it(
    session: Session,
    technician: Technician,
    on: date,
    shown: str,
    *,
    secret_key: str,
    moment: datetime,
    now: datetime,
) -> None:
    """The technician knows what the page showed; an older page than the last changes nothing.

    Raises NotShown, WrongTime.
    """
    service.require_moment(moment, now=now)
    visits = _read(technician, on, shown, secret_key)
    lock_technicians(session, [technician.id])
    row = session.get(RouteSeen, (technician.id, on), populate_existing=True)
    if row is not None and moment >= row.seen_at:
        row.visits, row.seen_at = visits, moment


def drop_old(session: Session, *, now: datetime) -> None:
    """Forget what was known of routes that are long over."""
    session.execute(delete(RouteSeen).where(RouteSeen.on < (now - _KEPT).date()))


def _read(technician: Technician, on: date, shown: str, secret_key: str) -> list[list[Any]]:
    try:
        whose, day, visits = URLSafeSerializer(secret_key, salt=_SALT).loads(shown)
    except (BadData, TypeError, ValueError) as error:
        raise NotShown from error
    if (whose, day) != (technician.id, on.isoformat()):
        raise NotShown
    return list(visits)


def _visits(day: PhoneDay) -> list[Visit]:
    return [entry.visit for entry in day.visits if entry.visit is not None]


def changes(
    session: Session, before: Sequence[Sequence[Any]], visits: Sequence[Visit]
) -> Iterator[tuple[NewsKind, list[Visit]]]:
    """What is different between what was known and the visits of a route in their order."""
    windows, was = dict(known(visits)), {number: window for number, window in before}
    for visit in visits:
        if visit.id not in was and visit.state in PLANNABLE:
            yield NewsKind.ADDED, [visit]
    lost = [number for number in was if number not in windows]
    for visit in session.scalars(select(Visit).where(Visit.id.in_(lost)).order_by(Visit.id)):
        if visit.state == VisitState.CANCELLED:
            yield NewsKind.CANCELLED, [visit]
        elif visit.state not in ENDED:
            yield NewsKind.GONE, [visit]
    for visit in visits:
        if visit.window and was.get(visit.id, windows[visit.id]) != windows[visit.id]:
            yield NewsKind.WINDOW, [visit]
    left = [visit for visit in visits if visit.state in PLANNABLE]
    common = [visit.id for visit in left if visit.id in was]
    if common != [number for number in was if number in common]:
        yield NewsKind.ORDER, left
