"""The background side of the waiting list: from rows to offers, each in a transaction of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from fieldservice.booking import waiting
from fieldservice.booking.waiting import Look
from fieldservice.db import Database
from fieldservice.geo.tables import TravelTables
from fieldservice.models import WaitingEntry
from fieldservice.planning import service as planning
from fieldservice.planning.travel import with_travel
from fieldservice.sweeps import each


def offer_gaps(db: Database, tables: TravelTables, *, now: datetime, minutes: int) -> int:
    """End what ran out, then offer each gap that has appeared to the first in line; returns how many.

    Killed in the middle it goes on at the next run: what was offered is stored with its message and its hold.
    """
    db.run(lambda session: waiting.close(session, now=now))
    with db.reading() as session:
        entries = waiting.in_line(session)
    until = now + timedelta(minutes=minutes)
    return sum(each(entries, lambda entry_id: _serve(db, tables, entry_id, now=now, until=until)))


def _serve(db: Database, tables: TravelTables, entry_id: int, *, now: datetime, until: datetime) -> bool:
    """Look for one who waits; whether they were offered a window."""
    with db.reading() as session:
        entry = session.get_one(WaitingEntry, entry_id)
        found = waiting.look(session, entry, tables=tables, now=now, until=until)
        ask = planning.ask_of(entry.visit)
        territory = entry.visit.territory
    if found is None or ask is None:
        return False
    if found.gap is None:
        db.run(lambda session: waiting.remember(session.get_one(WaitingEntry, entry_id), found))
        return False
    try:
        return with_travel(
            db,
            tables,
            territory.id,
            [territory.local_day(found.gap.starts_at)],
            [ask.place],
            now=now,
            work=lambda of_days: db.run(
                lambda session: _offer(session, entry_id, found, of_days=of_days, now=now, until=until)
            ),
        )
    except planning.SlotTaken:  # somebody booked it meanwhile; the day looks otherwise at the next run
        return False


def _offer(
    session: Session,
    entry_id: int,
    found: Look,
    *,
    of_days: waiting.Tables,
    now: datetime,
    until: datetime,
) -> bool:
    entry = session.get_one(WaitingEntry, entry_id)
    return waiting.offer(session, entry, found, tables=of_days, now=now, until=until) is not None
