"""The waiting list: who waits, which gap is offered to whom, and how it is taken.

One gap is offered to one customer, with a hold on the route. Nobody else is offered what is held, so the next
in line has their turn when it runs out. Everything works inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from fieldservice.booking import manage
from fieldservice.booking.service import CUSTOMER, link_until
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import TravelTable
from fieldservice.models import (
    BookingDraft,
    Hold,
    OfferState,
    Plan,
    Visit,
    WaitingEntry,
    WaitingOffer,
    WaitingState,
    Window,
    WorkOrder,
)
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning import asking
from fieldservice.planning import service as planning
from fieldservice.planning.chains import between
from fieldservice.planning.improve import improve_later
from fieldservice.planning.limits import HELD_ALSO

DAYTIME = (8, 20)
"""Local hours between which windows are offered: nobody answers at night, and the next in line would wait."""
AT_ONCE = 500
"""Those who are looked at in one sweep, the longest waiting first."""


type Tables = Mapping[date, TravelTable]


class OfferOver(Exception):
    """There is no such offer any more: it ran out, was answered, or the visit is not to be moved."""


@dataclass(frozen=True)
class Look:
    """What somebody who waits would be offered now, and what is remembered of looking."""

    gap: Window | None
    seen: list[str]
    looked: str


def entry_of(session: Session, visit: Visit) -> WaitingEntry | None:
    """The place of a visit on the waiting list, present or past."""
    return session.scalar(
        select(WaitingEntry)
        .where(WaitingEntry.visit_id == visit.id)
        .options(selectinload(WaitingEntry.offers))
    )


def is_waiting(session: Session, visit: Visit) -> bool:
    """Whether the customer of a visit waits for another window, or for any."""
    entry = entry_of(session, visit)
    return entry is not None and entry.state == WaitingState.WAITING


def join(session: Session, visit: Visit, *, free: Sequence[Window], now: datetime) -> WaitingEntry:
    """Put a visit at the end of the list; `free` can be had already and is no gap that appears.

    Who waits already keeps their place. The visit is locked, or new.
    """
    entry = entry_of(session, visit)
    if entry is not None and entry.state == WaitingState.WAITING:
        return entry
    if entry is None:
        entry = WaitingEntry(visit_id=visit.id)
        session.add(entry)
    entry.any_time, entry.state, entry.looked = visit.window is None, WaitingState.WAITING, ""
    entry.seen, entry.joined_at = [_name(window) for window in free], now
    session.flush()
    return entry


def leave(session: Session, visit: Visit) -> None:
    """Take a visit off the list; an open offer stays until it runs out."""
    entry = entry_of(session, visit)
    if entry is not None and entry.state == WaitingState.WAITING:
        entry.state = WaitingState.LEFT


def free_windows(session: Session, visit: Visit, *, tables: TravelTables, now: datetime) -> list[Window]:
    """The windows before theirs that a customer who waits could have now, in order of time."""
    free = free_for(session, planning.ask_of(visit), tables=tables, now=now, before=visit.window)
    kept = between(session, visit)
    return [window for window in free if kept.has(window)]


def free_for(
    session: Session,
    ask: planning.Ask | None,
    *,
    tables: TravelTables,
    now: datetime,
    before: Window | None = None,
) -> list[Window]:
    """The windows that can be had now, beside everything that is planned; only those `before` another."""
    if ask is None:
        return []
    days = planning.offered_days(ask, now=now)
    if before is not None:
        days = [on for on in days if on <= ask.territory.local_day(before.starts_at)]
    offers = planning.slots(session, ask, days, now=now, tables=tables)
    found = [slot.window for on in days for slot in offers[on].slots]
    return [window for window in found if before is None or window.starts_at < before.starts_at]


def close(session: Session, *, now: datetime) -> int:
    """End the offers that ran out and the waiting of those who have nothing to wait for; returns how many.

    The office is told of its own offers that nobody answered.
    """
    asking.close_offers(session, now=now)
    expired = session.execute(
        update(WaitingOffer)
        .where(WaitingOffer.state == OfferState.OPEN, WaitingOffer.expires_at <= now)
        .values(state=OfferState.EXPIRED)
    )
    done = select(Visit.id).where(Visit.state.not_in(PLANNABLE))
    has_one = select(Visit.id).where(Visit.window_starts_at.is_not(None))
    session.execute(
        update(WaitingEntry)
        .where(
            WaitingEntry.state == WaitingState.WAITING,
            or_(
                WaitingEntry.visit_id.in_(done),
                WaitingEntry.visit_id.in_(_too_late(session, now)),
                and_(WaitingEntry.any_time, WaitingEntry.visit_id.in_(has_one)),
            ),
        )
        .values(state=WaitingState.OVER)
    )
    return int(expired.rowcount)  # type: ignore[attr-defined]


def _too_late(session: Session, now: datetime) -> list[int]:
    """The visits of those who wait and whose window cannot be changed online any more."""
    waiting = select(WaitingEntry.visit_id).where(WaitingEntry.state == WaitingState.WAITING)
    with_all = (
        joinedload(Visit.work_order).joinedload(WorkOrder.service),
        joinedload(Visit.stop),
        joinedload(Visit.territory),
    )
    promised = select(Visit).where(Visit.id.in_(waiting), Visit.window_starts_at.is_not(None))
    visits = session.scalars(promised.options(*with_all)).unique().all()
    return [visit.id for visit in visits if not manage.may(manage.require_changeable, visit, now=now)]


def in_line(session: Session) -> Sequence[int]:
    """Who waits and has no open offer, the longest waiting first."""
    open_offer = select(WaitingOffer.entry_id).where(WaitingOffer.state == OfferState.OPEN)
    return session.scalars(
        select(WaitingEntry.id)
        .where(WaitingEntry.state == WaitingState.WAITING, WaitingEntry.id.not_in(open_offer))
        .order_by(WaitingEntry.joined_at, WaitingEntry.id)
        .limit(AT_ONCE)
    ).all()


def look(
    session: Session, entry: WaitingEntry, *, tables: TravelTables, now: datetime, until: datetime
) -> Look | None:
    """The first gap that has appeared; None when nothing changed since somebody looked, and at night."""
    visit = entry.visit
    hour = now.astimezone(visit.territory.zone).hour
    if not DAYTIME[0] <= hour < DAYTIME[1]:
        return None
    looked = _state_of_days(session, visit, now)
    if looked == entry.looked:
        return None
    soonest = until + visit.service.lead_time  # who answers in the last minute gives us notice as well
    known = {*entry.seen, *(_name_at(offer.window_starts_at) for offer in entry.offers)}
    free = free_windows(session, visit, tables=tables, now=now)
    gaps = [window for window in free if _name(window) not in known and window.starts_at >= soonest]
    gap = gaps[0] if gaps else None
    later = {_name(window) for window in gaps[1:]}
    return Look(gap, [_name(window) for window in free if _name(window) not in later], looked)


def remember(entry: WaitingEntry, look: Look) -> None:
    """Keep what was seen, so that only what appears after it is a gap."""
    entry.seen, entry.looked = look.seen, look.looked


def offer(
    session: Session,
    entry: WaitingEntry,
    look: Look,
    *,
    tables: Tables,
    now: datetime,
    until: datetime,
) -> WaitingOffer | None:
    """Reserve the gap until then and tell the customer; None when they have stopped waiting meanwhile.

    Raises planning's SlotTaken when the gap is gone, StaleTravel.
    """
    visit, gap = entry.visit, look.gap
    planning.lock_territory(session, visit.territory)
    session.refresh(visit, with_for_update={"of": Visit})
    session.refresh(entry)
    ask = planning.ask_of(visit)
    waits = entry.state == WaitingState.WAITING and entry.open_offer is None and visit.state in PLANNABLE
    if ask is None or gap is None or not waits:
        return None
    draft = BookingDraft(
        token=secrets.token_urlsafe(32),
        answers={"service": visit.service.code, HELD_ALSO: [service.code for service in ask.also]},
        created_at=now,
        expires_at=until,
        visit_id=visit.id,
    )
    session.add(draft)
    session.flush()
    planning.hold_slot(session, draft, ask, gap, tables=tables, now=now, until=until)
    made = WaitingOffer(
        entry=entry,
        window_starts_at=gap.starts_at,
        window_ends_at=gap.ends_at,
        created_at=now,
        expires_at=until,
        state=OfferState.OPEN,
    )
    session.add(made)
    session.flush()
    visit.tell_offer(gap, until=until, occasion=f"o{made.id}", now=now)
    remember(entry, look)
    return made


def open_offer(session: Session, visit: Visit, *, now: datetime) -> WaitingOffer:
    """What the customer may take now; raises OfferOver."""
    entry = entry_of(session, visit)
    found = entry.open_offer if entry is not None else None
    if found is None or found.expires_at <= now or visit.state not in PLANNABLE:
        raise OfferOver
    return found


def take(session: Session, visit: Visit, offer_id: int, *, tables: Tables, now: datetime) -> None:
    """Promise the offered window in place of the old one; the visit is locked.

    Raises OfferOver when that offer is not open any more, planning's SlotTaken and StaleTravel.
    """
    taken = _answered(session, visit, offer_id, now)
    if not between(session, visit).has(window_of(taken)):
        raise OfferOver
    planning.book_visit(
        session,
        visit,
        window_of(taken),
        tables=tables,
        now=now,
        actor=CUSTOMER,
        hold=_hold(session, visit, taken),
    )
    taken.state, taken.entry.state = OfferState.TAKEN, WaitingState.TAKEN
    improve_later(session, visit, now=now)
    for link in visit.links:
        link.expires_at = max(link.expires_at, link_until(visit, now=now))


def decline(session: Session, visit: Visit, offer_id: int, *, tables: Tables, now: datetime) -> None:
    """Give the reserved window to the next in line; the customer goes on waiting. Raises OfferOver."""
    declined = _answered(session, visit, offer_id, now)
    hold = _hold(session, visit, declined)
    if hold is not None:
        planning.release_hold(session, hold, tables=tables, now=now)
    declined.state = OfferState.DECLINED


def window_of(offer: WaitingOffer) -> Window:
    """The window that is offered."""
    return Window(offer.window_starts_at, offer.window_ends_at)


def _answered(session: Session, visit: Visit, offer_id: int, now: datetime) -> WaitingOffer:
    found = open_offer(session, visit, now=now)
    if found.id != offer_id:
        raise OfferOver
    return found


def _hold(session: Session, visit: Visit, offer: WaitingOffer) -> Hold | None:
    return session.scalar(
        select(Hold)
        .join(BookingDraft, BookingDraft.id == Hold.draft_id)
        .where(BookingDraft.visit_id == visit.id, Hold.window_starts_at == offer.window_starts_at)
    )


def _state_of_days(session: Session, visit: Visit, now: datetime) -> str:
    """A word that changes whenever a window may have become free for a visit."""
    territory, today = visit.territory, visit.territory.local_day(now)
    last = today + timedelta(days=visit.service.horizon_days)
    plans = session.execute(
        select(Plan.on, Plan.version)
        .where(Plan.territory_id == territory.id, Plan.on >= today, Plan.on <= last)
        .order_by(Plan.on)
    ).all()
    holds = session.scalars(
        select(Hold.id).where(Hold.territory_id == territory.id, Hold.expires_at > now).order_by(Hold.id)
    ).all()
    parts = (
        today,
        [tuple(plan) for plan in plans],
        list(holds),
        territory.workforce_version,
        visit.service.version,
        visit.version,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _name(window: Window) -> str:
    return _name_at(window.starts_at)


def _name_at(starts_at: datetime) -> str:
    return starts_at.isoformat()
