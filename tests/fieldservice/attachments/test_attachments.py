"""Rows and files stay in step: whatever is killed, no row is without its file, no file without a row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fieldservice.attachments import scanning, service
from fieldservice.attachments.service import Label
from fieldservice.db import Database
from fieldservice.files import FileMissing, FileStore, fit
from fieldservice.models import Attachment, ScanState, Visit
from tests.factories import NOW, make_attachment, make_draft, make_visit, make_work_order
from tests.pictures import PDF, photo

TOKEN = "T" * 43
LATER = datetime.now(UTC) + timedelta(hours=2)


def document(number: int) -> bytes:
    """A PDF like no other."""
    return PDF + b"%d" % number


def rows(db: Database) -> list[Attachment]:
    """Every attachment."""
    with db.reading() as session:
        return list(session.scalars(select(Attachment).order_by(Attachment.id)))


def on_disk(store: FileStore) -> set[str]:
    """The names of all files of the store."""
    return {path.name for path in store.folder.rglob("*") if path.is_file()}


def in_step(db: Database, store: FileStore) -> bool:
    """Whether every row has its files."""
    return {key for row in rows(db) for key in row.keys} <= on_disk(store)


def test_a_row_says_what_was_kept_and_who_sent_it_when(db: Database, store: FileStore) -> None:
    """Size, kind, checksums of what came and of what is stored, name as text."""
    sent = photo(400, 300)
    with db.transaction() as session:
        visit = make_visit(session)
        stored = service.store_file(store, fit(sent), sent)
        label = Label(name="../../etc/passwd\u202egpj.exe", caption="Type plate", question="plate")
        service.add(session, visit, stored, label, actor="customer", scanned=False, now=NOW)
    [row] = rows(db)
    assert (row.name, row.caption, row.question) == (label.name, "Type plate", "plate")
    assert (row.media_type, row.width, row.height) == ("image/jpeg", 400, 300)
    assert row.size == len(store.read(row.key))
    assert row.sha256 != row.sent_sha256
    assert (row.actor, row.created_at, row.scan_state) == ("customer", NOW, ScanState.OFF)
    assert on_disk(store) == set(row.keys)


def test_five_files_and_the_same_one_once(db: Database, store: FileStore) -> None:
    """The sixth is refused, a second time the same is none; a technician has five of their own."""
    with db.transaction() as session:
        visit = make_visit(session)
        for number in range(5):
            make_attachment(session, store, visit, content=document(number))
        stored = service.store_file(store, fit(PDF), PDF)
        again = service.store_file(store, fit(document(3)), document(3))
        label = Label(name="x")
        assert service.add(session, visit, again, label, actor="customer", scanned=False, now=NOW) is None
        with pytest.raises(service.TooManyFiles):
            service.add(session, visit, stored, label, actor="customer", scanned=False, now=NOW)
        assert service.add(session, visit, stored, label, actor="user:1", scanned=False, now=NOW)


def test_ten_at_once_are_five(db: Database, store: FileStore) -> None:
    """The limit holds for files that come in parallel, to a draft that has no row yet."""
    contents = [document(number) for number in range(10)]

    def send(content: bytes) -> bool:
        stored = service.store_file(store, fit(content), content)
        try:
            db.run(
                lambda session: service.add(
                    session, TOKEN, stored, Label(name="x"), actor="customer", scanned=False, now=NOW
                )
            )
        except service.TooManyFiles:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(send, contents)) == 5
    assert len(rows(db)) == 5


def test_all_that_was_asked_for_at_once_shows_the_same_files(db: Database, store: FileStore) -> None:
    """What moved from the draft to one visit is there for the technician of the next, and for nobody else."""
    with db.transaction() as session:
        made = make_attachment(session, store, TOKEN)
        other = make_attachment(session, store, "another draft")
        visit = make_visit(session)
        second = make_visit(session, work_order=visit.work_order)
        third = make_visit(session, work_order=make_work_order(session, request_key="together"))
        visit.work_order.request_key = "together"
        service.move(session, TOKEN, visit)
        session.expire_all()
        for shown in (visit, second, third):
            assert service.of_owner(session, shown) == shown.work_order.shared_attachments == [made]
        assert third.work_order.attachments == []
        assert service.of_owner(session, TOKEN) == []
        assert service.of_owner(session, make_visit(session)) == []
        assert service.find(session, second, made.id) is made
        assert service.find(session, second, other.id) is None


def test_files_go_when_the_row_has_gone_for_good(db: Database, store: FileStore) -> None:
    """After a commit; a transaction that is taken back takes no file away."""
    with db.transaction() as session:
        made = make_attachment(session, store, TOKEN)

    class TakenBack(Exception):
        """Something failed later in the transaction."""

    def remove_and_fail(session: Session) -> None:
        service.remove(session, store, service.of_owner(session, TOKEN))
        raise TakenBack

    with pytest.raises(TakenBack):
        db.run(remove_and_fail)
    assert store.read(made.key)
    assert len(rows(db)) == 1
    db.run(lambda session: service.remove(session, store, service.of_owner(session, TOKEN)))
    assert rows(db) == []
    assert on_disk(store) == set()


def test_what_was_sent_and_never_booked_vanishes(db: Database, store: FileStore) -> None:
    """A page that nobody sent leaves files of no draft; those of a draft and of a visit stay."""
    with db.transaction() as session:
        left = make_attachment(session, store, TOKEN)
        make_attachment(session, store, make_draft(session).token)
        make_attachment(session, store, make_visit(session))
    assert db.run(lambda s: service.remove_unbooked(s, store, before=NOW - timedelta(seconds=1))) == 0
    assert db.run(lambda s: service.remove_unbooked(s, store, before=NOW)) == 1
    assert left.key not in on_disk(store)
    assert len(rows(db)) == 2
    assert in_step(db, store)


def test_the_sweep_takes_what_has_no_row(db: Database, store: FileStore) -> None:
    """And leaves what has one, small pictures too, and what is so new that its row may be on the way."""
    with db.transaction() as session:
        make_attachment(session, store, TOKEN)
        gone = make_attachment(session, store, "gone")
        session.execute(delete(Attachment).where(Attachment.id == gone.id))
    assert service.sweep(db, store, now=datetime.now(UTC)) == 0
    assert service.sweep(db, store, now=LATER) == 2
    assert in_step(db, store)
    assert len(on_disk(store)) == 2


KILLED = """
import os, signal, sys
from fieldservice.attachments import service
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.files import FileStore, fit
from tests.factories import NOW
from tests.pictures import photo

url, folder, where = sys.argv[1:]
db, store = Database(url), FileStore(Settings(data_dir=__import__("pathlib").Path(folder)).files_path)
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
sent = photo()
if where == "half":
    os.fsync = lambda descriptor: die()
stored = service.store_file(store, fit(sent), sent)
if where == "before":
    die()
with db.transaction() as session:
    label = service.Label(name="x")
    service.add(session, "T" * 43, stored, label, actor="customer", scanned=False, now=NOW)
    if where == "inside":
        session.flush()
        die()
if where == "removing":
    store.remove = lambda key: die()
    with db.transaction() as session:
        service.remove(session, store, service.of_owner(session, "T" * 43))
die()
"""


@pytest.mark.parametrize(
    ("where", "kept"), [("half", 0), ("before", 0), ("inside", 0), ("removing", 0), ("after", 1)]
)
def test_a_kill_leaves_nothing_broken(
    db: Database, database_url: str, store: FileStore, where: str, kept: int
) -> None:
    """Killed while writing, before the row, inside its transaction, while removing, after everything."""
    command = [sys.executable, "-c", KILLED, database_url, str(store.folder.parent), where]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert on_disk(store), "it was killed before anything was written"
    assert len(rows(db)) == kept
    assert in_step(db, store)
    service.sweep(db, store, now=LATER)
    assert on_disk(store) == {key for row in rows(db) for key in row.keys}


def test_the_check_sees_a_row_without_its_file(db: Database, store: FileStore) -> None:
    """Control: a store that forgot a file is found out."""
    with db.transaction() as session:
        made = make_attachment(session, store, TOKEN)
    os.unlink(store.path(made.key))
    assert not in_step(db, store)


def test_unfinished_bookings_take_no_more_than_their_room(
    db: Database, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can begin a booking, and nobody can fill the disk by it; what is booked does not count."""
    with db.transaction() as session:
        made = make_attachment(session, store, TOKEN)
        make_attachment(session, store, make_visit(session))
        monkeypatch.setattr(service, "UNBOOKED_BYTES", made.size + 10)
        assert not service.is_full(session, more=10)
        assert service.is_full(session, more=11)


# --- the virus scanner

type Waiting = Callable[[bytes], int]


@pytest.fixture
def waiting(db: Database, store: FileStore) -> Waiting:
    """Makes a document that waits for the scanner."""

    def make(content: bytes = PDF) -> int:
        with db.transaction() as session:
            visit = make_visit(session)
            state = {"scan_state": ScanState.WAITING, "scan_after": NOW}
            return make_attachment(session, store, visit, content=content, **state).id

    return make


def state_of(db: Database, number: int) -> tuple[str, bool, bool]:
    """What is known of a file, whether others may open it, whether nobody may."""
    with db.reading() as session:
        found = session.get_one(Attachment, number)
        return found.scan_state, found.shown_to_others, found.harmful


FINDS_EICAR = ["/bin/sh", "-c", 'grep -q EICAR "$0" && exit 1 || exit 0']


def test_nobody_else_opens_a_file_before_it_was_looked_at(
    db: Database, store: FileStore, waiting: Waiting
) -> None:
    """Then the clean one is shown, and the other one is opened by nobody."""
    clean, bad = waiting(PDF), waiting(PDF.replace(b"Catalog", b"EICAR"))
    assert state_of(db, clean) == state_of(db, bad) == (ScanState.WAITING, False, False)
    assert scanning.scan_waiting(db, store, FINDS_EICAR, now=NOW) == 2
    assert state_of(db, clean) == (ScanState.CLEAN, True, False)
    assert state_of(db, bad) == (ScanState.INFECTED, False, True)
    assert scanning.scan_waiting(db, store, FINDS_EICAR, now=NOW + timedelta(days=1)) == 0


def test_without_a_scanner_what_waits_is_shown_and_what_is_infected_is_not(
    db: Database, store: FileStore, waiting: Waiting
) -> None:
    """Who switches the scanner off loses no file: those that wait or failed are as new ones are."""
    bad, failed = waiting(PDF.replace(b"Catalog", b"EICAR")), waiting(PDF + b"%%EOF")
    assert scanning.scan_waiting(db, store, FINDS_EICAR, now=NOW) == 2
    with db.transaction() as session:
        session.get_one(Attachment, failed).scan_state = ScanState.FAILED
    number = waiting(PDF)
    assert scanning.scan_waiting(db, store, [], now=NOW) == 2
    assert state_of(db, number) == state_of(db, failed) == (ScanState.OFF, True, False)
    assert state_of(db, bad) == (ScanState.INFECTED, False, True)
    assert scanning.scan_waiting(db, store, [], now=NOW) == 0


def test_a_scanner_that_fails_keeps_files_aside_and_is_asked_again(
    db: Database, store: FileStore, waiting: Waiting
) -> None:
    """Not at once, and until it says something."""
    number = waiting(PDF)
    assert scanning.scan_waiting(db, store, ["/bin/false-that-is-none"], now=NOW) == 1
    assert state_of(db, number) == (ScanState.FAILED, False, False)
    assert scanning.scan_waiting(db, store, FINDS_EICAR, now=NOW) == 0
    assert scanning.scan_waiting(db, store, FINDS_EICAR, now=NOW + scanning.AGAIN_AFTER) == 1
    assert state_of(db, number) == (ScanState.CLEAN, True, False)


def test_one_file_at_a_time_and_a_killed_scan_is_taken_over(
    db: Database, store: FileStore, waiting: Waiting
) -> None:
    """While one is looked at no other process begins; after the lease the file is looked at again."""
    first, second = waiting(PDF), waiting(PDF + b"%%EOF")
    claimed = db.run(lambda session: scanning._claim(session, now=NOW))
    assert claimed is not None
    assert claimed[0] == first
    assert scanning.scan_waiting(db, store, FINDS_EICAR, now=NOW + timedelta(minutes=1)) == 0
    assert scanning.scan_waiting(db, store, FINDS_EICAR, now=NOW + scanning.LEASE) == 2
    assert state_of(db, first)[0] == state_of(db, second)[0] == ScanState.CLEAN


def test_a_file_that_was_removed_meanwhile_is_no_fault(
    db: Database, store: FileStore, waiting: Waiting
) -> None:
    """The verdict on what is gone is thrown away; a file that the store lost has failed."""
    gone, lost = waiting(PDF), waiting(PDF + b"%%EOF")
    with db.transaction() as session:
        store.remove(session.get_one(Attachment, lost).key)
    db.run(lambda session: scanning._claim(session, now=NOW))
    with db.transaction() as session:
        service.remove(session, store, [session.get_one(Attachment, gone)])
    db.run(lambda s: scanning._judge(s, number=gone, verdict=scanning.Verdict.CLEAN, now=NOW))
    assert scanning.scan_waiting(db, store, FINDS_EICAR, now=NOW) == 1
    assert state_of(db, lost)[0] == ScanState.FAILED
    with pytest.raises(FileMissing), db.reading() as session:
        store.path(session.get_one(Attachment, lost).key)
    with db.reading() as session:
        assert session.get(Visit, 0) is None
