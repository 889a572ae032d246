"""Other windows for a visit whose promise cannot be kept, on a day that will be as a found plan has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from sqlalchemy.orm import Session

from fieldservice.geo.tables import TravelTables
from fieldservice.models import Visit, Window
from fieldservice.planning.ask import Ask, ask_of
from fieldservice.planning.chains import between
from fieldservice.planning.improve import Found
from fieldservice.planning.limits import bookable_windows
from fieldservice.planning.problem import row_id, visit_id
from fieldservice.planning.service import offered_days, slots
from fieldservice.planning.teams import find_team
from scheduler.insertion import Board
from scheduler.slots import Slots

AT_MOST = 2
_DAYS = 7


def choices_of(
    session: Session, found: Found, *, tables: TravelTables, now: datetime
) -> dict[int, tuple[Window, ...]]:
    """For each promised visit that a found plan leaves out, up to two windows that could be offered now."""
    choices = {}
    for left in found.plan.unassigned:
        row = found.day.visits.get(row_id(left.visit)) if left.visit.startswith("v") else None
        visit = session.get(Visit, row.id) if row is not None and row.promised else None
        ask = ask_of(visit) if visit is not None else None
        if visit is not None and ask is not None:
            choices[visit.id] = _choices(session, found, visit, ask, tables=tables, now=now)
    return choices


def _choices(
    session: Session, found: Found, visit: Visit, ask: Ask, *, tables: TravelTables, now: datetime
) -> tuple[Window, ...]:
    order = between(session, visit)
    today = [window for window in _same_day(session, found, visit, ask) if order.has(window)][:1]
    later = [on for on in offered_days(ask, now=now) if on > found.day.rows.on][:_DAYS]
    offers = slots(session, ask, later, now=now, tables=tables, without=[visit_id(visit)])
    free = (slot.window for on in later for slot in offers[on].slots if order.has(slot.window))
    return (*today, *islice(free, AT_MOST - len(today)))


def _same_day(session: Session, found: Found, visit: Visit, ask: Ask) -> Sequence[Window]:
    day = found.day
    windows = bookable_windows(session, ask.service, day.rows, without=[visit_id(visit)], also=ask.also)
    windows = [window for window in windows if window != visit.window]
    if not windows:
        return []
    name = visit_id(visit)
    if ask.crew > 1:
        day, board = replace(day, plan=found.plan), Board(day.problem, found.plan)
        wishes = {window: ask.visit(day, name, window) for window in windows}
        return [window for window in windows if find_team(day, wishes[window], (), None, board)]
    wish = ask.visit(day, name, windows[0])
    spans = [(day.seconds(window.starts_at), day.seconds(window.ends_at)) for window in windows]
    places = Slots(day.problem, found.plan).cheapest(wish, spans)
    return [window for window, place in zip(windows, places, strict=True) if place is not None]
