"""The private link: see, change and cancel a visit within its cut-offs."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import inspect, select, text
from time_machine import Traveller

from fieldservice.messages.writing import Writer
from fieldservice.models import OutboxMessage, Stop, Visit, VisitState
from fieldservice.notify.rendering import letter
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.booking.demoville import heating
from tests.fieldservice.booking.walker import Walker


@pytest.fixture
def booked(walker: Walker) -> Walker:
    """A customer with a visit the day after tomorrow, on its page."""
    walker.to_time()
    walker.pick_window(1)
    walker.confirm()
    walker.open(walker.url.removesuffix("/booked"))
    return walker


def the_visit(services: Services) -> Visit:
    """The only visit, with what tests ask of it."""
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.messages is not None
        assert visit.stop is not None or visit.state == VisitState.CANCELLED
        return visit


def confirmation_of(visit: Visit, services: Services, *, at: datetime) -> str:
    """The e-mail that its customer gets when it is sent at this moment."""
    with services.db.reading() as session:
        message = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "confirmation")).first()
        assert message is not None
        told = Writer(services.settings).occasion(message, session.get_one(Visit, visit.id), at)
        return letter(told).text


def snapshot(services: Services) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with services.db.reading() as session:
        tables = inspect(session.get_bind()).get_table_names()
        rows = {table: session.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables}
    return {table: sorted((tuple(row) for row in found), key=repr) for table, found in rows.items()}


def test_the_page_says_what_is_promised_and_what_happened(booked: Walker, services: Services) -> None:
    """State in words, day, window, zone, reference, deadline and history."""
    visit = the_visit(services)
    for words in (
        "Booked",
        "Wednesday, Mar 4",
        "10 am – 12 pm",
        "Eastern Standard Time (EST)",
        visit.reference,
        "You can change or cancel online until 10:00 pm on Tuesday, Mar 3.",
        "You asked for a visit",
        "Booked for Wednesday, Mar 4, 10 am – 12 pm",
    ):
        assert words in booked.page.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # many pages, no SQL of its own
def test_looking_at_every_private_page_changes_nothing(
    booked: Walker, services: Services, app: Flask
) -> None:
    """Mail scanners follow links, ten times with GET and once with HEAD: no row of any table changes."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/visit/<token>")]
    pages = {rule.rule for rule in rules if "GET" in (rule.methods or ()) and rule.arguments == {"token"}}
    assert len(pages) > 20
    before = snapshot(services)
    for page in pages:
        path = page.replace("/visit/<token>", booked.url)
        seen = {booked.client.get(path).status_code for _ in range(10)}
        assert seen == {booked.client.head(path).status_code}
        assert max(seen) < 500
    assert snapshot(services) == before


def test_another_window_is_three_taps_away(booked: Walker, services: Services) -> None:
    """Tapped are the message's link, a window and the button; the new window is promised, and it is told."""
    old = the_visit(services)
    link = booked.url
    [change] = re.findall(r"Change time: (\S+)", confirmation_of(old, services, at=NOW))
    assert confirmation_of(old, services, at=NOW + timedelta(days=2)).count("Change time") == 0
    booked.open(urlsplit(change).path)
    assert "Your time now" in booked.page.text
    assert (
        "Your time now: Wednesday, Mar 4, 10 am – 12 pm." in booked.open(f"{link}/time?day=2026-03-06").text
    )
    booked.open(f"{link}/time")
    assert "Wednesday, Mar 4" in booked.page.text
    assert "window" not in booked.page.checked
    booked.send(window=booked.page.options["window"][-1])
    assert booked.url == link
    assert "2 pm – 4 pm" in booked.page.text
    new = the_visit(services)
    assert new.promise_version == old.promise_version + 1
    assert new.window is not None
    assert new.stop is not None
    assert new.window.starts_at <= new.stop.starts_at <= new.window.ends_at
    kinds = [(message.kind, message.state) for message in new.messages]
    assert ("changed", "pending") in kinds
    assert ("reminder_24h", "cancelled") in kinds


def test_keeping_the_present_window_changes_nothing(booked: Walker, services: Services) -> None:
    """No message goes out for a change that is none."""
    booked.open(f"{booked.url}/time")
    booked.pick_window(1)
    assert the_visit(services).promise_version == 1


def test_a_window_that_is_gone_answers_409_and_the_old_one_stays(booked: Walker, services: Services) -> None:
    """The customer keeps what was promised until something else is."""
    booked.open(f"{booked.url}/time")
    booked.send(window="2026-03-04T03:00:00+00:00")
    assert booked.status == 409
    assert "That time was just taken" in booked.page.text
    visit = the_visit(services)
    assert visit.promise_version == 1
    assert visit.stop is not None


def test_cancelling_frees_the_route_and_tells_the_customer(booked: Walker, services: Services) -> None:
    """One confirmation; the reason is kept in the history."""
    booked.open(f"{booked.url}/cancel")
    assert "Cancel your visit?" in booked.page.text
    booked.send(reason="It works again")
    assert "Cancelled" in booked.page.text
    assert "Change time" not in booked.page.text
    visit = the_visit(services)
    assert visit.state == VisitState.CANCELLED
    with services.db.reading() as session:
        assert session.scalars(select(Stop).where(Stop.visit_id == visit.id)).all() == []
        pending = session.scalars(select(OutboxMessage).where(OutboxMessage.state == "pending")).all()
        assert {message.kind for message in pending} == {"cancelled"}
        events = session.get_one(Visit, visit.id).events
        assert events[-1].payload == {"reason": "It works again"}


def test_cancelling_twice_is_cancelling_once(booked: Walker, services: Services) -> None:
    """A second click, or the same page in a second tab."""
    booked.open(f"{booked.url}/cancel")
    form, url = booked.page, booked.url
    booked.send()
    booked.page, booked.url = form, url
    booked.send(idempotency_key="another-key-of-a-second-tab")
    assert booked.status == 200
    with services.db.reading() as session:
        cancelled = select(OutboxMessage).where(
            OutboxMessage.kind == "cancelled", OutboxMessage.channel == "sms"
        )
        assert len(session.scalars(cancelled).all()) == 1


@pytest.mark.parametrize("page", ["time", "cancel"])
def test_after_the_cut_off_only_the_office_can_help(
    booked: Walker, services: Services, clock_at_now: Traveller, page: str
) -> None:
    """The page says until when it was possible and gives the phone number; posting does not get around it."""
    link = booked.url
    booked.open(f"{link}/{page}")
    form = booked.page, booked.url
    clock_at_now.shift(timedelta(hours=40))
    booked.open(link)
    assert "It is too late to change or cancel online" in booked.page.text
    booked.open(f"{link}/{page}")
    assert booked.status == 409
    assert "This was possible online until 10:00 pm on Tuesday, Mar 3." in booked.page.text
    assert "+1 410 555 0100" in booked.page.text
    booked.page, booked.url = form
    booked.send(**({"window": booked.page.options["window"][-1]} if page == "time" else {}))
    assert booked.status == 409
    assert the_visit(services).state == VisitState.BOOKED


def test_each_service_has_its_own_two_cut_offs(booked: Walker, services: Services) -> None:
    """Changing may be possible longer than cancelling."""
    with services.db.transaction() as session:
        heating(session).cancel_cutoff = timedelta(days=5)
    link = booked.url
    booked.open(link)
    assert "Change time" in booked.page.text
    assert "Cancel visit" not in booked.page.text
    booked.open(f"{link}/cancel")
    assert booked.status == 409


def test_a_visit_that_has_begun_cannot_be_changed(booked: Walker, services: Services) -> None:
    """The page says how it stands."""
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        now = visit.created_at
        visit.advance(VisitState.EN_ROUTE, occurred_at=now, now=now, actor="technician")
        name = visit.stop.technician.name if visit.stop else ""
    link = booked.url
    booked.open(link)
    assert "On the way" in booked.page.text
    assert f"{name} is coming" in booked.page.text
    booked.open(f"{link}/time")
    assert booked.status == 409
    assert "can no longer be changed" in booked.page.text


def test_the_calendar_file_says_what_was_promised(booked: Walker, services: Services) -> None:
    """Window in the territory's zone, place, and the private link to change it."""
    response = booked.client.get(f"{booked.url}/calendar.ics")
    assert response.mimetype == "text/calendar"
    event = Calendar.from_ical(response.data).walk("VEVENT")[0]
    visit = the_visit(services)
    assert visit.window is not None
    assert event.decoded("dtstart") == visit.window.starts_at
    assert event.decoded("dtend") == visit.window.ends_at
    assert booked.home.street in str(event["location"])
    assert str(event["url"]).endswith(booked.url)


def test_an_unknown_link_is_404(walker: Walker) -> None:
    """On every page, whatever stands where a token belongs."""
    for token in ("a" * 43, "x", "%00", "a" * 5000, "%F0%9F%92%A9"):
        for page in ("", "/booked", "/time", "/windows", "/cancel", "/calendar.ics"):
            walker.open(f"/visit/{token}{page}")
            assert walker.status == 404


def test_an_old_link_is_410(booked: Walker, clock_at_now: Traveller) -> None:
    """A month after the visit its page is closed."""
    clock_at_now.shift(timedelta(days=60))
    booked.open(booked.url)
    assert booked.status == 410


def test_one_customers_link_does_not_open_another_ones_visit(booked: Walker, services: Services) -> None:
    """Each page shows its own reference only."""
    first = booked.url
    reference = the_visit(services).reference
    booked.to_confirm()
    booked.confirm(name="Ann Other", email="ann@example.com", phone="")
    assert booked.url.removesuffix("/booked") != first
    assert reference not in booked.page.html
    assert "Rosa" not in booked.page.html
