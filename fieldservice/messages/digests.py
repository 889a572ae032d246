"""The evening's digests: technicians read what tomorrow brings, dispatchers what it still lacks.

What they say is read when they are sent and kept nowhere: it names customers, who may want to be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.db import exists_one, lock_names
from fieldservice.models import (
    Absence,
    Conversation,
    OfficeTask,
    OutboxMessage,
    Plan,
    Role,
    Route,
    Stop,
    Technician,
    Territory,
    User,
    UserRole,
    Visit,
)
from fieldservice.models.facts import facts_of_nobody
from fieldservice.models.message import new_message
from fieldservice.models.visit import PLANNABLE
from fieldservice.notify import words
from fieldservice.notify.rendering import Occasion
from fieldservice.notify.translations import language_of, ngettext_of

DAY, OFFICE = "digest_day", "digest_office"
KINDS = frozenset({DAY, OFFICE})
_STAFF = "staff"
_COUNTS_UNTIL = time(12)  # of the day that it is about


def write_digests(session: Session, settings: Settings, *, now: datetime) -> int:
    """Write what is due of tomorrow's digests, one a day for each person; returns how many were new."""
    new = 0
    for territory in session.scalars(select(Territory).where(Territory.active).order_by(Territory.id)).all():
        local = now.astimezone(territory.zone)
        if local.hour < settings.digest_hour:
            continue
        on = local.date() + timedelta(days=1)
        for kind, person, email in _readers(session, territory, on):
            until = datetime.combine(on, _COUNTS_UNTIL, territory.zone)
            told = {"territory_id": territory.id, "on": on.isoformat(), "until": until.isoformat()}
            key = f"digest:{territory.id}:{on}:{person}"
            new += _write_once(session, key, kind, email, told | {"person": person}, now=now)
    return new


def occasion_of(session: Session, message: OutboxMessage, settings: Settings) -> Occasion:
    """What a digest says now."""
    told = message.payload
    territory, on = session.get_one(Territory, told["territory_id"]), date.fromisoformat(told["on"])
    facts = replace(
        facts_of_nobody(settings, locale=settings.locale, now=message.due_at),
        zone=territory.zone,
        link=f"{settings.public_url.rstrip('/')}{'/day/' if message.kind == DAY else f'/board/{on}'}",
    )
    lines = (
        _visits(session, told["person"], on, settings.locale)
        if message.kind == DAY
        else _office(session, territory, on, settings.locale)
    )
    return Occasion(kind=message.kind, facts=facts, first_on=on, words="\n".join(lines))


def _readers(session: Session, territory: Territory, on: date) -> Iterable[tuple[str, int, str]]:
    """Kind, number and address of everybody who gets a digest of a territory's day."""
    technicians = (
        select(Technician.id, User.email)
        .join(User, User.id == Technician.user_id)
        .where(Technician.active, User.active, Technician.territory_id == territory.id)
        .where(_stops_on(on, Stop.technician_id == Technician.id).exists())
    )
    for number, email in session.execute(technicians):
        yield DAY, number, email
    dispatchers = select(User.id, User.email).where(User.active, User.role == UserRole.DISPATCHER)
    for number, email in session.execute(dispatchers):
        yield OFFICE, -number, email


def _write_once(
    session: Session, key: str, kind: str, email: str, told: Mapping[str, Any], *, now: datetime
) -> bool:
    lock_names(session, [key])
    if exists_one(session, select(OutboxMessage.id).where(OutboxMessage.dedupe_key == f"{key}:{kind}:email")):
        return False
    message = new_message(key, kind, "email", email, role="", payload=told)
    message.dedupe_key, message.role = f"{key}:{kind}:email", _STAFF
    message.promise_version, message.due_at, message.next_at = 0, now, now
    session.add(message)
    return True


def _stops_on(on: date, *what: ColumnElement[bool]) -> Any:
    """Those of visits, led or helped with."""
    return (
        select(Stop)
        .join(Route, Route.id == Stop.route_id)
        .join(Plan, Plan.id == Route.plan_id)
        .join(Visit, Visit.id == func.coalesce(Stop.visit_id, Stop.crew_visit_id))
        .where(Plan.on == on, Visit.state.in_(PLANNABLE), *what)
    )


def _visits(session: Session, technician_id: int, on: date, locale: str) -> list[str]:
    stops = session.scalars(
        _stops_on(on, Stop.technician_id == technician_id).order_by(Stop.starts_at, Stop.id)
    )
    lines = []
    for stop in stops:
        visit, zone = stop.work, stop.work.territory.zone
        window = visit.window
        when = words.clock_time(stop.starts_at, zone, locale)
        if window is not None:
            when += f" ({words.window_words(window.starts_at, window.ends_at, zone, locale)})"
        order = visit.work_order
        there = order.contact(Role.SITE_CONTACT) or order.contact(Role.REQUESTER)
        what = [order.title_in(language_of(locale)), there.name if there else "", visit.site.one_line]
        lines.append(f"{when}: {', '.join(filter(None, what))}")
    return lines


def _office(session: Session, territory: Territory, on: date, locale: str) -> list[str]:
    ngettext = ngettext_of(locale)
    start, end = (datetime.combine(on + timedelta(days=more), time(), territory.zone) for more in (0, 1))
    here = Visit.territory_id == territory.id
    planned = _count(session, _stops_on(on, here, Stop.visit_id.is_not(None)))
    promised = Visit.window_starts_at.between(start, end)
    without = and_(here, Visit.state.in_(PLANNABLE), ~Visit.stop.has(), or_(promised, Visit.wanted_on == on))
    lost = _count(session, select(Visit).where(without))
    away = _count(
        session,
        select(Technician)
        .where(Technician.active, Technician.territory_id == territory.id)
        .where(
            select(Absence)
            .where(Absence.technician_id == Technician.id, Absence.starts_at < end, Absence.ends_at > start)
            .exists()
        ),
    )
    asked = _count(
        session, select(Conversation).join(Visit).where(here, Conversation.waiting_since.is_not(None))
    )
    mine = OfficeTask.visit_id.is_(None) | OfficeTask.visit_id.in_(select(Visit.id).where(here))
    tasks = _count(session, select(OfficeTask).where(OfficeTask.done_at.is_(None), mine))
    return [
        f"{territory.name}:",
        ngettext("%(num)d visit is planned", "%(num)d visits are planned", planned) % {"num": planned},
        ngettext("%(num)d visit has no technician", "%(num)d visits have no technician", lost)
        % {"num": lost},
        ngettext("%(num)d technician is away", "%(num)d technicians are away", away) % {"num": away},
        ngettext("%(num)d question waits for an answer", "%(num)d questions wait for an answer", asked)
        % {"num": asked},
        ngettext("%(num)d task is open", "%(num)d tasks are open", tasks) % {"num": tasks},
    ]


def _count(session: Session, query: Any) -> int:
    return session.execute(select(func.count()).select_from(query.subquery())).scalar_one()
