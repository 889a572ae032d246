"""What a technician sees: the day in order, one visit, and nothing that is not true."""

from __future__ import annotations

import gzip
import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from fieldservice.field.pages import answers
from fieldservice.models import BreakRule, Place, Technician, Visit
from fieldservice.notify import words
from fieldservice.web import Services
from tests.factories import NOW, TOMORROW, make_branch, window
from tests.fieldservice.field.crew import BEFORE, Crew, Phone, make_account, phone_of

# What is read and written runs on both databases in test_taps; here it is what the pages say.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LIGHT = 60_000
SAID = [
    {"question": "What is happening?", "kind": "chips", "answer": ["No heat", "Leaking"], "unit": ""},
    {"question": "Do you smell gas?", "kind": "yesno", "answer": "no", "unit": ""},
    {"question": "How old is it?", "kind": "number", "answer": 8, "unit": "years"},
    {"question": "Check the tap: Is it warm?", "kind": "tried", "answer": "no", "unit": ""},
]


def change(crew: Crew, **values: object) -> None:
    """Set attributes of the first visit, of its site or of its work order: `site__address`."""

    def work(session: Session) -> None:
        visit = session.get_one(Visit, crew.visits[0])
        for name, value in values.items():
            part, _, attribute = name.rpartition("__")
            setattr(getattr(visit, part) if part else visit, attribute, value)

    crew.db.run(work)


def test_the_route_has_the_day_in_order(crew: Crew, phone: Phone) -> None:
    """The next visit on top with its drive and its promise, then the others, then the way home."""
    page = phone.page()
    assert re.search(r"0 of 3 done · home by 1:\d\d pm", page)
    assert "Next · promised 8 am – 10 am" in page
    assert "On time" in page
    second, third = (page.index(f"/day/visits/{visit}") for visit in crew.visits[1:])
    assert page.index("Later today") < second < third < page.index("home, there by 1:")
    assert "promised 12 pm – 2 pm" in page
    assert "Drive times are estimates" in page


def test_the_page_tells_when_to_leave(crew: Crew, phone: Phone) -> None:
    """With time to spare before the promised window it is not the earliest arrival that counts."""
    phone.say(crew.visits[0], "done")
    assert "leave by 9:5" in phone.page()


@pytest.mark.parametrize("early", [timedelta(0), timedelta(minutes=40)], ids=["in time", "before the shift"])
def test_the_page_says_what_the_customer_will_be_told(
    app: Flask, crew: Crew, clock: time_machine.Traveller, early: timedelta
) -> None:
    """Who sets off early arrives early: on the page before the tap as in the message."""
    clock.move_to(NOW - early)
    phone = phone_of(app, crew.db, crew.account, now=NOW - early)
    said = re.search(r"that you arrive about (\d+:\d\d [ap]m)", phone.page())
    assert said
    phone.say(crew.visits[0], "on_my_way")
    [message] = [one for one in crew.messages(crew.visits[0]) if one.channel == "email"]
    told = datetime.fromisoformat(message.payload["arrives_at"])
    assert said[1] == words.clock_time(told, ZoneInfo("America/New_York"), "en_US")


def test_a_break_stays_until_it_is_over(crew: Crew, phone: Phone, clock: time_machine.Traveller) -> None:
    """Whoever is at lunch still sees lunch, and the visits after it."""

    def give_a_break(session: Session) -> None:
        technician = session.get_one(Technician, crew.technician_id)
        lunch = BreakRule(earliest=time(11), latest=time(12), duration=timedelta(minutes=30))
        technician.break_rules.append(lunch)

    crew.db.run(give_a_break)
    assert "Break" in phone.page()
    phone.say(crew.visits[0], "done")
    clock.move_to(crew.breaks()[0] + timedelta(minutes=10))
    assert "Break" in phone.page()
    clock.move_to(crew.breaks()[0] + timedelta(minutes=31))
    assert "Break" not in phone.page()


def test_a_visit_shows_what_is_needed_at_the_door(crew: Crew, phone: Phone) -> None:
    """The customer's words and answers, how to get in, whom to call, where to go, as plain links."""
    change(
        crew,
        site__access_notes="Ring the side door. Friendly dog.",
        site__access_kind="code",
        work_order__problem="Boiler shows F28",
        work_order__said=SAID,
        parts=["Igniter", "Seal kit"],
    )
    for path in ("/day/", f"/day/visits/{crew.visits[0]}"):
        page = phone.page(path)
        assert "Ring the side door. Friendly dog." in page
        assert "No heat, Leaking · Do you smell gas? no · How old is it? 8 years" in page
        assert "Check the tap: Is it warm? no" in page
        assert "Bring: Igniter, Seal kit" in page
        assert "Boiler shows F28" in page
        assert 'href="tel:+1410555' in page
        assert 'href="https://www.google.com/maps/dir/?api=1&destination=39.30' in page
    assert "Code, key box or doorman" in page


def test_what_a_customer_writes_is_text(crew: Crew, phone: Phone) -> None:
    """Markup in any of the customer's words is shown, not obeyed."""
    hostile = "<script>alert(1)</script>"
    change(crew, site__access_notes=hostile, work_order__problem=hostile, site__address=hostile)
    for path in ("/day/", f"/day/visits/{crew.visits[0]}"):
        assert hostile not in phone.client.get(path).text
        assert hostile in phone.page(path)


def test_a_visit_without_a_drive_has_no_directions(crew: Crew, phone: Phone) -> None:
    """A remote visit says so; one at a branch leads there and not to the customer's home."""
    change(crew, service__place=Place.REMOTE)
    page = phone.page(f"/day/visits/{crew.visits[0]}")
    assert "By telephone or video" in page
    assert "google.com/maps" not in page
    crew.db.run(lambda session: make_branch(session, session.get_one(Visit, crew.visits[0]).territory))
    change(crew, service__place=Place.AT_BRANCH)
    page = phone.page(f"/day/visits/{crew.visits[0]}")
    assert "1 Light Street" in page
    assert "google.com/maps" in page


def test_a_visit_without_a_promise_is_neither_late_nor_on_time(crew: Crew, phone: Phone) -> None:
    """Nothing is claimed about an hour that nobody was told."""
    change(crew, window_starts_at=None, window_ends_at=None)
    page = phone.page(f"/day/visits/{crew.visits[0]}")
    assert "no promised window" in page
    assert "On time" not in page


def test_a_customer_who_cannot_be_reached_is_not_told(crew: Crew, phone: Phone) -> None:
    """Without an e-mail address and a number the page does not claim that somebody is told."""
    page = phone.page()
    assert "that you arrive about" in page
    assert len(set(re.findall(r'tel:([^"]+)"', page))) > 1

    def forget(session: Session) -> None:
        [contact] = session.get_one(Visit, crew.visits[0]).work_order.contacts
        contact.email = contact.phone = ""

    crew.db.run(forget)
    page = phone.page()
    assert "that you arrive about" not in page
    assert set(re.findall(r'tel:([^"]+)"', page)) == {"+14105550100"}  # the office alone


def test_nothing_planned(app: Flask, crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """A free day says so, with the next visit after it; a day that is done says when home is reached."""
    assert "Nothing planned today." in other_phone.page()
    for visit in crew.visits:
        phone.say(visit, "done")
    page = phone.page()
    assert "All done." in page
    assert "3 of 3 done" in page
    crew.scene.book(window(TOMORROW, 10, 12), now=BEFORE)
    night = NOW + timedelta(hours=20)
    with time_machine.travel(night, tick=True):
        assert "3 of 3 done" not in phone_of(app, crew.db, crew.account, now=night).page()


def test_the_next_visit_of_a_free_day(crew: Crew, other_phone: Phone) -> None:
    """A day without visits names the first one after it."""
    crew.give_away(crew.scene.book(window(TOMORROW, 10, 12), now=BEFORE), on=TOMORROW)
    assert "Next: Tue, Mar 3, 10:00 am" in other_phone.page()


def test_an_account_without_a_technician_is_told(app: Flask, crew: Crew, clock: object) -> None:
    """Nobody's route is shown to an account that is linked to no technician."""
    account = crew.db.run(lambda session: make_account(session, None, "Nobody"))
    phone = phone_of(app, crew.db, account)
    for path in ("/day/", "/day/route.geojson", f"/day/visits/{crew.visits[0]}"):
        assert "not linked to a technician" in phone.page(path, 403)
    assert phone.tap(crew.visits[0], "arrived").status_code == 403


def test_the_map_is_the_own_route(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """A line and numbered stops of this technician alone; nothing for a day without visits."""
    features = phone.client.get("/day/route.geojson").get_json()["features"]
    kinds = [feature["properties"]["kind"] for feature in features]
    assert kinds == ["route", "start", "stop", "stop", "stop"]
    assert [feature["properties"]["number"] for feature in features[2:]] == [1, 2, 3]
    assert features[0]["properties"]["estimated"] is True
    assert other_phone.client.get("/day/route.geojson").get_json()["features"] == []


@pytest.mark.parametrize("page", ["route", "visit"])
def test_more_visits_cost_no_more_queries(crew: Crew, phone: Phone, services: Services, page: str) -> None:
    """The page of a long day is read with as many queries as that of a short one, and stays light."""

    def count() -> int:
        statements: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_: object) -> None:
            statements.append(statement)

        event.listen(services.db.engine, "before_cursor_execute", note)
        answer = phone.client.get("/day/" if page == "route" else f"/day/visits/{crew.visits[0]}")
        event.remove(services.db.engine, "before_cursor_execute", note)
        assert answer.status_code == 200
        assert len(gzip.compress(answer.data)) < LIGHT
        return len(statements)

    count()  # the first look of a process also reads the technicians
    short = count()
    for hours in ((14, 16), (14, 16), (10, 12)):
        crew.scene.book(window(NOW.date(), *hours), now=BEFORE)
    assert count() == short


def test_answers_stay_in_the_words_of_then(crew: Crew) -> None:
    """What the office rewrites or removes since changes nothing of what a customer said."""
    change(crew, work_order__answers={"gas": "yes"}, work_order__said=SAID[1:2])
    with crew.db.reading() as session:
        visit = session.get_one(Visit, crew.visits[0])
        assert visit.service.intake_questions == []
        assert answers(visit) == ["Do you smell gas? no"]
