"""What the database or the road engine refuses at the last moment is told in words, not as a fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.models import Skill, Technician
from fieldservice.planning.problem import StaleTravel
from tests.factories import NOW, make_stop, make_technician


def answer(app: Flask, work: Callable[[], object]) -> int:
    """The status of a page whose view does `work`."""
    app.add_url_rule("/try", view_func=lambda: str(work()))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client().get("/try").status_code


def test_two_stops_at_once_are_answered_409(app: Flask, db: Database) -> None:
    """When a stop slips past the lock, the constraint behind it becomes the page of a lost race."""
    technician = db.run(make_technician)

    def overlap(session: Session) -> None:
        for _ in range(2):
            make_stop(session, session.get_one(Technician, technician.id), NOW, NOW + timedelta(hours=1))

    assert answer(app, lambda: db.run(overlap)) == 409


def test_a_version_that_somebody_else_raised_is_answered_409(app: Flask, db: Database) -> None:
    """Two people save the same row: the second is told that it was changed."""
    technician = db.run(make_technician)

    def overtaken(session: Session) -> None:
        row = session.get_one(Technician, technician.id)
        session.execute(text("UPDATE technician SET version = version + 1"))
        row.name = "other"

    assert answer(app, lambda: db.run(overtaken)) == 409


def test_travel_times_that_stay_stale_are_answered_409(app: Flask) -> None:
    """A change whose places move on faster than their travel times are fetched is told to look again."""

    def stale() -> None:
        raise StaleTravel

    assert answer(app, stale) == 409


def test_a_database_that_does_not_answer_is_a_503(app: Flask) -> None:
    """Without its database the product says that it will be back."""
    nowhere = Database("sqlite:////nowhere/at/all.sqlite")

    def ask() -> None:
        with nowhere.reading() as session:
            session.execute(text("SELECT 1"))

    assert answer(app, ask) == 503


def test_any_other_broken_rule_of_the_database_is_a_fault(app: Flask, db: Database) -> None:
    """Positive control: what nobody foresaw stays a 500, so that it is seen and mended."""

    def twice(session: Session) -> None:
        session.add_all([Skill(code="a", name="A"), Skill(code="a", name="B")])

    with pytest.raises(IntegrityError):
        db.run(twice)
    assert answer(app, lambda: db.run(twice)) == 500
