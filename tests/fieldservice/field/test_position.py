"""Where the technician is, for one customer: only while driving, only if shared, never kept."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from time_machine import Traveller
from werkzeug.test import TestResponse

from fieldservice import web
from fieldservice.booking import erasing, personal
from fieldservice.field import position
from fieldservice.models import DrivePosition, Visit
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.booking.test_track import link_of
from tests.fieldservice.field.crew import Crew, Phone, phone_of

SHOWN = 'id="position"'
MINUTE = timedelta(minutes=1)


@pytest.fixture
def crew(services: Services) -> Crew:
    """One technician with three visits of today."""
    return Crew(services.db)


@pytest.fixture
def phone(app: Flask, crew: Crew, clock_at_now: Traveller) -> Phone:
    """The technician's phone."""
    return phone_of(app, crew.db, crew.account)


def share(phone: Phone, on: str = "on") -> TestResponse:
    """Use the switch."""
    data = {"csrf_token": phone.token, "idempotency_key": web.new_key(), "share": on}
    return phone.client.post("/day/sharing", data=data)


def send(phone: Phone, visit_id: int, *, lat: float | str = 39.3, age: int = 0) -> int:
    """What the phone sends; gives the status."""
    data = {"csrf_token": phone.token, "latitude": lat, "longitude": -76.6, "age": age}
    return phone.client.post(f"/day/visits/{visit_id}/position", data=data).status_code


def stored(crew: Crew) -> list[tuple[int, float, datetime]]:
    """Every position that is kept."""
    with crew.db.reading() as session:
        found = session.scalars(select(DrivePosition).order_by(DrivePosition.visit_id))
        return [(row.visit_id, row.lat, row.seen_at) for row in found]


def test_only_between_on_my_way_and_arrived(
    phone: Phone, crew: Crew, client: FlaskClient, services: Services
) -> None:
    """Before and after nothing is taken, shown or kept; on the drive this customer sees it, with its age."""
    visit, other = crew.visits[:2]
    track, others = (f"{link_of(services, each)}/track" for each in (visit, other))
    share(phone)
    assert send(phone, visit) == 409
    assert SHOWN not in client.get(track).text
    phone.say(visit, "on_my_way")
    assert SHOWN not in client.get(track).text
    assert send(phone, visit) == 204
    page = client.get(track).text
    assert 'data-latitude="39.3"' in page
    assert "less than a minute ago" in page
    assert SHOWN not in client.get(others).text
    assert SHOWN in client.get(f"{track}/part").text
    phone.say(visit, "arrived")
    assert stored(crew) == []
    assert send(phone, visit) == 409
    assert SHOWN not in client.get(track).text


def test_a_drive_that_is_taken_back_leaves_nothing(phone: Phone, crew: Crew) -> None:
    """Undo forgets the position; the next drive begins without one."""
    visit = crew.visits[0]
    share(phone)
    phone.say(visit, "on_my_way")
    send(phone, visit)
    assert len(stored(crew)) == 1
    phone.say(visit, "undo")
    assert stored(crew) == []
    phone.say(visit, "on_my_way")
    assert stored(crew) == []


def test_off_until_switched_on_and_off_at_once(phone: Phone, crew: Crew) -> None:
    """Nobody shares unasked; the switch is remembered, and switching it off takes the position back."""
    visit = crew.visits[0]
    assert "Your position is not shared" in phone.page()
    phone.say(visit, "on_my_way")
    assert send(phone, visit) == 409
    assert "data-position" not in phone.page()
    assert share(phone).status_code == 303
    assert "Nobody else sees it" in phone.page(f"/day/visits/{visit}")
    assert "data-position" in phone.page()
    assert send(phone, visit) == 204
    share(phone, "off")
    assert stored(crew) == []
    assert send(phone, visit) == 409
    assert share(phone, "maybe").status_code == 303
    assert "Nothing was changed" in phone.page()


def test_one_row_with_the_last_position(phone: Phone, crew: Crew, clock_at_now: Traveller) -> None:
    """One in 30 seconds, the newest counts, and one that was found before the drive does not."""
    visit = crew.visits[0]
    share(phone)
    phone.say(visit, "on_my_way")
    assert send(phone, visit, lat=39.1, age=60) == 204
    assert stored(crew) == []
    for after, lat in ((1, 39.2), (20, 39.3), (40, 39.4)):
        clock_at_now.move_to(NOW + timedelta(seconds=after))
        assert send(phone, visit, lat=lat) == 204
    [(kept_for, lat, seen_at)] = stored(crew)
    assert (kept_for, lat) == (visit, 39.4)
    assert seen_at >= NOW + timedelta(seconds=40)


def test_an_old_position_is_not_shown(
    phone: Phone, crew: Crew, client: FlaskClient, services: Services, clock_at_now: Traveller
) -> None:
    """Its age in words up to five minutes, and then nothing."""
    visit = crew.visits[0]
    track = f"{link_of(services, visit)}/track"
    share(phone)
    phone.say(visit, "on_my_way")
    send(phone, visit)
    clock_at_now.move_to(NOW + 3 * MINUTE + timedelta(seconds=10))
    assert "3 minutes ago" in client.get(track).text
    clock_at_now.move_to(NOW + 5 * MINUTE + timedelta(seconds=10))
    assert SHOWN not in client.get(track).text


def test_a_drive_ends_after_two_hours(phone: Phone, crew: Crew, clock_at_now: Traveller) -> None:
    """Who forgets to tap is not followed home: nothing more is taken, and the sweep forgets the last one."""
    visit = crew.visits[0]
    share(phone)
    phone.say(visit, "on_my_way")
    clock_at_now.move_to(NOW + position.LONGEST - MINUTE)
    assert send(phone, visit) == 204

    def sweep(now: datetime) -> int:
        crew.db.run(lambda session: position.drop_ended(session, now=now))
        return len(stored(crew))

    assert sweep(NOW + position.LONGEST - MINUTE) == 1
    clock_at_now.move_to(NOW + position.LONGEST + MINUTE)
    assert send(phone, visit) == 409
    assert sweep(NOW + position.LONGEST + MINUTE) == 0


def test_nobody_else_can_send_it(app: Flask, phone: Phone, crew: Crew) -> None:
    """A colleague who shares has no part in this visit, and nonsense is refused."""
    visit = crew.visits[0]
    share(phone)
    phone.say(visit, "on_my_way")
    colleague = phone_of(app, crew.db, crew.colleague)
    share(colleague)
    assert send(colleague, visit) == 404
    assert send(phone, visit, lat="north") == 422
    assert send(phone, visit, lat="nan") == 422
    assert send(phone, visit) == 204


def test_the_position_of_another_technician_is_not_shown(
    phone: Phone, crew: Crew, client: FlaskClient, services: Services
) -> None:
    """The row names whose position it is; the customer sees whoever comes now."""
    visit = crew.visits[0]
    track = f"{link_of(services, visit)}/track"
    share(phone)
    phone.say(visit, "on_my_way")
    send(phone, visit)
    assert SHOWN in client.get(track).text
    crew.give_away(visit)
    assert SHOWN not in client.get(track).text


def test_it_is_no_part_of_the_customers_data_and_goes_with_it(phone: Phone, crew: Crew) -> None:
    """The download tells nothing about the technician; forgetting a visit forgets the position."""
    visit_id = crew.visits[0]
    share(phone)
    phone.say(visit_id, "on_my_way")
    assert send(phone, visit_id, lat=12.34567) == 204

    def work(session: Session) -> tuple[str, int | None]:
        visit = session.get_one(Visit, visit_id)
        text = str(personal.export(session, visit))
        erasing.forget_visit(session, visit, now=NOW)
        return text, session.scalar(select(func.count()).select_from(DrivePosition))

    text, left = crew.db.run(work)
    assert "12.34567" not in text
    assert left == 0


def test_only_the_technicians_pages_may_ask_the_phone(phone: Phone, client: FlaskClient) -> None:
    """Everywhere else the browser refuses to say where it is."""
    assert "geolocation=(self)" in phone.client.get("/day/").headers["Permissions-Policy"]
    assert "geolocation=()" in client.get("/book").headers["Permissions-Policy"]
