"""One person who asks twice at the same instant is one customer."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress

import pytest
from sqlalchemy.orm import Session

from fieldservice.booking import service as booking
from fieldservice.booking.drafts import Contact, SiteAnswers
from fieldservice.db import Database
from fieldservice.models import Customer, Service, Territory
from tests.factories import NOW, make_company
from tests.races import all_at_once, count

ROUNDS = 5
COMPANY = booking.Company(prefix="HH", secret_key="only-for-tests")


def ask_twice(db: Database, service_id: int, territory_id: int, turn: int) -> None:
    """Two requests of the same new customer, sent in the same instant."""

    def ask() -> None:
        def work(session: Session) -> None:
            answers = booking.Answers(
                service=session.get_one(Service, service_id),
                territory=session.get_one(Territory, territory_id),
                site=SiteAnswers(address="1 Charles Street", city="Baltimore"),
                requester=Contact(name="Rosa", email=f"rosa{turn}@example.com", phone="+14105550123"),
            )
            booking.request(session, answers, company=COMPANY, now=NOW)

        db.run(work)

    all_at_once([ask, ask])


def test_two_first_requests_at_once_make_one_customer(db: Database) -> None:
    """Whoever comes second finds the customer that the first one made."""
    company = db.run(make_company)
    for turn in range(ROUNDS):
        ask_twice(db, company.service.id, company.territory.id, turn)
    assert count(db, "customer") == 1  # the same phone in every round
    assert count(db, "work_order") == 2 * ROUNDS


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "not locked"])
def test_without_the_lock_they_are_two(
    altered_db: Database, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """Positive control: when both look before either writes, PostgreSQL gets two without the lock."""
    company = altered_db.run(make_company)
    both_looked = threading.Barrier(2)
    look = booking._customer

    def look_and_wait(session: Session, answers: booking.Answers, **when: object) -> Customer:
        found = look(session, answers, **when)
        with suppress(threading.BrokenBarrierError):  # the other one waits for this one to commit
            both_looked.wait(timeout=1)
        return found

    def no_lock(_session: Session, _names: Iterable[str]) -> None:
        return

    monkeypatch.setattr(booking, "_customer", look_and_wait)
    if not locked:
        monkeypatch.setattr(booking, "lock_names", no_lock)
    ask_twice(altered_db, company.service.id, company.territory.id, 0)
    alone = locked or altered_db.engine.dialect.name == "sqlite"  # its writers run one after another anyway
    assert count(altered_db, "customer") == (1 if alone else 2)
