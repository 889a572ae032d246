"""The phone says what the office changed on a route that was sent out, until "Got it"."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from fieldservice import web
from fieldservice.dispatch.service import dispatch_day
from fieldservice.models import RouteSeen, Technician, Visit
from tests.factories import NOW, TODAY, make_stop, make_visit, window
from tests.fieldservice.field.crew import Crew, Phone

HEADING = "The office changed your route"


@pytest.fixture(autouse=True)
def sent_out(crew: Crew) -> None:
    """The day was sent to its technicians."""

    def work(session: Session) -> None:
        territory = session.get_one(Technician, crew.technician_id).territory
        dispatch_day(session, territory, TODAY, now=NOW, actor="user:9")

    crew.db.run(work)


def got_it(phone: Phone, page: str, **fields: str) -> TestResponse:
    """Press the button of a page that was open."""
    shown = re.search(r'name="shown" value="([^"]+)"', page)
    data = {"csrf_token": phone.token, "idempotency_key": web.new_key(), "shown": shown[1] if shown else ""}
    return phone.client.post(f"/day/on/{TODAY}/seen", data={**data, **fields})


def test_each_change_is_named_until_got_it(crew: Crew, phone: Phone) -> None:
    """One cancelled, one to a colleague, one new, another promise; an old page swallows nothing newer."""
    first, second, third = crew.visits
    assert HEADING not in phone.page()

    def change(session: Session) -> None:
        session.get_one(Visit, second).promise(window(TODAY, 11, 13), now=NOW, actor="user:9")
        session.delete(session.get_one(Visit, third).stop)
        session.flush()
        session.expire_all()
        session.get_one(Visit, third).cancel(now=NOW, actor="user:9")

    crew.db.run(change)
    page = phone.page()
    assert HEADING in page
    assert "now promised 11 am – 1 pm" in page
    assert "Cancelled:" in page
    assert HEADING in phone.page(f"/day/visits/{first}")
    crew.give_away(first)

    def add_one(session: Session) -> None:
        technician = session.get_one(Technician, crew.technician_id)
        visit = make_visit(session, territory=technician.territory)
        start = NOW + timedelta(hours=8)
        make_stop(session, technician, start, start + timedelta(minutes=30), visit=visit)

    crew.db.run(add_one)
    assert got_it(phone, page).status_code == 303
    page = phone.page()
    assert "now promised" not in page
    assert "No longer on your route:" in page
    assert "New visit at" in page
    assert HEADING not in phone.after(got_it(phone, page))


def test_another_order_is_named_and_what_one_did_oneself_is_not(crew: Crew, phone: Phone) -> None:
    """The technician sets off and finishes: no news. The office swaps the two that are left: news."""
    first, second, third = crew.visits
    phone.say(first, "on_my_way", "done")
    assert HEADING not in phone.page()

    def swap(session: Session) -> None:
        one, two = (session.get_one(Visit, number).stop for number in (second, third))
        assert one
        assert two
        late = NOW + timedelta(hours=9)
        one.arrives_at, one.starts_at, one.ends_at = late, late, late + timedelta(minutes=30)

    crew.db.run(swap)
    assert "Another order:" in phone.page()


def test_nobody_says_what_no_page_showed(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """Numbers that somebody made up, or another technician's page, name no customer."""
    crew.give_away(crew.visits[0])
    page = phone.page()
    for who, words in ((other_phone, {}), (phone, {"shown": '[1,[[1,""]]]'})):
        assert "Please look again." in who.after(got_it(who, page, **words))
    assert HEADING in phone.page()
    old = got_it(phone, page, tapped_at=(NOW - timedelta(hours=1)).isoformat())
    assert HEADING in phone.after(old)  # from before the day was sent out
    with crew.db.reading() as session:
        row = session.get_one(RouteSeen, (crew.technician_id, TODAY))
        assert [number for number, _window in row.visits] == crew.visits
