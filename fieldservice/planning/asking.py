"""Two windows that the office offers to the customer of a visit, both reserved until one is taken.

The offer holds its windows as a booking holds the one that is being filled in: as stops on the routes, until
it runs out. What was promised stands until the customer has taken one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from fieldservice.db import skip_locked
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import TravelTable
from fieldservice.models import (
    BookingDraft,
    Hold,
    OfferState,
    OfficeTask,
    Visit,
    Window,
    WindowOffer,
)
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning import service
from fieldservice.planning.ask import ask_of
from fieldservice.planning.chains import between
from fieldservice.planning.changes import NotPlannable

AT_MOST = 2
"""Windows that are offered at once; each is taken from all other customers meanwhile."""
_SHOWN, _DAYS = 10, 14
DECLINED, UNANSWERED = "windows_declined", "windows_unanswered"
"""What the office has to do when the customer takes none."""

type Tables = Mapping[date, TravelTable]


class OfferOver(Exception):
    """There is no such offer any more: it ran out, was answered or withdrawn, or the visit has begun."""


def windows_to_offer(
    session: Session, visit: Visit, *, tables: TravelTables, now: datetime, until: datetime
) -> list[Window]:
    """The first windows that can be kept and begin after the offer has run out, in order of time."""
    ask = ask_of(visit)
    if ask is None or visit.state not in PLANNABLE:
        return []
    days = service.offered_days(ask, now=now)[:_DAYS]
    offers = service.slots(session, ask, days, now=now, tables=tables)
    order = between(session, visit)
    free = [slot.window for on in days for slot in offers[on].slots]
    return [
        window
        for window in free
        if window != visit.window and window.starts_at >= until and order.has(window)
    ][:_SHOWN]


def offer_windows(
    session: Session,
    visit: Visit,
    windows: Sequence[Window],
    *,
    tables: Tables,
    now: datetime,
    until: datetime,
    actor: str,
) -> WindowOffer:
    """Reserve the windows until then and write to the customer; an earlier offer is withdrawn.

    Raises SlotTaken when one of them is gone, NotPlannable, StaleTravel.
    """
    service.lock_territory(session, visit.territory)
    session.refresh(visit, with_for_update={"of": Visit})
    ask = ask_of(visit)
    if ask is None or visit.state not in PLANNABLE:
        raise NotPlannable
    withdraw(session, visit, now=now)
    for window in windows:
        draft = BookingDraft(
            token=secrets.token_urlsafe(32),
            answers={"service": visit.service.code},
            created_at=now,
            expires_at=until,
            visit_id=visit.id,
        )
        session.add(draft)
        session.flush()
        service.hold_slot(session, draft, ask, window, tables=tables, now=now, until=until)
    offer = WindowOffer(
        visit=visit,
        windows=[[window.starts_at.isoformat(), window.ends_at.isoformat()] for window in windows],
        state=OfferState.OPEN,
        created_at=now,
        expires_at=until,
        asked_by=actor,
    )
    session.add(offer)
    session.flush()
    _close_tasks(session, visit, now=now)
    visit.record("asked", occurred_at=now, now=now, actor=actor, payload={"offer_id": offer.id})
    _tell(visit, offer, now=now)
    return offer


def _tell(visit: Visit, offer: WindowOffer, *, now: datetime) -> None:
    payload = {
        "choices": offer.windows,
        "until": offer.expires_at.isoformat(),
        "occasion": f"w{offer.id}",
    }
    for channel in ("email", "sms"):
        visit.tell("choose", due_at=now, now=now, payload=payload, channel=channel)


def open_offer(session: Session, visit: Visit, *, now: datetime) -> WindowOffer | None:
    """The windows that the customer of a visit may choose from now."""
    offer = session.scalar(_open(visit).order_by(WindowOffer.id.desc()).limit(1))
    return offer if offer is not None and offer.expires_at > now and visit.state in PLANNABLE else None


def take(
    session: Session,
    visit: Visit,
    offer_id: int,
    number: int,
    *,
    tables: Tables,
    now: datetime,
    actor: str,
) -> Window:
    """Promise one of the offered windows and give the others back; returns it.

    Raises OfferOver, SlotTaken, StaleTravel.
    """
    offer = _answered(session, visit, offer_id, now=now)
    window = offer.choices[number]
    if not between(session, visit).has(window):
        raise OfferOver
    holds = _holds(session, visit, offer)
    for other in offer.choices:
        if other != window and other.starts_at in holds:
            service.release_hold(session, holds[other.starts_at], tables=tables, now=now)
    hold = holds.get(window.starts_at)
    service.book_visit(session, visit, window, tables=tables, now=now, actor=actor, hold=hold)
    offer.state = OfferState.TAKEN
    _close_tasks(session, visit, now=now)
    return window


def decline(session: Session, visit: Visit, offer_id: int, *, tables: Tables, now: datetime) -> None:
    """None of the windows suits: they are free again, the office calls. Raises OfferOver, StaleTravel."""
    offer = _answered(session, visit, offer_id, now=now)
    for hold in _holds(session, visit, offer).values():
        service.release_hold(session, hold, tables=tables, now=now)
    offer.state = OfferState.DECLINED
    _add_task(session, DECLINED, visit, now=now)


def withdraw(session: Session, visit: Visit, *, now: datetime) -> None:
    """Take back what a customer has not answered; what it reserved is free from now on."""
    for offer in session.scalars(_open(visit)):
        for hold in _holds(session, visit, offer).values():
            hold.expires_at = now
        offer.state = OfferState.WITHDRAWN
    session.flush()


def close_offers(session: Session, *, now: datetime) -> int:
    """End the offers that nobody answered, and leave these visits to the office; returns how many."""
    query = select(WindowOffer).where(WindowOffer.state == OfferState.OPEN, WindowOffer.expires_at <= now)
    over = session.scalars(skip_locked(session, query)).all()
    for offer in over:
        offer.state = OfferState.EXPIRED
        if offer.visit.state in PLANNABLE and offer.visit.stop is None:
            _add_task(session, UNANSWERED, offer.visit, now=now)
    return len(over)


def days_of(visit: Visit, offer: WindowOffer) -> list[date]:
    """The days whose routes change with the answer."""
    own = [visit.territory.local_day(window.starts_at) for window in offer.choices]
    return [*own, *service.days_of_visit(visit)]


def _open(visit: Visit) -> Select[WindowOffer]:
    return select(WindowOffer).where(WindowOffer.visit_id == visit.id, WindowOffer.state == OfferState.OPEN)


def _answered(session: Session, visit: Visit, offer_id: int, *, now: datetime) -> WindowOffer:
    service.lock_territory(session, visit.territory)
    session.refresh(visit, with_for_update={"of": Visit})
    offer = open_offer(session, visit, now=now)
    if offer is None or offer.id != offer_id:
        raise OfferOver
    return offer


def _holds(session: Session, visit: Visit, offer: WindowOffer) -> dict[datetime, Hold]:
    """What the offer still reserves, by the begin of the window."""
    starts = [window.starts_at for window in offer.choices]
    found = session.scalars(
        select(Hold)
        .join(BookingDraft, BookingDraft.id == Hold.draft_id)
        .where(BookingDraft.visit_id == visit.id, Hold.window_starts_at.in_(starts))
        .where(BookingDraft.created_at == offer.created_at)
    )
    return {hold.window_starts_at: hold for hold in found}


def _add_task(session: Session, kind: str, visit: Visit, *, now: datetime) -> None:
    due_at = visit.window.starts_at if visit.window else now + timedelta(days=1)
    session.add(OfficeTask(kind=kind, visit_id=visit.id, created_at=now, due_at=due_at))


def _close_tasks(session: Session, visit: Visit, *, now: datetime) -> None:
    """What the office was to do about an earlier offer is done with a new one, or with an answer."""
    session.execute(
        update(OfficeTask)
        .where(
            OfficeTask.visit_id == visit.id,
            OfficeTask.kind.in_((DECLINED, UNANSWERED)),
            OfficeTask.done_at.is_(None),
        )
        .values(done_at=now)
    )
