"""The customer follows the visit: from the plan, then from the tap and the road, and it ends by itself."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from time_machine import Traveller

from fieldservice.auth.links import make_link, token_of
from fieldservice.messages.writing import Writer
from fieldservice.models import Site, Technician, Visit, VisitState
from fieldservice.notify.rendering import short_text
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.field.crew import Crew


@pytest.fixture
def crew(services: Services) -> Crew:
    """One technician with three visits of today, from 8, 10 and 12 on."""
    return Crew(services.db)


def link_of(services: Services, visit_id: int) -> str:
    """A visit's private page."""
    key = services.settings.secret_key

    def work(session: Session) -> str:
        visit = session.get_one(Visit, visit_id)
        link = make_link(visit, secret_key=key, now=NOW, expires_at=NOW + timedelta(days=30))
        return f"/visit/{token_of(link, key)}"

    return services.db.run(work)


def enter(services: Services, visit_id: int, *states: VisitState) -> None:
    """What happens to a visit now."""

    def work(session: Session) -> None:
        for state in states:
            session.get_one(Visit, visit_id).advance(state, occurred_at=NOW, now=NOW, actor="test")

    services.db.run(work)


def words(client: FlaskClient, path: str) -> str:
    """What the page says."""
    answer = client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def test_before_the_plan_was_sent_nothing_is_known(
    client: FlaskClient, services: Services, crew: Crew
) -> None:
    """A booked visit names nobody: it may still be another technician."""
    assert "Nobody is on the way yet" in words(client, f"{link_of(services, crew.visits[1])}/track")


def test_the_stops_before_one_are_counted(client: FlaskClient, services: Services, crew: Crew) -> None:
    """Two visits come first, then one, then none; the expected time is that of the route."""
    for visit_id in crew.visits:
        enter(services, visit_id, VisitState.DISPATCHED)
    track = f"{link_of(services, crew.visits[2])}/track"
    first = words(client, track)
    assert "2 stops before you" in first
    assert re.search(r"Expected around 12:\d\d pm|Expected around 12 pm", first)
    assert "Your window: 12 pm – 2 pm" in first
    enter(services, crew.visits[0], VisitState.DONE)
    assert "1 stop before you" in words(client, track)
    enter(services, crew.visits[1], VisitState.CANCELLED)
    assert "You are next" in words(client, track)


def test_the_arrival_follows_from_the_tap_and_the_road(
    client: FlaskClient, services: Services, crew: Crew, clock_at_now: Traveller
) -> None:
    """Departure plus travel time; when that is past it is any minute, never an hour ago."""
    visit_id = crew.visits[0]
    enter(services, visit_id, VisitState.EN_ROUTE)
    with services.db.transaction() as session:
        stop = session.get_one(Visit, visit_id).stop
        assert stop is not None
        stop.travel = timedelta(minutes=25)
    track = f"{link_of(services, visit_id)}/track"
    page = words(client, track)
    assert "Arriving around 8:25 am" in page
    assert "25 minutes away" in page
    assert "Set off 8:00 am" in page
    clock_at_now.shift(timedelta(minutes=40))
    assert "any minute now" in words(client, track)
    assert "Arriving around 8:40 am" in words(client, track)


def test_a_later_arrival_than_promised_is_said(
    client: FlaskClient, services: Services, crew: Crew, clock_at_now: Traveller
) -> None:
    """Nobody has to compare two times."""
    enter(services, crew.visits[0], VisitState.EN_ROUTE)
    clock_at_now.shift(timedelta(hours=2, minutes=10))
    assert "Later than promised" in words(client, f"{link_of(services, crew.visits[0])}/track")


def test_it_ends_by_itself(client: FlaskClient, services: Services, crew: Crew) -> None:
    """On site it says so; once the visit is over it stops asking and leads to the feedback."""
    visit_id = crew.visits[0]
    link = link_of(services, visit_id)
    enter(services, visit_id, VisitState.EN_ROUTE, VisitState.ON_SITE)
    assert "Arrived at 8:00 am" in words(client, f"{link}/track")
    assert "hx-get" in client.get(f"{link}/track/part").text
    enter(services, visit_id, VisitState.DONE)
    part = client.get(f"{link}/track/part").text
    assert "Your visit is over" in part
    assert "hx-get" not in part
    assert f"{link}/feedback" in part


@pytest.mark.parametrize(("told", "said"), [(0, False), (4, False), (6, True), (-6, True)])
def test_only_a_change_of_five_minutes_is_spoken(
    client: FlaskClient, services: Services, crew: Crew, told: int, said: bool
) -> None:
    """The poll says what was told last; a screen reader is left alone for less."""
    enter(services, crew.visits[0], VisitState.EN_ROUTE)
    with services.db.transaction() as session:
        stop = session.get_one(Visit, crew.visits[0]).stop
        assert stop is not None
        stop.travel = timedelta(minutes=30)
    before = NOW + timedelta(minutes=30 + told)
    answer = client.get(
        f"{link_of(services, crew.visits[0])}/track/part", query_string={"told": before.isoformat()}
    )
    assert ("data-announce" in answer.text) == said


@pytest.mark.parametrize("told", ["x", "2026-13-01", "2026-03-02T13:00:00", "9999-12-31T23:59:59+00:00"])
def test_a_time_that_nobody_told_is_no_error(
    client: FlaskClient, services: Services, crew: Crew, told: str
) -> None:
    """The value stands in the page's address, where anybody can write."""
    link = link_of(services, crew.visits[0])
    assert client.get(f"{link}/track/part", query_string={"told": told}).status_code == 200


def test_the_page_tells_nothing_of_others(client: FlaskClient, services: Services, crew: Crew) -> None:
    """Neither another customer's name or address, nor where the technician is or lives."""
    for visit_id in crew.visits:
        enter(services, visit_id, VisitState.DISPATCHED)
    link = link_of(services, crew.visits[2])
    content = client.get(f"{link}/track").text + client.get(link).text
    with services.db.reading() as session:
        for visit_id in crew.visits[:2]:
            visit = session.get_one(Visit, visit_id)
            site: Site = visit.site
            for secret in (site.address, visit.work_order.customer.name, str(site.lat)):
                assert secret not in content


def test_everybody_of_a_crew_is_named(client: FlaskClient, services: Services, crew: Crew) -> None:
    """The private page, the one that follows and a text name both, while they come and on the way."""
    crew.make_together(crew.visits[0], crew.colleague_id)
    with services.db.reading() as session:
        who = [session.get_one(Technician, key).name for key in (crew.technician_id, crew.colleague_id)]
    both, link = " and ".join(who), link_of(services, crew.visits[0])
    enter(services, crew.visits[0], VisitState.DISPATCHED)
    assert f"{both} are coming" in words(client, link)
    assert f"{both} are coming" in words(client, f"{link}/track")
    enter(services, crew.visits[0], VisitState.EN_ROUTE)
    assert f"{both} are on the way" in words(client, f"{link}/track")
    with services.db.transaction() as session:
        visit = session.get_one(Visit, crew.visits[0])
        visit.tell("on_my_way", due_at=NOW, now=NOW, payload={"arrives_at": NOW.isoformat()}, channel="sms")
        session.flush()
        written = Writer(services.settings).occasion(visit.messages[-1], visit, NOW)
    assert f"{both} are on the way" in short_text(written)
