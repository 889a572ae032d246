"""Which windows of a day a customer is not offered, and which rule keeps each from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from fieldservice.geo.tables import TravelTables
from fieldservice.models import Window
from fieldservice.planning.limits import bookable_windows
from fieldservice.planning.problem import Day, build
from fieldservice.planning.rows import DayRows, load_day
from fieldservice.planning.service import Ask
from fieldservice.planning.teams import first_place
from fieldservice.planning.travel import table_of
from fieldservice.planning.why import Why, why_window
from fieldservice.planning.windows import day_windows, is_open, offered_windows


class Because(StrEnum):
    """Why a window is not offered, without a word about anybody else."""

    NOTICE = "notice"  # it begins too soon
    LIMIT = "limit"  # the service has all its visits of the day
    SKILL = "skill"  # nobody at work can do it
    HOURS = "hours"  # it would not end within the working day
    BREAK = "break"
    BUSY = "busy"  # with others, or on the way to them
    TECHNICIAN = "technician"  # the one who is asked for is not free


@dataclass(frozen=True)
class Missing:
    """A window that is not offered, and why."""

    window: Window
    because: Because


_BY_RULE = {
    "shift_end": Because.HOURS,
    "shift_start": Because.HOURS,
    "duration": Because.HOURS,
    "break": Because.BREAK,
}


def missing_windows(
    session: Session,
    ask: Ask,
    on: date,
    *,
    now: datetime,
    tables: TravelTables,
    without: Iterable[str] = (),
) -> list[Missing]:
    """The windows of a day that are still to come and not offered, in order of time; none on a closed day.

    `without` names what the customer already has and would give up.
    """
    rows = load_day(session, ask.territory, on, now=now)
    coming = _coming(ask, rows)
    if not coming:
        return []
    in_time = offered_windows(ask.service, rows)
    allowed = bookable_windows(session, ask.service, rows, without=without, also=ask.also)
    day = build(rows, table_of(tables, rows, [ask.place]), without=without)
    found = []
    for window in coming:
        because = _because(day, ask, window) if window in allowed else None
        if window not in in_time:
            because = Because.NOTICE
        elif window not in allowed:
            because = Because.LIMIT
        if because is not None:
            found.append(Missing(window, because))
    return found


def _coming(ask: Ask, rows: DayRows) -> list[Window]:
    if not is_open(ask.service, ask.territory, rows.on, now=rows.now):
        return []
    working = [day.working_day for day in rows.technicians if day.working_day]
    windows = day_windows(ask.service, ask.territory, working)
    return [window for window in windows if window.ends_at > rows.now]


def _because(day: Day, ask: Ask, window: Window) -> Because | None:
    """What keeps everybody from a window; None when somebody can come."""
    wish = ask.visit(day, "wish", window)
    if first_place(day, wish) is not None:
        return None
    why = why_window(day, replace(wish, crew=1))
    return Because.BUSY if why.placed or why.alternatives else _main_reason(why, ask)  # enough for one alone


def _main_reason(why: Why, ask: Ask) -> Because:
    """The reason of those who could do it at all: one rule for a customer, not one for each technician."""
    if why.nobody:
        return Because.SKILL
    if ask.only_technician_id is not None:
        return Because.TECHNICIAN
    rules = {found.rule for found in why.refusals} - {"skill", "technician"}
    reasons = {_BY_RULE.get(rule, Because.BUSY) for rule in rules}
    if not reasons:
        return Because.SKILL
    return reasons.pop() if len(reasons) == 1 else Because.BUSY
