"""A technician's calendar feed: the own visits, no names, and it ends with the account's sessions."""

from __future__ import annotations

from datetime import UTC

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select
from sqlalchemy.orm import Session
from time_machine import Traveller

from fieldservice import auth
from fieldservice.auth.links import work_feed_token
from fieldservice.models import Plan, Stop, StopKind, User
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.field.crew import Crew

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _address(services: Services, account: User) -> str:
    with services.db.reading() as session:
        token = work_feed_token(session.get_one(User, account.id), services.settings.secret_key)
    return f"/day/calendar/{token}.ics"


def test_the_feed_has_the_own_visits(app: Flask, services: Services, crew: Crew, clock: Traveller) -> None:
    """Each visit of the route with its times and address, tentative until it is sent out; nobody's name."""
    client, address = app.test_client(), _address(services, crew.account)
    answer = client.get(address)
    assert answer.mimetype == "text/calendar"
    with services.db.reading() as session:
        stops = session.scalars(select(Stop).where(Stop.kind == StopKind.VISIT)).all()
        mine = {stop.starts_at: stop.visit for stop in stops if stop.technician.user_id == crew.account.id}
        names = [visit.work_order.customer.name for visit in mine.values() if visit]
    events = Calendar.from_ical(answer.data).walk("VEVENT")
    assert {event.decoded("dtstart").astimezone(UTC) for event in events} == set(mine)
    assert mine
    assert not [name for name in names if name in answer.text]
    sent = services.db.run(_send_out)
    statuses = {str(event["status"]) for event in Calendar.from_ical(client.get(address).data).walk("VEVENT")}
    assert statuses == {"CONFIRMED"}
    assert sent


def _send_out(session: Session) -> int:
    plans = session.scalars(select(Plan)).all()
    for plan in plans:
        plan.dispatched_at = NOW
    return len(plans)


def test_the_feed_ends_with_the_sessions(
    app: Flask, services: Services, crew: Crew, clock: Traveller
) -> None:
    """After the account is closed, or with a token of another, there is nothing at the address."""
    client, address = app.test_client(), _address(services, crew.account)
    assert client.get(address).status_code == 200
    assert (
        client.get(address, headers={"If-None-Match": client.get(address).headers["ETag"]}).status_code == 304
    )
    other = _address(services, crew.colleague).partition("-")[2]
    assert client.get(f"/day/calendar/{crew.account.id}-{other}").status_code == 404
    services.db.run(lambda session: auth.deactivate(session, session.get_one(User, crew.account.id), now=NOW))
    assert client.get(address).status_code == 404
