"""Digests of tomorrow: in the evening, once a day for each person, whatever beats and workers do."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.messages import digests
from fieldservice.models import OutboxMessage, Stop, StopKind, Technician, UserRole
from tests import factories
from tests.factories import NOW, TOMORROW, window
from tests.fieldservice.messages.conftest import Sender, part, rows
from tests.services import SmtpSink
from tests.signing_in import make_user

EVENING = datetime(2026, 3, 2, 23, 5, tzinfo=UTC)  # 18:05 in Baltimore


def company(session: Session) -> None:
    """Ana, who has a visit tomorrow, Ben, who has none, and Dana of the office."""
    territory = factories.make_territory(session, name="Baltimore")
    for name in ("Ana", "Ben"):
        user = make_user(session, UserRole.TECHNICIAN, name=name, email=f"{name.lower()}@example.com")
        technician = factories.make_technician(session, territory, name=name, user_id=user.id)
        if name == "Ana":
            order = factories.make_work_order(
                session, contact={"name": "Rosa Diaz", "email": "", "phone": ""}
            )
            visit = factories.make_visit(session, territory=territory, work_order=order)
            promised = window(TOMORROW, 10, 12)
            visit.promise(promised, now=NOW, actor="test")
            factories.make_stop(
                session, technician, promised.starts_at, promised.starts_at + timedelta(hours=1), visit=visit
            )
    make_user(session, UserRole.DISPATCHER, name="Dana", email="dana@example.com")


def test_who_helps_reads_what_tomorrow_brings(db: Database, sender: Sender, sink: SmtpSink) -> None:
    """Ben leads nothing and helps Ana; the visit is in both digests, and one visit for the office."""

    def help_ana(session: Session) -> None:
        company(session)
        led = session.scalars(select(Stop)).one()
        ben = session.scalars(select(Technician).where(Technician.name == "Ben")).one()
        factories.make_stop(
            session, ben, led.starts_at, led.ends_at, kind=StopKind.CREW, crew_visit_id=led.visit_id
        )

    db.run(help_ana)
    assert write(db, sender, EVENING) == 3
    sender.sweep(EVENING)
    mails = {str(mail["To"]): part(mail, "text/plain") for mail in sink.messages}
    for name in ("ana", "ben"):
        assert "10:00 am (10 am – 12 pm): Boiler repair" in mails[f"{name}@example.com"]
    assert "1 visit is planned" in mails["dana@example.com"]


def write(db: Database, sender: Sender, at: datetime) -> int:
    """One tick of the timetable."""
    return db.run(lambda session: digests.write_digests(session, sender.settings, now=at))


def test_a_digest_comes_in_the_evening_and_once(db: Database, sender: Sender, sink: SmtpSink) -> None:
    """Two beats at once and a day of ticks write one for each person; nothing of it is kept."""
    db.run(company)
    assert write(db, sender, EVENING - timedelta(hours=1)) == 0, "too early"
    written: list[int] = []
    barrier = threading.Barrier(2)

    def beat() -> None:
        barrier.wait()
        written.append(write(db, sender, EVENING))

    beats = [threading.Thread(target=beat) for _ in range(2)]
    for each in beats:
        each.start()
    for each in beats:
        each.join()
    assert sum(written) == 2
    assert write(db, sender, EVENING + timedelta(hours=3)) == 0
    sender.sweep(EVENING)
    mails = {str(mail["To"]): mail for mail in sink.messages}
    assert set(mails) == {"ana@example.com", "dana@example.com"}
    ana, dana = (part(mails[f"{name}@example.com"], "text/plain") for name in ("ana", "dana"))
    assert mails["ana@example.com"]["Subject"] == "Your day: Tuesday, Mar 3"
    assert "10:00 am (10 am – 12 pm): Boiler repair" in ana
    assert "Rosa Diaz" in ana
    assert "/day/" in ana
    assert "1 visit is planned" in dana
    assert "0 visits have no technician" in dana
    assert "Rosa Diaz" not in "".join(row.sent_text + str(row.payload) for row in rows(db, OutboxMessage))
    assert write(db, sender, EVENING + timedelta(days=1)) == 1, "no visit the day after: the office alone"


def test_a_digest_that_comes_too_late_is_not_sent(db: Database, sender: Sender, sink: SmtpSink) -> None:
    """After noon of its day it is no news; hour 24 is never."""
    db.run(company)
    write(db, sender, EVENING)
    late = sender.sweep(EVENING + timedelta(hours=19))
    assert (late.sent, sink.messages) == (0, [])
    sender.settings = replace(sender.settings, digest_hour=24)
    assert write(db, sender, EVENING + timedelta(days=1)) == 0
