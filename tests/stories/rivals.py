"""One last slot a day, and the ways in which many may want it at once."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from sqlalchemy.orm import Session

from fieldservice.booking import drafts
from fieldservice.booking import service as booking
from fieldservice.db import Database
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.tables import TravelTables
from fieldservice.models import BookingDraft, Service, Territory, Window
from fieldservice.planning import service as planning
from fieldservice.planning.travel import with_travel
from fieldservice.processes import settle_memory
from tests import factories
from tests.factories import CENTRE, Company, make_company, make_route, number
from tests.races import count

SECRET = "only-for-tests"  # noqa: S105


def open_company(session: Session, today: date, days: int) -> Company:
    """One technician who can make one visit a day, and whose routes are there already."""
    company = make_company(
        session,
        technicians=1,
        hours=(clock_time(10), clock_time(12)),
        duration=timedelta(minutes=90),
        horizon_days=days + 2,
    )
    for on in offered(today, days):
        make_route(session, company.technicians[0], on)
    return company


def offered(today: date, days: int) -> Iterator[date]:
    """One day for each round, from the day after tomorrow on."""
    return (today + timedelta(days=2 + position) for position in range(days))


def the_slot(on: date) -> Window:
    """The only window of a day."""
    return factories.window(on, 10, 12)


def site(serial: int) -> drafts.SiteAnswers:
    """An address that was found, and is not the others'."""
    return drafts.SiteAnswers(
        address=f"{serial} Charles Street",
        city="Baltimore",
        coordinates=CENTRE,
        match="exact",
        provider="local",
    )


def draft(session: Session, company: Company, *, now: datetime, picked: Window | None) -> BookingDraft:
    """A customer who has answered everything but who they are; `picked` is not reserved."""
    answers = drafts.DraftAnswers(
        service=company.service.code,
        site=site(number()),
        territory_id=company.territory.id,
        window=picked,
    )
    return drafts.start(session, answers, now=now)


@dataclass(frozen=True)
class Contest:
    """What a process needs to know to take part."""

    url: str
    service_id: int
    territory_id: int
    days: tuple[date, ...]
    now: datetime


@dataclass(frozen=True)
class Attempt:
    """What became of one process's try on one day, and the seconds until it knew."""

    on: date
    result: str
    seconds: float


def book_once(contest: Contest, db: Database, tables: TravelTables, on: date, name: str) -> str:
    """Try to book the day's slot: `won` or `taken`."""
    wanted, place = the_slot(on), site(number())

    def answers(session: Session) -> booking.Answers:
        return booking.Answers(
            service=session.get_one(Service, contest.service_id),
            territory=session.get_one(Territory, contest.territory_id),
            site=place,
            requester=drafts.Contact(name=name, email=f"{name}.{on}@example.com"),
            window=wanted,
        )

    def work(session: Session, travel: Any) -> None:
        company = booking.Company(prefix="HH", secret_key=SECRET)
        booking.book(session, answers(session), company=company, tables=travel, now=contest.now)

    def look_and_book(travel: Any) -> None:
        with db.reading() as session:
            booking.require_open(session, answers(session), tables=travel, now=contest.now)
        db.run(lambda session: work(session, travel))

    try:
        with_travel(
            db,
            tables,
            contest.territory_id,
            [on],
            [CENTRE],
            now=contest.now,
            work=look_and_book,
        )
    except planning.SlotTaken:
        return "taken"
    return "won"


def race_processes(contest: Contest, rivals: int) -> list[Attempt]:
    """Let processes race on every day but the first; their captain has booked that one alone."""
    arguments = [contest.url, contest.service_id, contest.territory_id, contest.now.isoformat(), rivals]
    command = [sys.executable, "-m", "tests.stories.rivals", *arguments, *contest.days]
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-3000:]
    lines = [line.split() for line in ended.stdout.splitlines()]
    return [Attempt(date.fromisoformat(on), result, float(seconds)) for on, result, seconds in lines]


def main(url: str, service_id: str, territory_id: str, now: str, rivals: str, *days: str) -> int:
    """Be the captain: warm up, fork the rivals, wait for them."""
    dates = tuple(date.fromisoformat(on) for on in days)
    contest = Contest(url, int(service_id), int(territory_id), dates[1:], datetime.fromisoformat(now))
    db, tables = Database(url), TravelTables(EstimatedTravelTimes())
    book_once(contest, db, tables, dates[0], "captain")
    db.dispose()  # connections must not cross a fork; what was compiled may
    settle_memory()  # as the web server does
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(int(rivals))
    processes = [
        context.Process(target=_rival, args=(contest, db, tables, f"rival{position}", barrier))
        for position in range(int(rivals))
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return max(process.exitcode or 0 for process in processes)


def _rival(contest: Contest, db: Database, tables: TravelTables, name: str, barrier: Any) -> None:
    try:
        with db.reading() as session:
            session.get_one(Service, contest.service_id)  # connected before the race begins
        for on in contest.days:
            barrier.wait(timeout=120)
            began = time.perf_counter()
            result = book_once(contest, db, tables, on, name)
            seconds = time.perf_counter() - began
            os.write(sys.stdout.fileno(), f"{on} {result} {seconds}\n".encode())  # whole lines only
    except BaseException:
        barrier.abort()
        raise
    finally:
        db.dispose()


def require_only_winners_stored(db: Database, rounds: int) -> None:
    """Nothing of a loser is left: no customer, site, order, visit, message or link."""
    for table in ("customer", "site", "work_order", "visit", "private_link"):
        assert count(db, table) == rounds, table
    assert count(db, "stop", "kind = 'visit'") == rounds
    assert count(db, "visit", "state = 'booked'") == rounds


def real_now() -> datetime:
    """The wall clock, for what runs in other processes."""
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
