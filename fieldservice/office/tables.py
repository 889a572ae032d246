"""The lists that the office has: technicians, services, areas, customers, accounts, changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, String, cast, func, select
from sqlalchemy.orm import Session, joinedload, object_session, selectinload

from fieldservice import web
from fieldservice.models import (
    AreaWish,
    AuditEntry,
    Customer,
    Ending,
    Service,
    Site,
    Skill,
    Technician,
    TechnicianSkill,
    Territory,
    TroubleshootingResult,
    User,
)
from fieldservice.notify.words import phone_words
from fieldservice.office.lists import Choices, Column, Filter, Table
from fieldservice.office.words import KINDS, PLACES, ROLES, STATES, change_words
from fieldservice.plan_words import weekdays_words


def _of(words: Mapping[str, Any]) -> Callable[[Session], Choices]:
    return lambda _session: list(words.items())


def _in_use(column: Any) -> Filter:
    return Filter("state", _l("State"), _of(STATES), lambda value: column.is_(value == "active"))


def _state(row: Any) -> str:
    return str(STATES["active" if row.active else "closed"])


def _named(entity: Any) -> Callable[[Session], Choices]:
    return lambda session: [
        (str(row.id), row.name) for row in session.scalars(select(entity).order_by(entity.name, entity.id))
    ]


def _with_skill(value: str) -> ColumnElement[bool]:
    return Technician.skills.any(TechnicianSkill.skill_id == int(value))


def _phone(row: Any) -> str:
    return phone_words(row.phone, web.services().settings.country) if row.phone else ""


def _usual_days(technician: Technician) -> str:
    return weekdays_words(
        "".join(str(each.weekday) for each in technician.shift_patterns if not each.valid_until)
    )


def _skills(technician: Technician) -> str:
    return ", ".join(sorted(held.skill.name for held in technician.skills))


TECHNICIANS = Table(
    name="technicians",
    title=_l("Technicians"),
    entity=Technician,
    columns=[
        Column("name", _l("Name"), lambda row: row.name, Technician.name),
        Column("area", _l("Area"), lambda row: row.territory.name, Territory.name),
        Column("phone", _l("Telephone"), _phone, Technician.phone),
        Column("account", _l("Signs in as"), lambda row: row.user.email if row.user else "", User.email),
        Column("skills", _l("Skills"), _skills),
        Column("days", _l("Works on"), _usual_days),
        Column("state", _l("State"), _state, Technician.active),
    ],
    search=[Technician.name, Technician.phone, Technician.home_address, User.email],
    sort="name",
    filters=[
        Filter("area", _l("Area"), _named(Territory), lambda value: Technician.territory_id == int(value)),
        Filter("skill", _l("Skill"), _named(Skill), _with_skill),
        _in_use(Technician.active),
    ],
    joins=[Technician.territory, Technician.user],
    options=[
        joinedload(Technician.territory),
        joinedload(Technician.user),
        selectinload(Technician.skills),
        selectinload(Technician.shift_patterns),
    ],
    opens="people.technician",
    new="office.technicians",
    none=_l("No technician was found."),
)
_SOLVED = (
    select(func.count(TroubleshootingResult.id))
    .where(TroubleshootingResult.service_id == Service.id, TroubleshootingResult.ending == Ending.SOLVED)
    .scalar_subquery()
)


def _solved(service: Service) -> int:
    """How many problems its first checks solved without a visit; a company has a handful of services."""
    session = object_session(service)
    return session.execute(select(_SOLVED).where(Service.id == service.id)).scalar_one() if session else 0


SERVICES = Table(
    name="services",
    title=_l("Services"),
    entity=Service,
    columns=[
        Column("name", _l("Name"), lambda row: row.name, Service.name),
        Column("code", _l("Code"), lambda row: row.code, Service.code),
        Column("place", _l("Where"), lambda row: str(PLACES[row.place]), Service.place),
        Column(
            "minutes", _l("Minutes"), lambda row: int(row.duration.total_seconds() // 60), Service.duration
        ),
        Column("price", _l("Price"), lambda row: row.price_text),
        Column("fee", _l("Late cancellation"), lambda row: row.late_fee),
        Column("solved", _l("Solved by first checks"), _solved, _SOLVED),
        Column("state", _l("State"), _state, Service.active),
    ],
    search=[Service.name, Service.code, Service.description],
    sort="name",
    filters=[
        Filter("place", _l("Where"), _of(PLACES), lambda value: Service.place == value),
        _in_use(Service.active),
    ],
    opens="edit.service",
    new="edit.new_service",
    none=_l("No service was found."),
)
AREAS = Table(
    name="areas",
    title=_l("Areas"),
    entity=Territory,
    columns=[
        Column("name", _l("Name"), lambda row: row.name, Territory.name),
        Column("zone", _l("Time zone"), lambda row: row.time_zone, Territory.time_zone),
        Column("radius", _l("Kilometres around"), lambda row: round(row.radius_m / 1000), Territory.radius_m),
        Column("days", _l("Working days"), lambda row: weekdays_words(row.working_days)),
        Column("holidays", _l("Public holidays"), lambda row: row.holidays, Territory.holidays),
        Column("branches", _l("Branches"), lambda row: ", ".join(each.name for each in row.branches)),
        Column("state", _l("State"), _state, Territory.active),
    ],
    search=[Territory.name, Territory.time_zone],
    sort="name",
    filters=[_in_use(Territory.active)],
    options=[selectinload(Territory.branches)],
    opens="areas.area",
    new="areas.new_area",
    none=_l("No area was found."),
)
CUSTOMERS = Table(
    name="customers",
    title=_l("Customers"),
    entity=Customer,
    columns=[
        Column("name", _l("Name"), lambda row: row.name, Customer.name),
        Column("email", _l("E-mail address"), lambda row: row.email, Customer.email),
        Column("phone", _l("Telephone"), _phone, Customer.phone),
        Column("kind", _l("Kind"), lambda row: str(KINDS[row.kind]), Customer.kind),
        Column("sites", _l("Addresses"), lambda row: "; ".join(site.one_line for site in row.sites)),
        Column("since", _l("Since"), lambda row: row.created_at.date().isoformat(), Customer.created_at),
    ],
    search=[Customer.name, Customer.email, Customer.phone],
    sort="name",
    filters=[
        Filter("kind", _l("Kind"), _of(KINDS), lambda value: Customer.kind == value),
        Filter(
            "area",
            _l("Area"),
            _named(Territory),
            lambda value: Customer.sites.any(Site.territory_id == int(value)),
        ),
    ],
    options=[selectinload(Customer.sites)],
    none=_l("No customer was found."),
)
ACCOUNTS = Table(
    name="accounts",
    title=_l("Accounts"),
    entity=User,
    columns=[
        Column("name", _l("Name"), lambda row: row.name, User.name),
        Column("email", _l("E-mail address"), lambda row: row.email, User.email),
        Column("role", _l("Role"), lambda row: str(ROLES[row.role]), User.role),
        Column("since", _l("Since"), lambda row: row.created_at.date().isoformat(), User.created_at),
        Column("state", _l("State"), _state, User.active),
    ],
    search=[User.name, User.email],
    sort="name",
    filters=[
        Filter("role", _l("Role"), _of(ROLES), lambda value: User.role == value),
        _in_use(User.active),
    ],
    opens="edit.account",
    new="edit.new_account",
    none=_l("No account was found."),
)


WISHES = Table(
    name="wishes",
    title=_l("Wanted elsewhere"),
    entity=AreaWish,
    columns=[
        Column("city", _l("Town"), lambda row: row.city, AreaWish.city),
        Column("postcode", _l("Postcode"), lambda row: row.postcode, AreaWish.postcode),
        Column("email", _l("E-mail address"), lambda row: row.email, AreaWish.email),
        Column("service", _l("Service"), lambda row: row.service.name, Service.name),
        Column("since", _l("Since"), lambda row: row.created_at.date().isoformat(), AreaWish.created_at),
        Column(
            "told",
            _l("Told on"),
            lambda row: row.told_at.date().isoformat() if row.told_at else "",
            AreaWish.told_at,
        ),
    ],
    search=[AreaWish.city, AreaWish.postcode, AreaWish.email],
    sort="-since",
    filters=[
        Filter("service", _l("Service"), _named(Service), lambda value: AreaWish.service_id == int(value)),
        Filter(
            "told",
            _l("Told"),
            _of({"no": _l("not yet"), "yes": _l("told")}),
            lambda value: AreaWish.told_at.is_(None) if value == "no" else AreaWish.told_at.is_not(None),
        ),
    ],
    joins=[AreaWish.service],
    options=[joinedload(AreaWish.service)],
    none=_l("Nobody outside your areas asked for you."),
)


def _actions(session: Session) -> Choices:
    found = session.scalars(select(AuditEntry.action).distinct())
    return sorted(((action, change_words(action)) for action in found), key=lambda each: each[1])


def _part(name: str) -> Callable[[AuditEntry], str]:
    def words(entry: AuditEntry) -> str:
        part = entry.detail.get(name)
        return json.dumps(part, ensure_ascii=False, sort_keys=True) if part else ""

    return words


def _subject(entry: AuditEntry) -> str:
    return f"{entry.subject_kind} {entry.subject_id or ''}".strip()


CHANGES = Table(
    name="changes",
    title=_l("Changes"),
    entity=AuditEntry,
    columns=[
        Column("at", _l("When (UTC)"), lambda row: f"{row.at:%Y-%m-%d %H:%M}", AuditEntry.at),
        Column("actor", _l("Who"), lambda row: row.actor.partition(" ")[2] or row.actor, AuditEntry.actor),
        Column("action", _l("What"), lambda row: change_words(row.action), AuditEntry.action),
        Column("subject", _l("Of"), _subject, AuditEntry.subject_kind),
        Column("before", _l("Before"), _part("before")),
        Column("after", _l("After"), _part("after")),
    ],
    search=[
        AuditEntry.actor,
        AuditEntry.action,
        AuditEntry.subject_kind,
        cast(AuditEntry.detail, String),
    ],
    sort="-at",
    filters=[Filter("action", _l("What"), _actions, lambda value: AuditEntry.action == value)],
    none=_l("No change was found."),
)
TABLES = {table.name: table for table in (TECHNICIANS, SERVICES, AREAS, CUSTOMERS, WISHES, ACCOUNTS, CHANGES)}
