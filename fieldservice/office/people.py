"""Who makes visits: details, skills and hours, and what a change does to planned visits. Knows no web."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from fieldservice.db import exists_one
from fieldservice.models import (
    Hold,
    Plan,
    Route,
    ShiftOverride,
    ShiftPattern,
    Stop,
    Technician,
    TechnicianSkill,
    Visit,
)
from fieldservice.models.visit import ENDED, PLANNABLE
from fieldservice.office.records import Change, record, require_version
from fieldservice.planning.crews import drop_stops
from fieldservice.planning.lost import lose_places
from fieldservice.planning.running import CauseKind
from fieldservice.planning.service import lock_territory

_MADE = or_(Visit.id == Stop.visit_id, Visit.id == Stop.crew_visit_id)  # led, or helped with


@dataclass(frozen=True)
class Held:
    """A skill that somebody has, until the end of a day."""

    level: int
    expires_on: date | None


@dataclass(frozen=True)
class Shift:
    """Hours of one day in the territory's time."""

    starts: time
    ends: time


type Week = Mapping[int, Shift]
"""Usual hours by weekday, Monday is 0; who does not work has none."""


@dataclass(frozen=True)
class Likeness:
    """Everything of a technician that a form says."""

    values: Mapping[str, Any]
    skills: Mapping[int, Held]
    week: Week
    from_on: date


@dataclass(frozen=True)
class Misfit:
    """A planned visit, by its number, that its technician could not make after a change."""

    visit_id: int
    on: date


class Touches(Exception):
    """Planned visits would lose their technician; nothing was changed."""

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        super().__init__(f"{len(misfits)} planned visits")
        self.misfits = misfits


class AtWork(Exception):
    """Somebody who leaves is on a visit, or a customer has a window of theirs reserved for some minutes."""


class LaterHours(Exception):
    """Other hours are planned from a later day on, which these would take away."""

    def __init__(self, on: date) -> None:
        super().__init__(on.isoformat())
        self.on = on


def week_of(technician: Technician, on: date) -> dict[int, Shift]:
    """The usual week that counts on a day, without what is otherwise on single days or planned for later."""
    found: dict[int, ShiftPattern] = {}
    for pattern in technician.shift_patterns:
        ended = pattern.valid_until is not None and pattern.valid_until < on
        known = found.get(pattern.weekday)
        if (
            pattern.valid_from <= on
            and not ended
            and (known is None or known.valid_from < pattern.valid_from)
        ):
            found[pattern.weekday] = pattern
    return {day: Shift(found[day].starts, found[day].ends) for day in sorted(found)}


def later_weeks(technician: Technician, after: date) -> dict[date, dict[int, Shift]]:
    """The usual weeks that are planned to begin after a day."""
    days = sorted({pattern.valid_from for pattern in technician.shift_patterns if pattern.valid_from > after})
    return {day: week_of(technician, day) for day in days}


def as_json(technician: Technician, on: date) -> dict[str, Any]:
    """What the audit trail keeps of a technician: hours and single days are those from a day on."""
    names = ("name", "phone", "territory_id", "user_id", "home_address", "home_lat", "home_lon", "active")
    patterns = [
        each for each in technician.shift_patterns if each.valid_until is None or each.valid_until >= on
    ]
    return {
        **{name: getattr(technician, name) for name in names},
        "skills": {
            held.skill.code: f"{held.level} {held.expires_on or ''}".strip() for held in technician.skills
        },
        "hours": sorted(map(_pattern_words, patterns)),
        "exceptions": {
            each.on.isoformat(): "off" if each.day_off else f"{each.starts:%H:%M}–{each.ends:%H:%M}"
            for each in technician.shift_overrides
            if each.on >= on
        },
    }


def _pattern_words(pattern: ShiftPattern) -> str:
    hours = f"{pattern.weekday}: {pattern.starts:%H:%M}–{pattern.ends:%H:%M}"
    return f"{hours} {pattern.valid_from}–{pattern.valid_until or ''}"


def change(
    session: Session,
    technician: Technician,
    wanted: Likeness,
    by: Change,
) -> None:
    """Make a technician what the form says.

    Raises Overtaken, AtWork, LaterHours, and Touches unless they are sure. Visits that could not be made any
    more lose their place; a plan for them is looked for, and what was promised to their customers stands.
    """

    def work() -> None:
        for name, value in wanted.values.items():
            setattr(technician, name, value)
        _write_skills(technician, wanted.skills)
        if week_of(technician, wanted.from_on) == dict(wanted.week):
            return
        for later in later_weeks(technician, wanted.from_on):
            raise LaterHours(later)
        _write_week(technician, wanted.week, wanted.from_on)

    _changed(session, technician, work, by)


def except_on(
    session: Session,
    technician: Technician,
    on: date,
    shift: Shift | None,
    reason: str,
    by: Change,
) -> None:
    """Other hours on one day, or none. Raises Overtaken, and Touches unless they are sure."""

    def work() -> None:
        override = technician.override(on)
        if override is None:
            override = ShiftOverride(on=on)
            technician.shift_overrides.append(override)
        override.day_off, override.reason = shift is None, reason
        if shift is not None:
            override.starts, override.ends = shift.starts, shift.ends

    _changed(session, technician, work, by)


def as_usual_on(
    session: Session,
    technician: Technician,
    on: date,
    by: Change,
) -> None:
    """The usual hours again on one day. Raises Overtaken, and Touches unless they are sure."""

    def work() -> None:
        technician.shift_overrides = [each for each in technician.shift_overrides if each.on != on]

    _changed(session, technician, work, by)


def _changed(
    session: Session,
    technician: Technician,
    work: Callable[[], None],
    by: Change,
) -> None:
    territory = technician.territory
    lock_territory(session, territory)
    session.refresh(technician)
    require_version(technician, by)
    today, planned = territory.local_day(by.now), _planned(session, technician, now=by.now)
    before = as_json(technician, today)
    fitted = {visit.id for stop, on, visit in planned if _fits(technician, stop, on, visit)}
    work()
    flag_modified(technician, "name")  # other hours alone are another version as well
    session.flush()
    leaves = not technician.active or technician.territory_id != territory.id
    if leaves and _is_busy(session, technician, now=by.now):
        raise AtWork
    lost = [
        (visit, on)
        for stop, on, visit in planned
        if not _fits(technician, stop, on, visit) and (leaves or visit.id in fitted)
    ]
    if lost and not by.sure:
        raise Touches([Misfit(visit.id, on) for visit, on in lost])
    record(session, "office_changed", technician, before, as_json(technician, today), by)
    if leaves:  # nobody looks at their routes any more
        drop_stops(session, [visit.id for visit, _on in lost])
    _find_places(session, technician, lost, by)


def _is_busy(session: Session, technician: Technician, *, now: datetime) -> bool:
    mine = select(Stop.id).where(Stop.technician_id == technician.id)
    begun = mine.join(Visit, _MADE).where(Visit.state.not_in([*PLANNABLE, *ENDED]))
    held = mine.join(Hold, Hold.id == Stop.hold_id).where(Hold.expires_at > now)
    return exists_one(session, begun) or exists_one(session, held)


def _planned(session: Session, technician: Technician, *, now: datetime) -> list[tuple[Stop, date, Visit]]:
    rows = session.execute(
        select(Stop, Plan.on, Visit)
        .join(Route, Route.id == Stop.route_id)
        .join(Plan, Plan.id == Route.plan_id)
        .join(Visit, _MADE)
        .where(Stop.technician_id == technician.id, Stop.ends_at > now, Visit.state.in_(PLANNABLE))
        .order_by(Stop.starts_at)
    )
    return [(stop, on, visit) for stop, on, visit in rows]


def _fits(technician: Technician, stop: Stop, on: date, visit: Visit) -> bool:
    territory = technician.territory
    day = technician.working_day(on, territory.zone) if technician.active else None
    if day is None or technician.territory_id != visit.territory_id:
        return False
    held = technician.skill_levels(on)
    skilled = all(held.get(code, 0) >= level for code, level in visit.required_skills().items())
    return skilled and day.starts_at <= stop.starts_at and stop.ends_at <= day.ends_at + day.overtime


def _find_places(
    session: Session, technician: Technician, lost: Sequence[tuple[Visit, date]], by: Change
) -> None:
    days, territories = {on for _visit, on in lost}, {visit.territory_id for visit, _on in lost}
    query = select(Plan).where(Plan.territory_id.in_(territories), Plan.on.in_(days)).order_by(Plan.on)
    kind = CauseKind.OTHERWISE
    for plan in session.scalars(query):
        visits = [visit for visit, on in lost if on == plan.on and visit.territory_id == plan.territory_id]
        lose_places(session, plan, visits, kind, technician.id, {}, now=by.now, actor=by.actor)


def _write_skills(technician: Technician, skills: Mapping[int, Held]) -> None:
    held = {each.skill_id: each for each in technician.skills}
    technician.skills = [held.get(number) or TechnicianSkill(skill_id=number) for number in skills]
    for each in technician.skills:
        each.level, each.expires_on = skills[each.skill_id].level, skills[each.skill_id].expires_on


def _write_week(technician: Technician, week: Week, from_on: date) -> None:
    overtime = {pattern.weekday: pattern.overtime for pattern in technician.shift_patterns}
    earlier = [pattern for pattern in technician.shift_patterns if pattern.valid_from < from_on]
    last = from_on - timedelta(days=1)
    for pattern in earlier:
        if pattern.valid_until is None or pattern.valid_until > last:
            pattern.valid_until = last
    new = [
        ShiftPattern(
            weekday=weekday,
            starts=shift.starts,
            ends=shift.ends,
            overtime=overtime.get(weekday, timedelta(0)),
            valid_from=from_on,
        )
        for weekday, shift in sorted(week.items())
    ]
    technician.shift_patterns = [*earlier, *new]
