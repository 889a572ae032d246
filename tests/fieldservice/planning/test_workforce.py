"""The technicians that are kept between requests are never older than the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, select, text
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.migrate import drop_workforce_triggers
from fieldservice.models import (
    Absence,
    BreakRule,
    ShiftPattern,
    Skill,
    Technician,
    TechnicianSkill,
)
from fieldservice.planning.workforce import technicians_of
from tests.factories import NOW, TOMORROW, make_absence, make_company, make_override, make_technician

type Change = Callable[[Session, Technician], Any]


def one(session: Session, model: type[Any], technician: Technician) -> Any:
    """A row that belongs to the technician."""
    return session.scalars(select(model).where(model.technician_id == technician.id)).first()


def away(session: Session, technician: Technician) -> Absence:
    """Tomorrow off."""
    return make_absence(session, technician, NOW + timedelta(days=1), NOW + timedelta(days=2))


CHANGES: dict[str, Change] = {
    "a name": lambda session, technician: setattr(technician, "name", "Another Name"),
    "inactive": lambda session, technician: setattr(technician, "active", False),
    "a colleague": lambda session, technician: make_technician(session, technician.territory),
    "a level": lambda session, technician: setattr(one(session, TechnicianSkill, technician), "level", 9),
    "a lost skill": lambda session, technician: technician.skills.clear(),
    "a renamed skill": lambda session, technician: setattr(
        session.scalars(select(Skill)).first(), "code", "renamed"
    ),
    "hours": lambda session, technician: [
        setattr(pattern, "overtime", timedelta(minutes=7)) for pattern in technician.shift_patterns
    ],
    "no pattern": lambda session, technician: session.execute(
        delete(ShiftPattern).where(ShiftPattern.technician_id == technician.id)
    ),
    "an override": lambda session, technician: make_override(session, technician, TOMORROW, day_off=True),
    "a break": lambda session, technician: session.execute(
        delete(BreakRule).where(BreakRule.technician_id == technician.id)
    ),
    "an absence": away,
}


def company(db: Database) -> int:
    """A company of two technicians; the number of its territory."""

    def work(session: Session) -> int:
        made = make_company(session, technicians=2)
        for technician in made.technicians:
            make_override(session, technician, TOMORROW + timedelta(days=7), day_off=True)
            if not technician.break_rules:
                hour = technician.shift_patterns[0].starts
                technician.break_rules.append(
                    BreakRule(earliest=hour, latest=hour, duration=timedelta(minutes=30))
                )
        return made.territory.id

    return db.run(work)


def picture(session: Session, territory_id: int) -> list[Any]:
    """Everything about the technicians that planning looks at, as plain values."""
    rows: list[Any] = []
    for technician in technicians_of(session, territory_id):
        rows.append((technician.name, sorted(technician.skill_levels(TOMORROW).items())))
        parts = (technician.shift_patterns, technician.shift_overrides)
        rows += [(row.starts, row.ends, row.overtime) for row in parts[0]]
        rows += [(row.on, row.day_off) for row in parts[1]]
        rows += [(row.earliest, row.latest, row.duration) for row in technician.break_rules]
        rows += [(row.starts_at, row.ends_at) for row in technician.absences]
    return rows


def seen(db: Database, territory_id: int) -> list[Any]:
    """What a reading session sees, with what is kept."""
    with db.reading() as session:
        return picture(session, territory_id)


def stored(db: Database, territory_id: int) -> list[Any]:
    """What is in the database, read by somebody who keeps nothing."""
    fresh = Database(db.engine.url.render_as_string(hide_password=False))
    try:
        return seen(fresh, territory_id)
    finally:
        fresh.dispose()


def change(db: Database, territory_id: int, what: Change) -> None:
    """Change something about the first technician."""

    def work(session: Session) -> None:
        what(
            session,
            session.scalars(select(Technician).where(Technician.territory_id == territory_id)).first()
            or pytest.fail("no technician"),
        )

    db.run(work)


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_seen_at_once(db: Database, name: str) -> None:
    """After each kind of change the kept technicians are those that a fresh look finds, in both sessions."""
    territory_id = company(db)
    before = seen(db, territory_id)
    assert before == seen(db, territory_id)
    change(db, territory_id, CHANGES[name])
    now = stored(db, territory_id)
    assert now != before
    assert seen(db, territory_id) == now
    with db.transaction() as session:
        assert picture(session, territory_id) == now


@pytest.mark.parametrize("name", CHANGES)
def test_without_the_triggers_changes_are_missed(altered_db: Database, name: str) -> None:
    """Positive control: without the database's counting what is kept goes stale."""
    territory_id = company(altered_db)
    with altered_db.engine.begin() as connection:
        drop_workforce_triggers(connection)
    before = seen(altered_db, territory_id)
    change(altered_db, territory_id, CHANGES[name])
    assert stored(altered_db, territory_id) != before
    assert seen(altered_db, territory_id) == before


def test_what_is_rolled_back_is_never_kept(db: Database) -> None:
    """A transaction sees its own change; when it is rolled back nobody else ever does."""
    territory_id = company(db)
    before = seen(db, territory_id)
    with db.transaction() as session:
        first = session.scalars(select(Technician).where(Technician.territory_id == territory_id)).first()
        assert first is not None
        away(session, first)
        assert picture(session, territory_id) != before
        session.rollback()
    assert seen(db, territory_id) == before
    change(db, territory_id, CHANGES["a name"])
    assert seen(db, territory_id) == stored(db, territory_id)


def test_a_second_look_asks_for_the_version_alone(db: Database) -> None:
    """While nothing has changed one small query is all; the technicians belong to no session."""
    territory_id = company(db)
    before = seen(db, territory_id)
    statements: list[str] = []
    event.listen(
        db.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]), named=False
    )
    assert seen(db, territory_id) == before
    asked = [statement for statement in statements if "FROM" in statement]
    assert len(asked) == 1, asked
    assert "workforce_version" in asked[0]


def test_a_change_moves_only_its_own_territory(db: Database) -> None:
    """What another territory's technicians do does not touch what is kept."""
    mine, other = company(db), company(db)

    def version(territory_id: int) -> int:
        with db.reading() as session:
            query = text("SELECT workforce_version FROM territory WHERE id = :id")
            return int(session.execute(query, {"id": territory_id}).scalar_one())

    before = version(mine), version(other)
    change(db, other, CHANGES["hours"])
    assert version(mine) == before[0]
    assert version(other) > before[1]
