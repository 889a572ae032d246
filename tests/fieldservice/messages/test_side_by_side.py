"""Several sweepers at once, and sweepers that are killed: no message is lost, hardly one comes twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import pytest

from fieldservice.db import Database
from fieldservice.messages.service import SweepResult
from fieldservice.models import ServiceTranslation, Visit
from tests import factories
from tests.factories import NOW
from tests.fieldservice.messages.conftest import WINDOW, Book, Sender, change, states, states_of_all
from tests.fieldservice.planning.test_kept import statements
from tests.services import SmtpSink, wait_until

MESSAGES = int(os.environ.get("CHAOS_MESSAGES", "80"))
KILLS = int(os.environ.get("CHAOS_KILLS", "3"))
A_DAY_BEFORE = WINDOW.starts_at - timedelta(hours=24)


def test_two_sweepers_at_once_send_every_reminder_exactly_once(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """60 due reminders, two threads that start together: each does a part, no customer hears twice."""
    for n in range(60):
        book(f"customer{n}@example.com")
    sender.sweep()
    sink.messages.clear()
    sink.recipients.clear()
    results = _together(sender, A_DAY_BEFORE)
    assert all(result.sent > 0 for result in results)  # both took part, else this would prove nothing
    assert Counter(sink.recipients) == Counter({f"customer{n}@example.com": 1 for n in range(60)})
    assert {mail["Subject"] for mail in sink.messages} == {"Reminder: Tuesday, Mar 3, 10 am – 12 pm"}


def test_without_the_lease_two_sweepers_send_twice(
    db: Database, sender: Sender, sink: SmtpSink, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: with leases that end at once, two threads do send duplicates."""
    for n in range(10):
        book(f"customer{n}@example.com")
    monkeypatch.setattr("fieldservice.messages.service.LEASE_MARGIN", timedelta(hours=-1))
    _together(sender, NOW)
    assert max(Counter(sink.recipients).values()) > 1


def test_a_visit_that_is_moved_during_the_sweep_gets_no_reminder_of_its_old_window_afterwards(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """Moves race with a sweep of due reminders: what left after a move was committed names the new window."""
    visits = [book(f"customer{n}@example.com") for n in range(30)]
    sender.sweep()
    sink.messages.clear()
    later = type(WINDOW)(WINDOW.starts_at + timedelta(days=1), WINDOW.ends_at + timedelta(days=1))
    sent_before: dict[int, int] = {}

    def move_all() -> None:
        for visit in reversed(visits):
            change(db, visit, lambda visit: visit.promise(later, now=A_DAY_BEFORE, actor="customer"))
            sent_before[visit.id] = len(sink.messages)

    mover = threading.Thread(target=move_all)
    mover.start()
    sender.sweep(A_DAY_BEFORE)
    mover.join()
    sender.sweep(A_DAY_BEFORE + timedelta(minutes=1))
    for visit, address in ((visit, f"customer{n}@example.com") for n, visit in enumerate(visits)):
        mails = [
            (position, mail)
            for position, mail in enumerate(sink.messages)
            if mail["To"].addresses[0].addr_spec == address
        ]
        # One message may have been on its way at the moment of the move.
        late = [
            position
            for position, mail in mails
            if mail["Subject"].startswith("Reminder") and position > sent_before[visit.id]
        ]
        assert late == []
        assert mails[-1][1]["Subject"] == "New time: Wednesday, Mar 4, 10 am – 12 pm"
        assert states(db, visit)["changed"] == "sent"


@pytest.mark.chaos
def test_killed_sweepers_lose_nothing_and_cost_at_most_one_duplicate_each(
    database_url: str, db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """Processes are killed with -9 in the middle: all arrive, at most one a kill comes twice.

    Three kills in 80 messages; `make chaos-messages` makes it 40 in 24,000.
    """
    later = factories.window(factories.TOMORROW + timedelta(days=3))
    for n in range(MESSAGES):
        book(f"customer{n}@example.com", window=later)
    now, kills = NOW, [MESSAGES * (2 * n + 1) // (2 * KILLS + 2) for n in range(KILLS)]
    for enough in kills:
        with _sweeper(database_url, sink, now) as process:
            wait_until(partial(_has, sink, enough), f"{enough} messages", seconds=600)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert (
            states_of_all(db)["sent"] < MESSAGES
        )  # it was killed in the middle, else this would prove nothing
        now += timedelta(minutes=5)
    last = sender.sweep(now).sent
    assert last > 0
    while last:
        now += timedelta(seconds=1)
        last = sender.sweep(now).sent
    arrived = Counter(sink.recipients)
    assert set(arrived) == {f"customer{n}@example.com" for n in range(MESSAGES)}
    assert arrived.total() <= MESSAGES + KILLS
    assert len({mail["Message-ID"] for mail in sink.messages}) == MESSAGES
    left = {"sending": 0, "unknown": 0, "dead": 0, "cancelled": 0}
    assert states_of_all(db) == {"pending": 2 * MESSAGES, "sent": MESSAGES, **left}


def _has(sink: SmtpSink, enough: int) -> bool:
    return len(sink.messages) >= enough


def _together(sender: Sender, now: datetime) -> list[SweepResult]:
    barrier, results = threading.Barrier(2), []

    def run() -> None:
        barrier.wait()
        results.append(sender.sweep(now))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _sweeper(database_url: str, sink: SmtpSink, now: datetime) -> subprocess.Popen[bytes]:
    module = "tests.fieldservice.messages.sweeper"
    return subprocess.Popen([sys.executable, "-m", module, database_url, sink.url, now.isoformat()])


def test_a_message_takes_five_statements(db: Database, sender: Sender, sink: SmtpSink, book: Book) -> None:
    """Thousands may be due at once: each one more is found, read, judged, claimed and settled."""

    def sent_for(count: int) -> int:
        sink.messages.clear()
        for number in range(count):
            visit = book(f"customer{number}@example.com")
            with db.transaction() as session:
                service = session.get_one(Visit, visit.id).service
                texts = {service.name: "Varmeeftersyn"}
                service.translations["da"] = ServiceTranslation(language="da", texts=texts)
        with statements(db) as sent:
            assert sender.sweep().sent == count
        assert len(sink.messages) == count
        return len([statement for statement in sent if not statement.startswith(("BEGIN", "PRAGMA"))])

    assert sent_for(7) - sent_for(2) == 5 * 5
