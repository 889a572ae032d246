"""The holds of a draft: one for each of its visits, reserved together or not at all.

A draft has one hold. The visits that follow the first have theirs on carriers: drafts of nobody, whose tokens
nobody knows.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.booking import drafts
from fieldservice.booking.drafts import Draft
from fieldservice.booking.several import Leg
from fieldservice.geo.types import TravelTable
from fieldservice.models import BookingDraft, Hold, Window
from fieldservice.planning import service as planning
from fieldservice.planning.chains import in_order
from fieldservice.planning.limits import HELD_ALSO


def holds_of(session: Session, draft: Draft) -> list[Hold]:
    """What the draft has reserved, in the order of its visits; some may have run out."""
    ids = [draft.row.id, *draft.answers.carriers]
    found = session.scalars(select(Hold).where(Hold.draft_id.in_(ids))).all()
    return sorted(found, key=lambda hold: ids.index(hold.draft_id))


def hold_of_each(session: Session, draft: Draft) -> list[Hold | None]:
    """For each visit of the draft what is reserved for it; None where nothing is any more."""
    by_draft = {hold.draft_id: hold for hold in holds_of(session, draft)}
    ids = [draft.row.id, *draft.answers.carriers, *([0] * len(draft.legs))]
    return [by_draft.get(key) for key in ids[: len(draft.legs)]]


def keep_until(
    session: Session,
    draft: Draft,
    until: datetime,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
) -> list[BookingDraft]:
    """Keep what the draft has picked reserved until then, or reserve it again if it ran out.

    Returns the drafts that carry the holds, in the order of the visits. Raises SlotTaken, StaleTravel.
    """
    held = [hold for hold in hold_of_each(session, draft) if hold is not None and hold.expires_at > now]
    if len(held) == len(draft.legs):
        for hold in held:
            hold.expires_at = until
        return [session.get_one(BookingDraft, hold.draft_id) for hold in held]
    carriers = hold_all(
        session, draft, draft.windows, whom=draft.technician_id, tables=tables, now=now, until=until
    )
    return [draft.row, *(session.get_one(BookingDraft, key) for key in carriers)]


def hold_all(
    session: Session,
    draft: Draft,
    windows: Sequence[Window],
    *,
    whom: int | None = None,
    tables: Mapping[date, TravelTable],
    now: datetime,
    until: datetime,
) -> tuple[int, ...]:
    """Reserve a window for each visit of a locked draft until then, in place of all that it held.

    `whom` is the technician who has to come, when there is one visit. Returns the ids of the drafts that
    carry the holds after the first. Raises planning's SlotTaken when a window is gone or does not come after
    the one before, StaleTravel; the caller then rolls back.
    """
    asks = draft.wishes if len(draft.legs) > 1 else tuple(ask.of(whom) for ask in draft.wishes)
    if len(windows) != len(asks) or not (draft.at_sites or in_order(asks, windows)):
        raise planning.SlotTaken(windows[0])
    release_all(session, draft, tables=tables, now=now)
    carriers = carriers_of(session, draft, len(asks) - 1, now=now)
    for row, leg in zip(carriers, draft.legs[1:], strict=True):
        _carry(row, leg)
    rows = [draft.row, *carriers]
    for row, ask, window in zip(rows, asks, windows, strict=True):
        planning.hold_slot(session, row, ask, window, tables=tables, now=now, until=until)
    return tuple(row.id for row in rows[1:])


def hold_one(
    session: Session,
    draft: Draft,
    part: int,
    window: Window,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    until: datetime,
) -> tuple[int, ...]:
    """Reserve a window for one of several sites; what is reserved for the others stays.

    Returns the ids of the drafts that carry the holds after the first. Raises SlotTaken, StaleTravel.
    """
    planning.lock_territory(session, draft.area)
    rows = [draft.row, *carriers_of(session, draft, max(part, len(draft.answers.carriers)), now=now)]
    if part:
        _carry(rows[part], draft.legs[part])
    planning.hold_slot(session, rows[part], draft.wishes[part], window, tables=tables, now=now, until=until)
    return tuple(row.id for row in rows[1:])


def codes_beside(leg: Leg) -> list[str]:
    """What the visit does beside its first service: each counts against its own limit a day."""
    return [service.code for service in leg.also]


def _carry(row: BookingDraft, leg: Leg) -> None:
    row.answers = {"service": leg.service.code, HELD_ALSO: codes_beside(leg)}


def release_all(session: Session, draft: Draft, *, tables: Mapping[date, TravelTable], now: datetime) -> None:
    """Give back all that the draft has reserved. Raises StaleTravel."""
    for hold in holds_of(session, draft):
        planning.release_hold(session, hold, tables=tables, now=now)


def carriers_of(session: Session, draft: Draft, number: int, *, now: datetime) -> list[BookingDraft]:
    """That many drafts to carry holds: those that there are, and new ones."""
    rows = [session.get_one(BookingDraft, key) for key in draft.answers.carriers[:number]]
    while len(rows) < number:
        row = BookingDraft(
            token=secrets.token_urlsafe(32),
            answers={"service": draft.service.code},
            created_at=now,
            expires_at=now + drafts.LIFETIME,
            network=draft.row.network,
        )
        session.add(row)
        session.flush()
        rows.append(row)
    return rows
