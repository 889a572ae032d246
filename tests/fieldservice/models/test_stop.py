"""The database itself refuses that one technician is at two stops at the same time."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from fieldservice.db import Database, is_overlap
from fieldservice.models import Stop, StopKind, Technician
from tests.factories import (
    NOW,
    add,
    make_company,
    make_hold,
    make_route,
    make_stop,
    make_technician,
    make_visit,
)

HOUR = timedelta(hours=1)
TEN = NOW + 2 * HOUR


def stop_at(session: Session, technician: Technician, starts_at: datetime, length: timedelta = HOUR) -> Stop:
    """Another stop of a technician who may be known to another session."""
    return make_stop(session, session.get_one(Technician, technician.id), starts_at, starts_at + length)


MINUTE = timedelta(minutes=1)
OVERLAPS = {  # start, relative to a stop of an hour, and length of another
    "the same hour": (timedelta(0), HOUR),
    "begins inside": (30 * MINUTE, HOUR),
    "ends inside": (-30 * MINUTE, HOUR),
    "lies inside": (15 * MINUTE, 30 * MINUTE),
    "covers it": (-HOUR, 3 * HOUR),
    "one second at its end": (HOUR - timedelta(seconds=1), HOUR),
    "one second at its start": (-HOUR + timedelta(seconds=1), HOUR),
}


@pytest.mark.parametrize("case", OVERLAPS)
def test_an_overlapping_stop_is_refused(db: Database, case: str) -> None:
    """Whichever way a second stop overlaps the first, the insert fails and names the rule."""
    shift, length = OVERLAPS[case]
    technician = db.run(make_technician)
    db.run(lambda session: stop_at(session, technician, TEN))
    with pytest.raises(IntegrityError) as refused:
        db.run(lambda session: stop_at(session, technician, TEN + shift, length))
    assert is_overlap(refused.value)
    assert count(db) == 1


def test_back_to_back_is_allowed(db: Database) -> None:
    """A stop may begin in the very instant in which the one before ends."""
    technician = db.run(make_technician)
    for start in (TEN, TEN + HOUR, TEN - HOUR):
        db.run(partial(stop_at, technician=technician, starts_at=start))
    assert count(db) == 3


def test_two_technicians_may_work_at_once(db: Database) -> None:
    """The rule is per technician."""
    for _ in range(2):
        db.run(partial(stop_at, technician=db.run(make_technician), starts_at=TEN))
    assert count(db) == 2


@pytest.mark.parametrize("change", ["later", "longer", "other technician"])
def test_an_update_into_an_overlap_is_refused(db: Database, change: str) -> None:
    """Moving, lengthening or reassigning a stop onto another one fails and leaves it where it was."""

    def two_stops(session: Session) -> tuple[int, int, int]:
        first, second = make_technician(session), make_technician(session)
        there = second if change == "other technician" else first
        moved = stop_at(session, first, TEN + HOUR)
        stop_at(session, there, TEN + HOUR if change == "other technician" else TEN + 3 * HOUR)
        return moved.id, first.id, second.id

    stop_id, own, other = db.run(two_stops)

    def update(session: Session) -> None:
        stop = session.get_one(Stop, stop_id)
        if change == "later":
            stop.starts_at, stop.ends_at = TEN + 2.5 * HOUR, TEN + 3.5 * HOUR
        elif change == "longer":
            stop.ends_at = TEN + 3.5 * HOUR
        else:
            stop.technician_id = other

    with pytest.raises(IntegrityError) as refused:
        db.run(update)
    assert is_overlap(refused.value)
    with db.reading() as session:
        stop = session.get_one(Stop, stop_id)
        assert (stop.technician_id, stop.starts_at, stop.ends_at) == (own, TEN + HOUR, TEN + 2 * HOUR)


def test_a_stop_may_move_within_its_own_time(db: Database) -> None:
    """A stop does not collide with itself when its times change."""
    technician = db.run(make_technician)
    stop = db.run(lambda session: stop_at(session, technician, TEN))

    def shift(session: Session) -> None:
        moved = session.get_one(Stop, stop.id)
        moved.starts_at, moved.ends_at = TEN + HOUR / 2, TEN + 2 * HOUR

    db.run(shift)
    assert count(db) == 1


def test_without_the_guard_an_overlap_goes_in(altered_db: Database) -> None:
    """Positive control: the constraint (PostgreSQL) and the triggers (SQLite) are what refuses."""
    with altered_db.transaction() as session:
        if altered_db.engine.dialect.name == "postgresql":
            session.execute(text("ALTER TABLE stop DROP CONSTRAINT stop_no_overlap"))
        else:
            session.execute(text("DROP TRIGGER stop_no_overlap_insert"))
            session.execute(text("DROP TRIGGER stop_no_overlap_update"))
    technician = altered_db.run(make_technician)
    for _ in range(2):
        altered_db.run(lambda session: stop_at(session, technician, TEN))
    assert count(altered_db) == 2


@pytest.mark.parametrize(
    ("kind", "of_visit", "of_hold"),
    [
        (StopKind.VISIT, False, False),
        (StopKind.VISIT, False, True),
        (StopKind.VISIT, True, True),
        (StopKind.HOLD, False, False),
        (StopKind.HOLD, True, False),
        (StopKind.BREAK, True, False),
        (StopKind.BREAK, False, True),
        ("lunch", False, False),
    ],
)
def test_a_stop_is_exactly_one_thing(session: Session, kind: str, of_visit: bool, of_hold: bool) -> None:
    """A stop is a visit, a hold or a break, and refers to what its kind says and to nothing else."""
    company = make_company(session, technicians=1)
    visit = make_visit(session, territory=company.territory)
    hold = make_hold(session, company.territory, company.service)
    refers: dict[str, Any] = {
        "visit_id": visit.id if of_visit else None,
        "hold_id": hold.id if of_hold else None,
    }
    with pytest.raises(IntegrityError):
        make_stop(session, company.technicians[0], TEN, TEN + HOUR, kind=kind, **refers)


@pytest.mark.parametrize(("arrives", "starts", "ends"), [(1, 0, 2), (0, 2, 1)])
def test_times_of_a_stop_are_in_order(session: Session, arrives: int, starts: int, ends: int) -> None:
    """Nobody starts before arriving or ends before starting."""
    technician = make_technician(session)
    route = make_route(session, technician)
    times = {
        "arrives_at": TEN + arrives * HOUR,
        "starts_at": TEN + starts * HOUR,
        "ends_at": TEN + ends * HOUR,
    }
    with pytest.raises(DBAPIError):
        add(session, Stop(route_id=route.id, technician_id=technician.id, kind=StopKind.BREAK, **times))


def test_a_visit_has_one_stop(session: Session) -> None:
    """The same visit cannot be at two places of any route."""
    company = make_company(session, technicians=2)
    visit = make_visit(session, territory=company.territory)
    make_stop(session, company.technicians[0], TEN, TEN + HOUR, visit=visit)
    with pytest.raises(IntegrityError):
        make_stop(session, company.technicians[1], TEN + 2 * HOUR, TEN + 3 * HOUR, visit=visit)


def count(db: Database) -> int:
    """How many stops are stored."""
    with db.reading() as session:
        return session.scalar(select(func.count(Stop.id))) or 0
