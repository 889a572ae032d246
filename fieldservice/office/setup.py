"""The first rows of a company: its name, territory, services and technicians. Knows no web."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.db import exists_one, lock_names
from fieldservice.geo.types import Coordinates
from fieldservice.models import (
    BreakRule,
    CompanyProfile,
    IntakeOption,
    IntakeQuestion,
    QuestionKind,
    Service,
    ServiceSkill,
    ServiceTranslation,
    ShiftPattern,
    Skill,
    Technician,
    TechnicianSkill,
    Territory,
)
from fieldservice.notify.translations import SOURCE, languages
from fieldservice.office.records import Change, record
from fieldservice.office.starters import QUESTION, SKILLS, TRADES, Starter

_COLOURS = 8
_LUNCH = (time(11, 30), time(13), timedelta(minutes=30))


class Step(StrEnum):
    """What is still to be done before anything can be booked."""

    COMPANY = "company"
    SERVICES = "services"
    TECHNICIANS = "technicians"
    READY = "ready"


class NameTaken(Exception):
    """Another territory has this name."""


@dataclass(frozen=True)
class Area:
    """A territory that is to be: a circle around a place."""

    name: str
    time_zone: str
    centre: Coordinates
    radius_m: int
    working_days: str
    holidays: str = ""


@dataclass(frozen=True)
class Hours:
    """When somebody usually works, in the territory's time."""

    weekdays: str
    starts: time
    ends: time
    lunch: bool


def next_step(session: Session) -> Step:
    """The first step that nothing was done for yet."""
    for step, query in (
        (Step.COMPANY, select(Territory.id).where(Territory.active)),
        (Step.SERVICES, select(Service.id).where(Service.active)),
        (Step.TECHNICIANS, select(Technician.id).where(Technician.active)),
    ):
        if not exists_one(session, query):
            return step
    return Step.READY


def found_company(
    session: Session, area: Area, *, name: str, phone: str, now: datetime, actor: str
) -> Territory:
    """Store the company's name and number and its first territory. Raises NameTaken."""
    lock_names(session, ["company", f"territory {area.name}"])
    if exists_one(session, select(Territory.id).where(Territory.name == area.name)):
        raise NameTaken
    profile = session.get(CompanyProfile, 1) or CompanyProfile(id=1)
    profile.name, profile.phone, profile.changed_at = name, phone, now
    territory = Territory(
        name=area.name,
        time_zone=area.time_zone,
        centre_lat=area.centre.lat,
        centre_lon=area.centre.lon,
        radius_m=area.radius_m,
        working_days=area.working_days,
        holidays=area.holidays,
    )
    session.add_all([profile, territory])
    session.flush()
    after = {"company": name, "territory": area.name, "time_zone": area.time_zone, "radius_m": area.radius_m}
    record(session, "office_added", territory, {}, after, Change(now, actor))
    return territory


def add_services(session: Session, trades: Iterable[str], *, now: datetime, actor: str) -> list[Service]:
    """The services of these trades that are not there yet, with the skills that they need."""
    lock_names(session, ["company"])
    skills = {skill.code: skill for skill in session.scalars(select(Skill))}
    known = set(session.scalars(select(Service.code)))
    position = session.scalar(select(func.coalesce(func.max(Service.position), -1))) or 0
    added = []
    for starter in (starter for trade in trades for starter in TRADES[trade]):
        if starter.code in known:
            continue
        for code in starter.skills:
            skills.setdefault(code, Skill(code=code, name=SKILLS[code]))
        session.add_all(skills[code] for code in starter.skills)
        session.flush()
        position += 1
        added.append(_service(starter, position, skills))
        session.add(added[-1])
        session.flush()
        after = {"code": starter.code, "name": starter.name}
        record(session, "office_added", added[-1], {}, after, Change(now, actor))
    return added


def add_technician(
    session: Session,
    technician: Technician,
    skills: Iterable[Skill],
    hours: Hours,
    *,
    today: date,
    now: datetime,
    actor: str,
) -> None:
    """Store somebody who has these skills and works these hours from today on."""
    people = session.scalar(select(func.count(Technician.id))) or 0
    technician.colour = people % _COLOURS + 1
    technician.skills = [TechnicianSkill(skill_id=skill.id, level=1) for skill in skills]
    technician.shift_patterns = [
        ShiftPattern(weekday=int(day), starts=hours.starts, ends=hours.ends, valid_from=today)
        for day in hours.weekdays
    ]
    earliest, latest, duration = _LUNCH
    rule = BreakRule(earliest=earliest, latest=latest, duration=duration)
    technician.break_rules = [rule] if hours.lunch else []
    session.add(technician)
    session.flush()
    after = {"name": technician.name, "weekdays": hours.weekdays}
    after |= {"starts": hours.starts.isoformat(), "ends": hours.ends.isoformat()}
    record(session, "office_added", technician, {}, after, Change(now, actor))


def _service(starter: Starter, position: int, skills: Mapping[str, Skill]) -> Service:
    buffer = timedelta(minutes=starter.buffer_minutes)
    question = IntakeQuestion(code="symptoms", kind=QuestionKind.CHIPS, label=QUESTION)
    question.options = [
        IntakeOption(code=text, label=text, position=number) for number, text in enumerate(starter.symptoms)
    ]
    return Service(
        code=starter.code,
        name=starter.name,
        icon=starter.icon,
        description=starter.description,
        place=starter.place,
        duration=timedelta(minutes=starter.minutes),
        setup=buffer,
        cleanup=buffer,
        position=position,
        skills=[ServiceSkill(skill_id=skills[code].id, level=1) for code in starter.skills],
        intake_questions=[question],
        translations={
            language: ServiceTranslation(language=language, texts=starter.texts_in(language))
            for language in languages()
            if language != SOURCE
        },
    )
