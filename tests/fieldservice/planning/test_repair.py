"""A window that needs others to move: found, marked, and booked together with the moves or not at all."""

from __future__ import annotations

import subprocess
import sys
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from fieldservice.db import Database
from fieldservice.models import AuditEntry, Hold, Job, Plan, Service, Stop, StopKind, Territory, Visit
from fieldservice.models import Pin as PinRow
from fieldservice.planning import service as planning
from fieldservice.planning.improve import improve_later
from fieldservice.planning.jobs import Work, run_next_job
from fieldservice.planning.repair import Room, book_room, hold_room, repair_slots, room_for
from fieldservice.planning.rooms import request_rooms, rooms_of
from tests.factories import (
    HEATING,
    NOW,
    TOMORROW,
    make_company,
    make_draft,
    make_service,
    make_technician,
    near,
    window,
)
from tests.fieldservice.planning.scenes import Scene
from tests.races import all_at_once, overlaps

MORNING = window(starts=8, ends=10)
EXPERTS_HOME = near(metres_east=2_000)


class Tight(Scene):
    """A novice is free; the only expert, who lives where the first visit is, has it on a short morning."""

    def __init__(self, db: Database) -> None:
        def make(session):
            long = timedelta(hours=2)
            company = make_company(session, 1, hours=(time(8), time(11)), duration=long)
            expert = make_technician(
                session, company.territory, hours=(time(8), time(11)), skills={HEATING: 3}, home=EXPERTS_HOME
            )
            company.technicians.append(expert)
            self.hard_id = make_service(session, skills={HEATING: 3}, duration=long).id
            return company

        super().__init__(db, make)
        self.novice, self.expert = self.technicians
        self.first = self.book(MORNING, at=EXPERTS_HOME)
        assert self.stops()[self.first][0] == self.expert
        self.easy_id, self.service_id = self.service_id, self.hard_id

    def ask(self, session) -> planning.Ask:
        ask = planning.ask_for(
            session.get_one(Service, self.hard_id), session.get_one(Territory, self.territory_id), near(500)
        )
        assert ask is not None
        return ask

    def direct(self) -> tuple[planning.Slot, ...]:
        with self.db.reading() as session:
            found = planning.slots(session, self.ask(session), [TOMORROW], now=NOW, tables=self.tables)
            return found[TOMORROW].slots

    def rooms(self) -> list[Room]:
        with self.db.reading() as session:
            found = repair_slots(session, self.ask(session), TOMORROW, now=NOW, tables=self.tables)
            return list(found.rooms)

    def book_room(self, visit: int, room: Room) -> bool:
        """Whether the room was still there."""

        def work(session, tables) -> None:
            found = session.get_one(Visit, visit)
            book_room(session, found, room, tables=tables, now=NOW, actor="test")

        try:
            self.change(work, extra=[near(500)])
        except planning.SlotTaken:
            return False
        return True


@pytest.fixture
def tight(db: Database) -> Tight:
    return Tight(db)


def test_a_window_that_needs_a_move_is_found_and_says_what_moves(tight: Tight) -> None:
    """It is not among the direct ones; the move keeps the other customer's window."""
    assert tight.direct() == ()
    (room,) = tight.rooms()
    assert room.slot.window == MORNING
    assert room.slot.technician_id == tight.expert
    assert room.changed_technician == {tight.first}
    (move,) = room.moves
    assert MORNING.starts_at <= move.new_starts_at <= MORNING.ends_at
    with tight.db.reading() as session:
        again = room_for(session, tight.ask(session), MORNING, now=NOW, tables=tight.tables)
    assert again == room


def test_a_window_that_is_free_needs_no_room(tight: Tight) -> None:
    """What `slots` offers is not offered a second time."""
    tight.service_id = tight.hard_id = tight.easy_id
    assert [slot.window for slot in tight.direct()] == [MORNING]
    assert tight.rooms() == []


def test_the_booking_adopts_the_visit_and_the_moves(tight: Tight) -> None:
    """Both customers are in their windows afterwards, with whom was said, and it is on record."""
    (room,) = tight.rooms()
    visit = tight.visit(near(500))
    assert tight.book_room(visit, room)
    stops = tight.stops()
    assert {key: stop[0] for key, stop in stops.items()} == {tight.first: tight.novice, visit: tight.expert}
    assert all(MORNING.starts_at <= stop[1] <= MORNING.ends_at for stop in stops.values())
    assert overlaps(tight.db) == 0
    with tight.db.reading() as session:
        assert session.get_one(Visit, visit).window == MORNING
        assert session.get_one(Visit, tight.first).window == MORNING
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "repair")).one()
        assert entry.detail["moved"] == [tight.first]


def test_a_hold_adopts_the_moves_too(tight: Tight) -> None:
    """While the customer writes, the room is theirs; then the booking finds it reserved."""
    (room,) = tight.rooms()
    until = NOW + timedelta(minutes=15)

    def reserve(session, tables) -> int:
        draft = make_draft(session)
        ask = tight.ask(session)
        return hold_room(session, draft, ask, room, tables=tables, now=NOW, until=until).id

    held = tight.change(reserve, extra=[near(500)])
    with tight.db.reading() as session:
        stop = session.scalars(select(Stop).where(Stop.hold_id == held)).one()
        assert (stop.kind, stop.technician_id) == (StopKind.HOLD, tight.expert)
    assert tight.stops()[tight.first][0] == tight.novice
    visit = tight.visit(near(500))

    def book(session, tables) -> None:
        hold, found = session.get_one(Hold, held), session.get_one(Visit, visit)
        planning.book_visit(session, found, MORNING, tables=tables, now=NOW, actor="test", hold=hold)

    tight.change(book, extra=[near(500)])
    assert tight.stops()[visit][0] == tight.expert


def test_a_visit_of_another_day_moves_into_the_room(tight: Tight) -> None:
    """What it had before is given back in the same transaction."""
    later = window(TOMORROW + timedelta(days=1), starts=8, ends=10)
    visit = tight.book(later, at=near(500))
    (room,) = tight.rooms()

    def work(session, tables) -> None:
        book_room(session, session.get_one(Visit, visit), room, tables=tables, now=NOW, actor="test")

    tight.change(work, days=[TOMORROW, TOMORROW + timedelta(days=1)], extra=[near(500)])
    stops = tight.stops()
    assert {key: stop[0] for key, stop in stops.items()} == {tight.first: tight.novice, visit: tight.expert}
    assert MORNING.starts_at <= stops[visit][1] <= MORNING.ends_at


def test_a_route_that_changed_since_refuses_the_room(tight: Tight) -> None:
    """Somebody else takes the novice's morning: the room is gone, and nothing of it was written."""
    (room,) = tight.rooms()
    tight.service_id = tight.easy_id
    other = tight.book(MORNING)
    tight.service_id = tight.hard_id
    before = tight.stops()
    assert before[other][0] == tight.novice
    assert not tight.book_room(tight.visit(near(500)), room)
    assert tight.stops() == before


def test_of_many_at_once_one_gets_the_room(tight: Tight) -> None:
    """Several customers book the same room at the same instant: one visit, one move, no overlap."""
    (room,) = tight.rooms()
    visits = [tight.visit(near(500)) for _ in range(4)]
    outcomes = all_at_once([lambda visit=visit: tight.book_room(visit, room) for visit in visits])
    assert sorted(outcome.result for outcome in outcomes) == [False, False, False, True]
    stops = tight.stops()
    assert stops[tight.first][0] == tight.novice
    assert len(stops) == 2
    assert overlaps(tight.db) == 0


@pytest.mark.parametrize("what", ["pinned", "dispatched"])
def test_what_is_settled_makes_no_room(tight: Tight, what: str) -> None:
    """A visit that a dispatcher pinned stays, and so does a day whose technicians know their routes."""

    def settle(session) -> None:
        if what == "pinned":
            session.add(PinRow(visit_id=tight.first, technician_id=tight.expert, created_at=NOW))
        else:
            session.scalars(select(Plan)).one().dispatched_at = NOW

    assert len(tight.rooms()) == 1
    tight.db.run(settle)
    assert tight.rooms() == []


def test_a_day_is_improved_after_a_booking_once(tight: Tight) -> None:
    """However many are booked before the worker comes, one search waits; a day that was told has none."""

    def ask(session) -> None:
        improve_later(session, session.get_one(Visit, tight.first), now=NOW)

    tight.db.run(ask)
    tight.db.run(ask)
    with tight.db.reading() as session:
        assert len(session.scalars(select(Job)).all()) == 1
        assert session.scalars(select(Job.kind)).one() == "improve"

    def tell(session) -> None:
        session.execute(Job.__table__.delete())
        session.scalars(select(Plan)).one().dispatched_at = NOW

    tight.db.run(tell)
    tight.db.run(ask)
    with tight.db.reading() as session:
        assert session.scalars(select(Job)).all() == []


def test_a_worker_looks_for_rooms_and_the_page_reads_them(tight: Tight) -> None:
    """Asked twice it is one job; the answer is the same room, and can be booked; a changed day asks anew."""

    def ask(session) -> int:
        job = request_rooms(session, tight.ask(session), TOMORROW, now=NOW)
        assert job is not None
        return job.id

    job = tight.db.run(ask)
    assert tight.db.run(ask) == job
    with tight.db.reading() as session:
        assert rooms_of(session.get_one(Job, job)) is None
    assert run_next_job(Work(tight.db, tight.tables, 1.0, lambda: NOW), owner="test")
    with tight.db.reading() as session:
        found = rooms_of(session.get_one(Job, job))
    assert found == tight.rooms()
    assert tight.book_room(tight.visit(near(500)), found[0])
    assert tight.db.run(ask) != job


def test_who_waits_comes_before_the_background(tight: Tight) -> None:
    """A customer's wish is answered before the day is improved."""

    def ask(session) -> None:
        improve_later(session, session.get_one(Visit, tight.first), now=NOW)
        request_rooms(session, tight.ask(session), TOMORROW, now=NOW)

    tight.db.run(ask)
    run_next_job(Work(tight.db, tight.tables, 1.0, lambda: NOW), owner="test")
    with tight.db.reading() as session:
        states = {job.kind: job.state for job in session.scalars(select(Job))}
    assert states == {"improve": "queued", "rooms": "done"}


def test_what_the_web_process_imports_has_no_compiler() -> None:
    """Offers, rooms and explanations load neither numba nor OR-Tools."""
    code = (
        "import sys, fieldservice.planning.rooms, fieldservice.planning.why, scheduler.slots\n"
        "sys.exit(bool({'numba', 'llvmlite', 'ortools'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
