"""What is backed up comes back whole, on either database; what was forgotten, sent or ended does not."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError

from fieldservice import migrate
from fieldservice.auth import users
from fieldservice.backup import BackupFault, move, read_manifest, restore, rows, write_backup
from fieldservice.backup_command import backup as backup_command
from fieldservice.backup_command import restore as restore_command
from fieldservice.booking import erasing
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.files import FileStore
from fieldservice.kept_secret import kept_secret
from fieldservice.models import (
    ApiToken,
    InboundMessage,
    OutboxMessage,
    Skill,
    TextStop,
    Unreachable,
    UserRole,
    UserSession,
    Visit,
    VisitState,
)
from fieldservice.schema import HEAD
from tests.factories import NOW, add, make_company, make_visit
from tests.fieldservice.booking.test_personal import BOB, PROVIDERS, ROSA, dump, person

LATER = NOW + timedelta(days=1)
PHONE = "+14105557777"


@pytest.fixture
def ours(tmp_path: Path, database_url: str) -> Settings:
    """A company in use: two customers with everything that customers leave, a file store, a key."""
    settings = Settings(data_dir=tmp_path / "ours", database_url=database_url, map_tiles="none")
    store, database = FileStore(settings.files_path), Database(database_url)
    settings.data_dir.mkdir()
    kept_secret(settings.data_dir)

    def fill(session) -> None:
        make_company(session)
        person(session, store, "Rosa", ROSA)
        person(session, store, "Bob", BOB, state=VisitState.BOOKED)
        users.add_user(
            session,
            email="dana@example.com",
            name="Dana",
            role=UserRole.ADMIN,
            password="seventeen quiet rivers",
            now=NOW,
        )
        later = session.scalars(select(OutboxMessage)).first()
        assert later is not None
        later.due_at = LATER + timedelta(days=30)

    database.run(fill)
    database.dispose()
    return settings


@pytest.fixture
def elsewhere(altered_db: Database, tmp_path: Path) -> Settings:
    """Another machine with an empty database of either kind."""
    address = altered_db.engine.url.render_as_string(hide_password=False)
    return Settings(data_dir=tmp_path / "elsewhere", database_url=address, map_tiles="none")


def content(settings: Settings) -> dict[str, list[list]]:
    """All rows of all tables, as a backup has them."""
    database = Database(settings.sqlalchemy_url)
    with rows.snapshot(database.engine) as connection:
        found = {
            table.name: sorted(rows.read_rows(connection, table), key=repr)
            for table in rows.tables_of(connection)
        }
    database.dispose()
    return found


def files(settings: Settings) -> dict[str, bytes]:
    """All files of the store."""
    store = FileStore(settings.files_path)
    return {key: store.read(key) for key in store.all_keys()}


def changed(before: dict[str, list[list]], after: dict[str, list[list]]) -> set[str]:
    """The tables whose rows differ."""
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def test_a_backup_comes_back_whole(elsewhere: Settings, ours: Settings, tmp_path: Path) -> None:
    """From either database to either: every row, file and the key; guards hold, new rows get new numbers."""
    before, target = content(ours), tmp_path / "today.backup"
    counts = write_backup(ours, target, now=NOW)
    assert counts.rows == {name: len(found) for name, found in before.items()}
    assert sum(counts.rows.values()) > 100
    assert (target.stat().st_mode & 0o777, counts.files) == (0o600, len(files(ours)))
    done = restore(elsewhere, target, now=NOW)
    # one sentence of history is new, and what was due is not sent twice
    assert changed(before, content(elsewhere)) == {"audit_entry", "outbox_message"}
    assert files(elsewhere) == files(ours) != {}
    assert kept_secret(elsewhere.data_dir) == kept_secret(ours.data_dir)
    database = Database(elsewhere.sqlalchemy_url)
    assert migrate.differences(database.engine) == []
    with pytest.raises(DBAPIError, match="append-only"):
        database.run(lambda session: session.execute(text("DELETE FROM audit_entry")))
    counted = "SELECT workforce_version FROM territory"
    with database.reading() as session:
        before_change = session.scalar(text(counted))
    database.run(lambda session: session.execute(text("UPDATE skill SET name = 'Gas'")))
    with database.reading() as session:
        assert session.scalar(text(counted)) > before_change
        last = max(session.scalars(select(Visit.id)))
    assert database.run(lambda session: make_visit(session).id) > last
    database.dispose()
    assert done.unsure


def test_what_is_due_is_not_sent_twice_and_nobody_is_signed_in(
    elsewhere: Settings, ours: Settings, tmp_path: Path
) -> None:
    """A message due before the restore may have been sent; one that is due later is."""
    database = Database(ours.sqlalchemy_url)

    def sign_in(session) -> None:
        dana = users.find_user(session, "dana@example.com")
        session.add(
            UserSession(
                token_hash="h" * 64, user_id=dana.id, created_at=NOW, last_seen_at=NOW, expires_at=LATER
            )
        )

    database.run(sign_in)
    database.dispose()
    write_backup(ours, tmp_path / "b", now=NOW)
    restore(elsewhere, tmp_path / "b", now=LATER)
    restored = Database(elsewhere.sqlalchemy_url)
    with restored.reading() as session:
        states = {message.due_at > LATER: message.state for message in session.scalars(select(OutboxMessage))}
        assert session.scalars(select(UserSession)).all() == []
    restored.dispose()
    assert states[True] == "pending"
    assert states[False] == "unknown"


def _erase(settings: Settings, email: str, name: str) -> None:
    database, store = Database(settings.sqlalchemy_url), FileStore(settings.files_path)

    def work(session) -> None:
        theirs = next(
            visit
            for visit in session.scalars(select(Visit))
            if any(contact.email == email for contact in visit.work_order.contacts)
        )
        erasing.erase(session, theirs, store=store, channels=PROVIDERS, now=LATER)

    database.run(work)
    with database.reading() as session:
        assert name not in dump(session)
    database.dispose()


@pytest.mark.parametrize("lost", [False, True], ids=["the database is there", "only the files are there"])
def test_who_was_forgotten_stays_forgotten(ours: Settings, tmp_path: Path, *, lost: bool) -> None:
    """A backup from before the wish does not bring Rosa back; without the two lists it would.

    The wish was sent before the backup began, and was written after what the backup saw.
    """
    write_backup(ours, tmp_path / "b", now=LATER + timedelta(minutes=1))
    _erase(ours, ROSA, "Rosa")
    if lost:
        ours = replace(ours, database_url=f"sqlite:///{tmp_path / 'new.db'}")
    done = restore(ours, tmp_path / "b", now=LATER, replacing=not lost)
    assert done.erased == 1
    database = Database(ours.sqlalchemy_url)
    with database.reading() as session:
        assert "Rosa" not in dump(session)
        assert "Bob" in dump(session)
    database.dispose()
    # the control: somewhere else nobody knows of the wish
    other = Settings(data_dir=tmp_path / "other", map_tiles="none")
    assert restore(other, tmp_path / "b", now=LATER).erased == 0
    database = Database(other.sqlalchemy_url)
    with database.reading() as session:
        assert "Rosa" in dump(session)
    database.dispose()


def test_who_said_no_since_still_does(ours: Settings, tmp_path: Path) -> None:
    """STOP, an address that does not work and a revoked token outlive a backup that is older."""
    database = Database(ours.sqlalchemy_url)
    token = database.run(
        lambda session: add(
            session,
            ApiToken(
                name="Till",
                token_hash="h" * 64,
                scopes="visits:read",
                created_at=NOW,
                expires_at=LATER + timedelta(days=9),
            ),
        )
    )

    def say_no(session) -> None:
        proof = InboundMessage(
            channel="sms", provider_key="1", sender=PHONE, body="STOP", received_at=NOW, outcome="stopped"
        )
        session.add(proof)
        session.flush()
        session.add(TextStop(phone=PHONE, stopped_at=NOW, inbound_message_id=proof.id))
        session.add(Unreachable(channel="email", address="no@example.com", reason="gone", since=NOW))
        session.get_one(ApiToken, token.id).revoked_at = NOW

    write_backup(ours, tmp_path / "b", now=NOW)
    database.run(say_no)
    database.dispose()
    for _ in range(2):  # also when it was restored before
        restore(ours, tmp_path / "b", now=LATER, replacing=True)
        with database.reading() as session:
            assert PHONE in session.scalars(select(TextStop.phone)).all()
            assert session.get(Unreachable, ("email", "no@example.com")) is not None
            assert not session.get_one(ApiToken, token.id).works(NOW)
        database.dispose()


def test_a_database_in_use_is_not_overwritten(ours: Settings, tmp_path: Path) -> None:
    """It says so; a backup that is cut off or no backup changes nothing either."""
    target = tmp_path / "b"
    write_backup(ours, target, now=NOW)
    before = content(ours)
    with pytest.raises(BackupFault, match="--replace"):
        restore(ours, target, now=NOW)
    with pytest.raises(BackupFault, match="exists already"):
        write_backup(ours, target, now=NOW)
    whole = target.read_bytes()
    for name, broken in (("cut", whole[: len(whole) // 2]), ("text", b"hello"), ("empty", b"")):
        (tmp_path / name).write_bytes(broken)
        with pytest.raises(BackupFault):
            restore(ours, tmp_path / name, now=NOW, replacing=True)
        assert content(ours) == before, name
    assert restore(ours, target, now=NOW, replacing=True).rows == sum(map(len, before.values()))


def test_a_backup_is_of_one_moment(ours: Settings, tmp_path: Path) -> None:
    """Taken while others write: of what is written together there is all or nothing in it."""
    stop, address = threading.Event(), make_url(ours.sqlalchemy_url)
    if address.get_backend_name() == "postgresql":  # an engine that the backup does not close
        address = address.update_query_dict({"application_name": "writer"})
    database = Database(address.render_as_string(hide_password=False))

    def write() -> None:
        for number in count():
            if stop.is_set():
                return
            database.run(partial(rename, name=f"T{number}"))

    def rename(session, name: str) -> None:
        session.execute(text("UPDATE customer SET name = :name"), {"name": name})
        session.execute(text("UPDATE site SET city = :name"), {"name": name})

    database.run(partial(rename, name="T"))
    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(3):
            write_backup(ours, tmp_path / f"b{number}", now=NOW)
    finally:
        stop.set()
        thread.join()
    database.dispose()
    seen = set()
    for number in range(3):
        restore(ours, tmp_path / f"b{number}", now=NOW, replacing=True)
        restored = Database(ours.sqlalchemy_url)
        with restored.reading() as session:
            names = set(session.scalars(text("SELECT name FROM customer")))
            assert names == set(session.scalars(text("SELECT city FROM site")))
            seen |= names
        restored.dispose()
    assert len(seen) > 1


def test_everything_moves_to_the_other_database(altered_db: Database, ours: Settings) -> None:
    """All rows arrive unchanged; into a database that is in use nothing is written."""
    source = Database(ours.sqlalchemy_url)
    counted = move(source, altered_db)
    address = altered_db.engine.url.render_as_string(hide_password=False)
    assert content(replace(ours, database_url=address)) == content(ours)
    assert sum(counted.values()) > 100
    with pytest.raises(BackupFault, match="in use"):
        move(source, altered_db)
    source.dispose()


def test_a_backup_of_an_older_release_is_upgraded(ours: Settings, tmp_path: Path) -> None:
    """Rows go into the schema that they are of, and this release's migrations run over them."""
    old = Settings(data_dir=tmp_path / "old", map_tiles="none")
    old.data_dir.mkdir()
    database = Database(old.sqlalchemy_url)
    with database.engine.begin() as connection:
        migrate.upgrade_within(connection, "0003")
        connection.execute(text("INSERT INTO skill (code, name) VALUES ('old', 'Old')"))
    database.dispose()
    write_backup(old, tmp_path / "b", now=NOW)
    assert read_manifest(tmp_path / "b").schema == "0003"
    restore(ours, tmp_path / "b", now=NOW, replacing=True)
    restored = Database(ours.sqlalchemy_url)
    with restored.reading() as session:
        assert session.scalars(select(Skill.name)).all() == ["Old"]
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
    assert migrate.differences(restored.engine) == []
    restored.dispose()


def test_the_commands_say_what_they_did(ours: Settings, tmp_path: Path) -> None:
    """One sentence each, and one for what they refuse."""
    environment = {
        "FIELDSERVICE_DATA_DIR": str(ours.data_dir),
        "FIELDSERVICE_DATABASE_URL": ours.database_url,
        "FIELDSERVICE_PORT": "1",
    }
    target = str(tmp_path / "b")
    run = CliRunner(env=environment).invoke
    assert "keep it safe" in run(backup_command, [target]).output
    assert "exists already" in run(backup_command, [target]).output
    assert "--replace" in run(restore_command, [target]).output
    assert "are restored" in run(restore_command, [target, "--replace"]).output
