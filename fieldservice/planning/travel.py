"""Travel tables of days, fetched before a transaction that needs them begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from fieldservice.db import Database
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import Territory
from fieldservice.planning.problem import StaleTravel
from fieldservice.planning.rows import DayRows, load_days

_TRIES = 4
_MORNING = timedelta(hours=10)


def table_of(tables: TravelTables, rows: DayRows, extra: Sequence[Coordinates] = ()) -> TravelTable:
    """The travel table of a day and of the places in `extra`."""
    day = (rows.territory.id, rows.on)
    key = day if rows.only is None else (*day, *rows.only)
    return tables.of(key, [*rows.places(), *extra], at=departure(rows))


def known_table(tables: TravelTables, rows: DayRows, extra: Sequence[Coordinates]) -> TravelTable:
    """The same for rows of some technicians, from what is known of their whole day when there is any."""
    places = [*rows.places(), *extra]
    return tables.newest((rows.territory.id, rows.on), places) or table_of(tables, rows, extra)


def departure(rows: DayRows) -> datetime:
    """The hour for which the driving times of a day are asked."""
    return rows.epoch + _MORNING


def with_travel[T](
    db: Database,
    tables: TravelTables,
    territory_id: int,
    days: Iterable[date],
    extra: Sequence[Coordinates],
    *,
    now: datetime,
    work: Callable[[Mapping[date, TravelTable]], T],
) -> T:
    """Fetch the travel tables of some days, then do `work`, which opens its own transaction.

    The first try trusts the tables that this process made last. When a place has come since, the places are
    read and it is done again: no transaction waits for the road engine.
    """
    wanted = sorted(set(days))
    newest = {on: tables.newest((territory_id, on), extra) for on in wanted}
    found = {on: table for on, table in newest.items() if table is not None}
    for attempt in range(1, _TRIES + 1):
        if len(found) < len(wanted):
            found = _fetch(db, tables, territory_id, wanted, extra, now)
        try:
            return work(found)
        except StaleTravel:
            if attempt == _TRIES:
                raise
            found = {}
    raise AssertionError("unreachable")


def _fetch(
    db: Database,
    tables: TravelTables,
    territory_id: int,
    days: Sequence[date],
    extra: Sequence[Coordinates],
    now: datetime,
) -> dict[date, TravelTable]:
    with db.reading() as session:
        territory = session.get_one(Territory, territory_id)
        loaded = load_days(session, territory, days, now=now)
        return {rows.on: table_of(tables, rows, extra) for rows in loaded}
