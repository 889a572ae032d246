"""What a customer answers counts in every way to a window: search, reasons, the same technician, waiting."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from fieldservice.booking import manage, waiting_sweep
from fieldservice.geo.address import Address
from fieldservice.models import Job, Technician, Territory, WaitingOffer
from fieldservice.planning import service as planning
from fieldservice.planning.jobs import Work, run_next_job
from fieldservice.planning.missing import Because, missing_windows
from fieldservice.planning.rooms import request_rooms, rooms_of
from fieldservice.planning.service import Ask
from fieldservice.web import Services
from tests.factories import HEATING, NOW, ask, window
from tests.fieldservice.booking.demoville import heating
from tests.fieldservice.booking.tight import AT, WEDNESDAY, cancel, easy_visit, open_tight_company
from tests.fieldservice.booking.walker import Walker

MORNING = window(WEDNESDAY, 8, 10)
LONGER = {"about-heating-big": "yes"}


@pytest.fixture
def walker(services: Services, client: FlaskClient, unlimited: None, home: Address) -> Walker:
    """A customer of the tight company, which asks whether a visit takes longer."""
    question = {
        "code": "big",
        "kind": "yesno",
        "label": "Is it a big one?",
        "effects": [{"answer": "yes", "more_time": 120}],
    }
    with services.db.transaction() as session:
        open_tight_company(session, horizon_days=3)
        ask(session, heating(session), [question])
    return Walker(client, home)


def wishes(session) -> tuple[Ask, Ask]:
    """What the service takes, and the same after an answer that makes it four hours."""
    usual = planning.ask_for(heating(session), session.scalars(select(Territory)).one(), AT)
    assert usual is not None
    return usual, replace(usual, changed=replace(usual.needs, duration=timedelta(hours=4)))


def test_the_planner_searches_for_what_was_answered(walker: Walker, services: Services) -> None:
    """Two wishes that differ in an answer are two jobs; room for two hours is none for four."""
    easy_visit(services, MORNING)

    def request(session) -> list[int]:
        jobs = [request_rooms(session, wish, WEDNESDAY, now=NOW) for wish in wishes(session)]
        return [job.id for job in jobs if job is not None]

    usual, longer = services.db.run(request)
    for _ in (usual, longer):
        assert run_next_job(Work(services.db, services.tables, 1.0, lambda: NOW), owner="test")
    with services.db.reading() as session:
        found = rooms_of(session.get_one(Job, usual))
        assert found is not None
        assert [room.slot.window for room in found] == [MORNING]
        assert rooms_of(session.get_one(Job, longer)) == []


def test_the_reason_is_the_length_that_was_answered(walker: Walker, services: Services) -> None:
    """Two hours are free on Wednesday morning; four hours do not end within the day."""
    with services.db.reading() as session:
        usual, longer = (
            missing_windows(session, wish, WEDNESDAY, now=NOW, tables=services.tables)
            for wish in wishes(session)
        )
    assert MORNING not in [each.window for each in usual]
    assert {each.window: each.because for each in longer}[MORNING] == Because.HOURS


def test_who_lacks_an_answered_skill_is_not_the_same_technician(walker: Walker, services: Services) -> None:
    """Whom a customer knows is named while they can do what is asked for, and not beyond it."""
    with services.db.reading() as session:
        usual, _ = wishes(session)
        expert = session.scalars(select(Technician.id).where(Technician.name == "Edda Expert")).one()
        assert manage.available(session, expert, usual) is not None
        harder = replace(usual, changed=replace(usual.needs, skills={HEATING: 4}))
        assert manage.available(session, expert, harder) is None


def test_a_gap_is_offered_to_whom_it_is_long_enough_for(walker: Walker, services: Services) -> None:
    """Ada is first in line and her visit takes four hours: the gap of two goes to Bob."""
    taken = [easy_visit(services, window(WEDNESDAY.replace(day=day), 8, 10)) for day in (3, 4, 5)]
    for day in (3, 4, 5):
        easy_visit(services, window(WEDNESDAY.replace(day=day), 8, 10), by="Nora Novice")
    for name, answers in (("Ada", LONGER), ("Bob", {})):
        walker.choose_problem(**answers)
        walker.give_address()
        walker.open(f"/book/{walker.draft}/waiting")
        walker.confirm(name=name, phone="", email=f"{name.lower()}@example.com")
        assert walker.page.title.startswith("We have your request")
    cancel(services, taken[1])
    assert waiting_sweep.offer_gaps(services.db, services.tables, now=NOW, minutes=60) == 1
    with services.db.reading() as session:
        offer = session.scalars(select(WaitingOffer)).one()
        assert offer.entry.visit.work_order.customer.name == "Bob"
