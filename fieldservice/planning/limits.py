"""How many visits of a service a territory makes on a day, and whether there may be one more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.models import BookingDraft, Hold, Service, Territory, Visit, VisitState, Window, WorkOrder
from fieldservice.planning.problem import row_id
from fieldservice.planning.rows import DayRows
from fieldservice.planning.windows import offered_windows, open_for_all

HELD_ALSO = "held_also"
"""Where the answers of a draft name the further services of the visit whose window it has reserved."""


def bookable_windows(
    session: Session,
    service: Service,
    rows: DayRows,
    *,
    without: Iterable[str] = (),
    also: Sequence[Service] = (),
) -> list[Window]:
    """The windows that a service may offer on a day, none once it has as many visits as it may.

    With the territory locked it stays so until the transaction ends. `without` names what the customer has
    and would give up. `also` are services that the visit does as well: they have to be open, too.
    """
    without = list(without)
    windows = open_for_all(also, rows.territory, rows.on, offered_windows(service, rows), now=rows.now)
    for each in (service, *also) if windows else ():
        if rows.on in full_days(session, each, rows.territory, [rows.on], now=rows.now, without=without):
            return []
    return windows


def full_days(
    session: Session,
    service: Service,
    territory: Territory,
    days: Sequence[date],
    *,
    now: datetime,
    without: Iterable[str] = (),
) -> frozenset[date]:
    """Those of the days on which the service has all the visits that it may have; reserved ones count."""
    if service.max_per_day is None or not days:
        return frozenset()
    names = frozenset(without)
    taken = Counter(
        territory.local_day(starts_at)
        for starts_at in [
            *_promised(session, service, territory, days, names),
            *_reserved(session, service, territory, names, now),
        ]
    )
    return frozenset(on for on in days if taken[on] >= service.max_per_day)


def _promised(
    session: Session, service: Service, territory: Territory, days: Sequence[date], without: frozenset[str]
) -> list[datetime]:
    first, last = territory.midnight(min(days)), territory.midnight(max(days) + timedelta(days=1))
    starts = session.execute(
        select(Visit.id, Visit.window_starts_at, WorkOrder.service_id, WorkOrder.also)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(
            Visit.territory_id == territory.id,
            Visit.window_starts_at >= first,
            Visit.window_starts_at < last,
            Visit.state != VisitState.CANCELLED,
        )
    )
    given_up = _ids(without, "v")
    return [
        starts_at
        for key, starts_at, first, also in starts
        if starts_at is not None
        and key not in given_up
        and (first == service.id or any(each["code"] == service.code for each in also))
    ]


def _reserved(
    session: Session, service: Service, territory: Territory, without: frozenset[str], now: datetime
) -> list[datetime]:
    starts = session.execute(
        select(Hold.id, Hold.window_starts_at, Hold.service_id, BookingDraft.answers)
        .join(BookingDraft, BookingDraft.id == Hold.draft_id)
        .where(Hold.territory_id == territory.id, Hold.expires_at > now)
    )
    given_up = _ids(without, "h")
    return [
        starts_at
        for key, starts_at, first, answers in starts
        if key not in given_up and (first == service.id or service.code in answers.get(HELD_ALSO, ()))
    ]


def _ids(names: Iterable[str], kind: str) -> set[int]:
    return {row_id(name) for name in names if name.startswith(kind)}
