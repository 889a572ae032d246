"""The database layer: column types, snapshots, retries, and the transactions that decide races."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect, event, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import Session

from fieldservice.db import (
    Database,
    Duration,
    UtcDateTime,
    exists_one,
    is_overlap,
    lock_technicians,
    skip_locked,
)
from fieldservice.models import Absence, Skill, Technician, Territory
from tests.databases import SqliteTemplates
from tests.factories import (
    NOW,
    add,
    make_absence,
    make_service,
    make_skill,
    make_stop,
    make_technician,
    make_territory,
)

DIALECTS: list[Dialect] = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call]


class Refused(Exception):
    """What a service would raise in the middle of its work."""


# --- column types


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
def test_an_instant_comes_back_as_the_same_instant_in_utc(db: Database, zone: str) -> None:
    """UtcDateTime keeps the instant to the microsecond, from whatever zone, and gives it back as UTC."""
    given_at = datetime(2026, 11, 1, 1, 30, 15, 123456, tzinfo=ZoneInfo(zone))
    with db.transaction() as session:
        absence = make_absence(session, make_technician(session), given_at, given_at + timedelta(hours=1))
    with db.reading() as session:
        stored = session.get_one(Absence, absence.id).starts_at
    assert stored == given_at.astimezone(UTC)
    assert stored.tzinfo is UTC


def test_an_hour_that_happens_twice_stays_two_instants(db: Database) -> None:
    """Both 1:30 of the night in which New York sets its clocks back are stored as different instants."""
    first = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"))
    second = first.replace(fold=1)
    with db.transaction() as session:
        absence = make_absence(
            session, make_technician(session), first.astimezone(UTC), second.astimezone(UTC)
        )
    with db.reading() as session:
        stored = session.get_one(Absence, absence.id)
    assert stored.ends_at - stored.starts_at == timedelta(hours=1)


def test_a_naive_time_is_refused(db: Database) -> None:
    """UtcDateTime does not guess a zone: the statement fails before anything is stored."""
    with db.transaction() as session:
        technician = make_technician(session)
    with pytest.raises(StatementError, match="the zone is missing"), db.transaction() as session:
        session.add(Absence(technician_id=technician.id, starts_at=datetime(2026, 3, 2), ends_at=NOW))  # noqa: DTZ001
    with db.reading() as session:
        assert not exists_one(session, select(Absence))


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_every_aware_instant_survives_both_dialects(dialect: Dialect, instant: datetime) -> None:
    """UtcDateTime.process_* is the identity on instants for any zone of the world."""
    kind = UtcDateTime()
    stored = kind.process_bind_param(instant, dialect)
    loaded = kind.process_result_value(stored, dialect)
    assert loaded is not None
    assert loaded == instant.astimezone(UTC)
    assert loaded.utcoffset() == timedelta(0)


def test_nothing_stays_nothing() -> None:
    """A column without a value gives none back, for both of our types."""
    for kind in (UtcDateTime(), Duration()):
        assert kind.process_bind_param(None, DIALECTS[0]) is None
        assert kind.process_result_value(None, DIALECTS[0]) is None


@pytest.mark.parametrize(
    "length", [timedelta(0), timedelta(seconds=1), timedelta(minutes=45), timedelta(days=30)]
)
def test_a_duration_is_kept_as_whole_seconds(db: Database, length: timedelta) -> None:
    """Duration gives back the same timedelta, and the database itself sees a number of seconds."""
    with db.transaction() as session:
        service = make_service(session, lead_time=length)
    with db.reading() as session:
        row = session.execute(text("SELECT lead_time FROM service WHERE id = :id"), {"id": service.id})
        assert row.scalar_one() == length.total_seconds()
        assert session.get_one(type(service), service.id).lead_time == length


# --- transactions


def test_an_exception_takes_everything_back(db: Database) -> None:
    """What a transaction wrote before a refusal is gone afterwards, and the refusal reaches the caller."""

    def work(session: Session) -> None:
        make_skill(session, "half-written")
        raise Refused

    with pytest.raises(Refused):
        db.run(work)
    with db.reading() as session:
        assert not exists_one(session, select(Skill))


def test_run_returns_what_the_work_returns(db: Database) -> None:
    """The result of the work is committed and handed back; the rows stay usable after the commit."""
    territory = db.run(make_territory)
    assert territory.name.startswith("Territory")
    with db.reading() as session:
        assert session.get_one(Territory, territory.id).name == territory.name


def test_reading_sees_one_snapshot(db: Database) -> None:
    """What somebody commits meanwhile stays invisible to a reader until its next look."""
    db.run(lambda session: make_skill(session, "first"))
    count = text("SELECT count(*) FROM skill")
    with db.reading() as reader:
        assert reader.scalar(count) == 1
        db.run(lambda session: make_skill(session, "second"))
        assert reader.scalar(count) == 1
    with db.reading() as reader:
        assert reader.scalar(count) == 2


def test_reading_cannot_write(db: Database) -> None:
    """A write through a reading session fails; nothing is stored."""
    with db.reading() as reader, pytest.raises(DBAPIError):
        make_skill(reader, "smuggled")
    with db.reading() as reader:
        assert not exists_one(reader, select(Skill))


def test_a_reader_does_not_wait_for_a_writer(db: Database) -> None:
    """While a transaction is open a reader answers at once, with the state before it."""
    with db.transaction() as writer:
        make_skill(writer, "not yet")
        began = time.perf_counter()
        with db.reading() as reader:
            assert not exists_one(reader, select(Skill))
        assert time.perf_counter() - began < 1


# --- retries


def test_a_deadlock_is_tried_again(db: Database) -> None:
    """Two transactions that take two rows in opposite orders both succeed in the end.

    On PostgreSQL one of them is a deadlock's victim and runs twice; on SQLite writers queue and none does.
    """
    ids = db.run(lambda session: [make_skill(session, code).id for code in ("a", "b")])
    both_hold_one = threading.Barrier(2)
    runs: list[str] = []

    def swap(name: str, first: int, second: int) -> None:
        def work(session: Session) -> None:
            runs.append(name)
            _rename(session, first, name)
            if runs.count(name) == 1 and session.get_bind().dialect.name == "postgresql":
                both_hold_one.wait(timeout=10)
            _rename(session, second, name)

        db.run(work)

    _in_threads([lambda: swap("left", ids[0], ids[1]), lambda: swap("right", ids[1], ids[0])])
    assert sorted(runs) in (["left", "left", "right"], ["left", "right", "right"], ["left", "right"])
    if db.engine.dialect.name == "postgresql":
        assert len(runs) == 3
    with db.reading() as session:
        names = set(session.scalars(select(Skill.name)))
    assert len(names) == 1, "the last transaction changed both rows, so no mixture may remain"


@pytest.fixture
def rivals(tmp_path: Path, sqlite_templates: SqliteTemplates) -> Iterator[tuple[Database, Database]]:
    """Two users of one SQLite file, both too impatient to wait for a lock."""
    with sqlite_templates.copy(tmp_path) as url:
        pair = Database(url), Database(url)
        for db in pair:
            event.listen(
                db.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=1")
            )
        yield pair
        for db in pair:
            db.dispose()


def test_a_busy_file_is_tried_again(rivals: tuple[Database, Database]) -> None:
    """SQLite's refusal while somebody else writes leads to another try instead of an error."""
    db, other = rivals
    holding, release = threading.Event(), threading.Event()
    tries: list[int] = []

    def hold() -> None:
        with other.transaction() as session:
            make_skill(session, "slow")
            holding.set()
            release.wait(timeout=10)

    def hurried(session: Session) -> None:
        tries.append(1)
        if len(tries) == 3:
            release.set()
        make_skill(session, "hurried")

    thread = threading.Thread(target=hold)
    thread.start()
    assert holding.wait(timeout=10)
    db.run(hurried)
    thread.join(timeout=10)
    assert len(tries) >= 3
    with db.reading() as session:
        assert set(session.scalars(select(Skill.code))) == {"slow", "hurried"}


def test_tries_end(rivals: tuple[Database, Database]) -> None:
    """When the database stays busy the caller gets the database's own error after the last try."""
    db, other = rivals
    tries: list[int] = []

    def work(session: Session) -> None:
        tries.append(1)
        make_skill(session, "never")

    with other.transaction() as session:
        make_skill(session, "slow")
        with pytest.raises(OperationalError, match="locked"):
            db.run(work, tries=3)
    assert len(tries) == 3


def test_what_a_retry_cannot_heal_is_not_tried_again(db: Database) -> None:
    """A broken constraint is reported at once: the second try would break it too."""
    db.run(lambda session: make_skill(session, "once"))
    tries = []

    def work(session: Session) -> None:
        tries.append(1)
        session.add(Skill(code="once", name="Twice"))

    with pytest.raises(IntegrityError):
        db.run(work)
    assert len(tries) == 1


# --- locks


def test_technicians_are_locked_until_the_end(db: Database) -> None:
    """Whoever locks one of the same technicians and then looks waits until the first has ended."""
    ids = db.run(lambda session: [make_technician(session).id for _ in range(2)])
    order: list[str] = []
    locked = threading.Event()

    def first() -> None:
        with db.transaction() as session:
            lock_technicians(session, ids)
            exists_one(session, select(Technician))
            locked.set()
            time.sleep(0.3)
            order.append("first")

    def second() -> None:
        assert locked.wait(timeout=10)
        with db.transaction() as session:
            lock_technicians(session, ids[:1])
            exists_one(session, select(Technician))
            order.append("second")

    _in_threads([first, second])
    assert order == ["first", "second"]


def test_locking_nobody_is_nothing(db: Database) -> None:
    """An empty list of technicians needs no statement."""
    with db.transaction() as session:
        lock_technicians(session, [])


def test_opposite_orders_do_not_deadlock(db: Database) -> None:
    """Transactions that name the same technicians in opposite orders all finish without one retry."""
    ids = db.run(lambda session: [make_technician(session, colour=0).id for _ in range(4)])
    begun: list[int] = []

    def work(session: Session) -> None:
        begun.append(1)
        lock_technicians(session, ids if len(begun) % 2 else reversed(ids))
        session.execute(text("UPDATE technician SET colour = colour + 1"))

    _in_threads([lambda: db.run(work)] * 32)
    assert len(begun) == 32
    with db.reading() as session:
        assert session.scalars(select(Technician.colour)).all() == [32] * 4


def test_two_sweeps_claim_different_rows(db: Database) -> None:
    """skip_locked lets a second claim pass over rows that another transaction holds (PostgreSQL)."""
    query = select(Skill.code).order_by(Skill.id).limit(1)
    db.run(lambda session: [make_skill(session, code) for code in ("a", "b")])
    with db.transaction() as one:
        claimed = one.scalars(skip_locked(one, query)).one()
        assert claimed == "a"
        if db.engine.dialect.name == "postgresql":
            with db.transaction() as two:
                assert two.scalars(skip_locked(two, query)).one() == "b"


def test_only_an_overlap_is_called_an_overlap(db: Database) -> None:
    """is_overlap recognises the refusal of two stops at once and nothing else."""
    technician = db.run(make_technician)

    def twice(session: Session) -> None:
        for _ in range(2):
            make_stop(session, session.get_one(Technician, technician.id), NOW, NOW + timedelta(hours=1))

    with pytest.raises(DBAPIError) as refused:
        db.run(twice)
    assert is_overlap(refused.value)
    with pytest.raises(IntegrityError) as refused:
        db.run(lambda session: add(session, Absence(technician_id=technician.id, starts_at=NOW, ends_at=NOW)))
    assert not is_overlap(refused.value)


def _rename(session: Session, skill_id: int, name: str) -> None:
    session.execute(text("UPDATE skill SET name = :name WHERE id = :id"), {"name": name, "id": skill_id})


def _in_threads(works: list[Callable[[], object]]) -> None:
    """Run all at the same time; the first exception of any of them is raised here."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    if failures:
        raise failures[0]
