"""What the schema refuses whoever writes: rewritten histories, lost updates, impossible values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from fieldservice.db import Database
from fieldservice.models import (
    Absence,
    AuditEntry,
    Base,
    BreakRule,
    Pin,
    Plan,
    ServiceSkill,
    ShiftOverride,
    ShiftPattern,
    TechnicianSkill,
    User,
    VisitEvent,
)
from tests.factories import (
    NOW,
    TODAY,
    add,
    make_absence,
    make_company,
    make_customer,
    make_draft,
    make_hold,
    make_override,
    make_route,
    make_service,
    make_site,
    make_skill,
    make_stop,
    make_technician,
    make_visit,
    make_work_order,
    number,
    window,
)

HOUR = timedelta(hours=1)


# --- histories


def make_history(session: Session) -> None:
    """One event of a visit and one audit entry."""
    visit = make_visit(session)
    visit.record("note", occurred_at=NOW, now=NOW, actor="test")
    session.add(AuditEntry(at=NOW, actor="test", action="looked"))


@pytest.mark.parametrize("table", ["visit_event", "audit_entry"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET actor = 'nobody'", "DELETE FROM {}"])
def test_a_history_cannot_be_rewritten(db: Database, table: str, statement: str) -> None:
    """Neither an update nor a delete gets through to the histories, and the refusal says why."""
    db.run(make_history)
    with pytest.raises(DBAPIError, match=f"{table} is append-only"), db.transaction() as session:
        session.execute(text(statement.format(table)))
    with db.reading() as session:
        assert session.scalars(select(VisitEvent.actor)).all() == ["test"]
        assert session.scalars(select(AuditEntry.actor)).all() == ["test"]


def test_without_the_guard_a_history_can_be_rewritten(altered_db: Database) -> None:
    """Positive control: the triggers are what keeps the histories."""
    altered_db.run(make_history)
    names = ("visit_event_append_only_update", "visit_event_append_only_delete")
    with altered_db.transaction() as session:
        if altered_db.engine.dialect.name == "postgresql":
            session.execute(text("DROP TRIGGER visit_event_append_only ON visit_event"))
        else:
            for name in names:
                session.execute(text(f"DROP TRIGGER {name}"))
        session.execute(text("UPDATE visit_event SET actor = 'nobody'"))
        assert session.scalar(select(VisitEvent.actor)) == "nobody"
        session.execute(text("DELETE FROM visit_event"))
        assert session.scalar(select(func.count(VisitEvent.id))) == 0


# --- optimistic versions


def make_user(session: Session) -> User:
    """A member of staff; nobody signs in here."""
    values = {"email": f"staff{number()}@example.com", "name": "Staff", "password": "-", "role": "dispatcher"}
    return add(session, User(fs_uniquifier=f"u{number()}", created_at=NOW, **values))


def make_one_absence(session: Session) -> Absence:
    """An absence of somebody."""
    return make_absence(session, make_technician(session), NOW, NOW + HOUR)


EDITED: dict[str, tuple[Callable[[Session], Any], str, object, object]] = {
    "customer": (make_customer, "name", "First", "Second"),
    "site": (make_site, "access_notes", "First", "Second"),
    "technician": (make_technician, "name", "First", "Second"),
    "service": (make_service, "name", "First", "Second"),
    "visit": (make_visit, "priority", 1, 2),
    "draft": (make_draft, "answers", {"a": 1}, {"a": 2}),
    "user": (make_user, "name", "First", "Second"),
    "absence": (make_one_absence, "reason", "First", "Second"),
}


@pytest.mark.parametrize("kind", EDITED)
def test_the_second_editor_is_told(db: Database, kind: str) -> None:
    """Two people open the same row; the second to save is refused, and the first one's work stays."""
    make, column, first, second = EDITED[kind]
    made = db.run(make)
    with db.reading() as session:
        opened_early = session.get_one(type(made), made.id)
    with db.transaction() as session:
        setattr(session.get_one(type(made), made.id), column, first)
    setattr(opened_early, column, second)
    with pytest.raises(StaleDataError), db.transaction() as session:
        session.add(opened_early)
    with db.reading() as session:
        stored = session.get_one(type(made), made.id)
        assert getattr(stored, column) == first
        assert stored.version == 2


def test_every_table_with_a_version_checks_it() -> None:
    """A version that nobody compares would be decoration; only plan and route count theirs by hand."""
    versioned = {m.class_ for m in Base.registry.mappers if "version" in m.columns}
    checked = {m.class_ for m in Base.registry.mappers if m.version_id_col is not None}
    assert {model.__name__ for model in versioned - checked} == {"Plan", "Route"}


# --- values


REFUSED: dict[str, Callable[[Session], object]] = {
    "site with half a coordinate": lambda s: make_site(s, lat=39.0, lon=None),
    "service without length": lambda s: make_service(s, duration=timedelta(0)),
    "negative setup": lambda s: make_service(s, setup=-HOUR),
    "negative clean-up": lambda s: make_service(s, cleanup=-HOUR),
    "window of no length": lambda s: make_service(s, window_length=timedelta(0)),
    "negative lead time": lambda s: make_service(s, lead_time=-HOUR),
    "horizon of no day": lambda s: make_service(s, horizon_days=0),
    "unknown place": lambda s: make_service(s, place="moon"),
    "skill level 0": lambda s: make_technician(s, skills={"heating": 0}),
    "skill level 10": lambda s: make_service(s, skills={"heating": 10}),
    "visit with half a window": lambda s: make_visit(s, window_starts_at=NOW),
    "visit with a window backwards": lambda s: make_visit(s, window_starts_at=NOW, window_ends_at=NOW - HOUR),
    "shift backwards": lambda s: make_technician(s, hours=(time(17), time(8))),
    "eighth weekday": lambda s: make_technician(s, weekdays=[7]),
    "override backwards": lambda s: make_override(s, make_technician(s), TODAY, starts=time(9), ends=time(9)),
    "break backwards": lambda s: make_technician(s, breaks=[(time(13), time(12), HOUR)]),
    "absence of no length": lambda s: make_absence(s, make_technician(s), NOW, NOW),
    "pin that pins nothing": lambda s: add(s, Pin(visit_id=make_visit(s).id, created_at=NOW)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_impossible_value_is_refused(session: Session, case: str) -> None:
    """The database checks values itself, so that no path around the forms can store nonsense."""
    with pytest.raises(IntegrityError):
        REFUSED[case](session)


def two_overrides(session: Session) -> None:
    """Two sets of hours for one technician on one date."""
    technician = make_technician(session)
    for _ in range(2):
        make_override(session, technician, TODAY)


def two_plans(session: Session) -> None:
    """Two plans for one territory and day."""
    territory = make_company(session).territory
    for _ in range(2):
        add(session, Plan(territory_id=territory.id, on=TODAY))


def two_holds(session: Session) -> None:
    """Two windows reserved for one draft."""
    company, draft = make_company(session), make_draft(session)
    for _ in range(2):
        make_hold(session, company.territory, company.service, draft=draft)


TWICE: dict[str, Callable[[Session], object]] = {
    "override of a date": two_overrides,
    "plan of a day": two_plans,
    "hold of a draft": two_holds,
    "reference of a visit": lambda s: [make_visit(s, reference="HH-TWICE1") for _ in range(2)],
    "code of a service": lambda s: [make_service(s, code="same") for _ in range(2)],
}


@pytest.mark.parametrize("case", TWICE)
def test_what_must_be_unique_is(session: Session, case: str) -> None:
    """The second of two rows that would contradict each other is refused."""
    with pytest.raises(IntegrityError):
        TWICE[case](session)


def test_a_hold_has_a_real_window(session: Session) -> None:
    """A hold's window has a positive length."""
    company, promised = make_company(session), window()
    hold = make_hold(session, company.territory, company.service, held=promised)
    hold.window_ends_at = hold.window_starts_at
    with pytest.raises(IntegrityError):
        session.flush()


def test_rows_cannot_point_at_nothing(session: Session) -> None:
    """Foreign keys are enforced, on SQLite too, where that is off unless asked for."""
    with pytest.raises(IntegrityError):
        add(session, BreakRule(technician_id=987_654, earliest=time(12), latest=time(13), duration=HOUR))


def test_a_technician_with_stops_cannot_vanish(session: Session) -> None:
    """Deleting somebody who has been somewhere is refused; deactivating is the way."""
    technician = make_technician(session)
    make_stop(session, technician, NOW, NOW + HOUR)
    with pytest.raises(IntegrityError):
        session.execute(text("DELETE FROM technician WHERE id = :id"), {"id": technician.id})


def test_a_technicians_own_rows_go_with_them(session: Session) -> None:
    """Deleting a technician who was never anywhere takes hours, breaks, absences and skills along."""
    technician = make_technician(session, breaks=[(time(12), time(13), HOUR)])
    make_absence(session, technician, NOW, NOW + HOUR)
    make_override(session, technician, TODAY)
    session.delete(technician)
    session.flush()
    for model in (ShiftPattern, ShiftOverride, BreakRule, Absence, TechnicianSkill):
        assert session.scalar(select(func.count()).select_from(model)) == 0


def test_text_that_postgresql_cannot_hold(session: Session) -> None:
    """Why forms refuse NUL and too long text: PostgreSQL does, so it must never get this far."""
    if session.get_bind().dialect.name == "postgresql":
        with pytest.raises(DataError):
            make_customer(session, name="x" * 121)
    else:
        assert make_customer(session, name="x" * 121).id


def test_a_work_orders_requester_stands_in(session: Session) -> None:
    """`contact` gives the requester for roles that nobody else was given."""
    order = make_work_order(session)
    requester = order.contacts[0]
    for role in ("requester", "site_contact", "payer"):
        assert order.contact(role) is requester  # type: ignore[arg-type]


def test_a_site_in_one_line(session: Session) -> None:
    """The line leaves out what is not known, without stray commas."""
    assert make_site(session, address="1 Main Street", unit="Flat 2").one_line == (
        "1 Main Street, Flat 2, Baltimore 21201"
    )
    assert make_site(session, address="1 Main Street", city="", postcode="").one_line == "1 Main Street"
    assert not make_site(session, at=None).located


def test_a_route_is_made_once(session: Session) -> None:
    """A technician has one route per plan."""
    technician = make_technician(session)
    route = make_route(session, technician)
    with pytest.raises(IntegrityError):
        add(session, type(route)(plan=route.plan, technician=technician))


def test_the_services_skill_is_its_own(session: Session) -> None:
    """required_skills gives codes and levels; removing the skill removes the row."""
    service = make_service(session, skills={"gas": 3, "heating": 1})
    assert service.required_skills() == {"gas": 3, "heating": 1}
    service.skills = [needed for needed in service.skills if needed.skill.code == "gas"]
    session.flush()
    assert session.scalar(select(func.count()).select_from(ServiceSkill)) == 1
    assert make_skill(session, "heating").id
