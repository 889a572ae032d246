"""Windows that others have to move for: found on request, booked together with the moves, gone when stale."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from fieldservice.geo.address import Address
from fieldservice.models import Job, JobState, Visit
from fieldservice.planning.jobs import Work, run_next_job
from fieldservice.web import Services
from tests.factories import NOW, TOMORROW, window
from tests.fieldservice.booking.tight import (
    DAY,
    WEDNESDAY,
    easy_visit,
    open_tight_company,
    who_comes,
)
from tests.fieldservice.booking.walker import Page, Walker
from tests.races import overlaps

MORNING = window(WEDNESDAY, 8, 10)
FREE_DAY = "2026-03-05"


@pytest.fixture
def walker(services: Services, client: FlaskClient, unlimited: None, home: Address) -> Walker:
    """A customer of the tight company; on Wednesday the expert has somebody else's visit."""
    with services.db.transaction() as session:
        open_tight_company(session)
    return Walker(client, home)


@pytest.fixture
def easy(services: Services, walker: Walker) -> int:
    """That visit."""
    return easy_visit(services, MORNING)


def more(walker: Walker, day: str = DAY) -> Page:
    """The part of the page with further windows."""
    return Page(walker.client.get(f"/book/{walker.draft}/more-windows?day={day}").text)


def to_more(walker: Walker) -> Page:
    """The third screen, and the windows for which others move; the day has no other."""
    walker.choose_problem()
    walker.give_address()
    return more(walker)


def test_a_full_day_has_a_window_when_somebody_moves(walker: Walker, easy: int) -> None:
    """The day is full as it is; looked at again it offers the morning, and nobody's name is told."""
    walker.to_time(FREE_DAY)
    found = more(walker)
    assert found.options["window"] == [f"room:{MORNING.starts_at.isoformat()}"]
    assert "8 am – 10 am" in found.text
    for name in ("Nora", "Edda", "Customer"):
        assert name not in found.html


def test_it_is_booked_together_with_the_move(walker: Walker, easy: int, services: Services) -> None:
    """Picking it moves the other visit to the novice at once, inside its window; the expert comes to us."""
    value = to_more(walker).options["window"][0]
    walker.to_time(FREE_DAY)
    walker.send(window=value)
    assert walker.url.endswith("/confirm")
    assert who_comes(services, easy) == "Nora Novice"
    walker.confirm()
    assert walker.page.title.startswith("You’re booked")
    with services.db.reading() as session:
        mine = session.scalars(select(Visit).where(Visit.id != easy)).one()
        assert mine.window == MORNING
        assert session.get_one(Visit, easy).window == MORNING
    assert who_comes(services, mine.id) == "Edda Expert"
    assert overlaps(services.db) == 0


def test_a_stale_window_is_just_taken(walker: Walker, easy: int, services: Services) -> None:
    """Meanwhile the novice got a visit of her own: 409, the message, nothing picked, nobody moved."""
    value = to_more(walker).options["window"][0]
    walker.to_time(FREE_DAY)
    easy_visit(services, MORNING, by="Nora Novice")
    walker.send(window=value)
    assert walker.status == 409
    assert "That time was just taken" in walker.page.text
    assert "window" not in walker.page.checked
    assert who_comes(services, easy) == "Edda Expert"


def test_a_forged_room_is_refused(walker: Walker, easy: int) -> None:
    """A window of a closed night is gone, nonsense is an error at the field; neither is a fault of ours."""
    walker.to_time(FREE_DAY)
    walker.send(window=f"room:{window(WEDNESDAY, 2, 4).starts_at.isoformat()}")
    assert walker.status == 409
    walker.to_time(FREE_DAY)
    walker.send(window="room:yesterday")
    assert walker.status == 422


def test_a_promised_visit_moves_into_such_a_window(walker: Walker, easy: int, services: Services) -> None:
    """The same from the private page; the old window is given back in the same transaction."""
    walker.to_time(FREE_DAY)
    walker.pick_window()
    walker.confirm()
    link = walker.url.removesuffix("/booked")
    value = Page(walker.client.get(f"{link}/more-windows?day={DAY}").text).options["window"][0]
    walker.open(f"{link}/time")
    walker.send(window=value)
    assert walker.url == link
    assert who_comes(services, easy) == "Nora Novice"
    with services.db.reading() as session:
        windows = session.scalars(select(Visit).order_by(Visit.id)).all()
    assert [visit.window for visit in windows] == [MORNING, MORNING]


def test_the_page_without_script_has_a_link(walker: Walker, services: Services) -> None:
    """It shows the further windows on the whole page; a look changes nothing, however often."""
    tuesday = window(TOMORROW, 8, 10)
    easy_visit(services, tuesday)
    page = walker.to_time(FREE_DAY)
    link = next(href for href in page.links if "more=1" in href and FREE_DAY in href)
    assert "No more times on this day." in walker.open(link).text
    page = walker.open(f"/book/{walker.draft}/time")
    (sooner,) = [href for href in page.links if "more=1" in href and TOMORROW.isoformat() in href]
    page = walker.open(sooner)
    assert page.options["window"] == [f"room:{tuesday.starts_at.isoformat()}"]
    assert "Tuesday, Mar 3" in page.text
    walker.pick_window()
    assert walker.url.endswith("/confirm")
    with services.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0


def test_the_planner_is_asked_by_a_post_and_answers(walker: Walker, easy: int, services: Services) -> None:
    """One job however often; while it runs the part says so, then it has the planner's answer."""
    to_more(walker)
    url = f"/book/{walker.draft}/more-windows?day={DAY}"
    form = walker.to_time(FREE_DAY).fields
    for number in range(2):
        form["idempotency_key"] = f"a-key-for-try-{number}"
        answer = walker.client.post(url, data={**form, "then": "part"})
        assert answer.status_code == 303
        assert "/more-windows" in answer.location
    with services.db.reading() as session:
        job = session.scalars(select(Job)).one()
        assert (job.kind, job.state) == ("rooms", JobState.QUEUED)
    assert "We are still looking." in more(walker).text
    assert run_next_job(Work(services.db, services.tables, 1.0, lambda: NOW), owner="test")
    found = more(walker)
    assert "still looking" not in found.text
    assert found.options["window"] == [f"room:{MORNING.starts_at.isoformat()}"]
    assert walker.client.post(url, data={"csrf_token": form["csrf_token"]}).status_code == 400  # no key


def test_why_times_are_gone(walker: Walker, easy: int, app: Flask) -> None:
    """Each missing window with a reason in words, and no name of anybody."""
    walker.to_time(FREE_DAY)
    page = Page(walker.client.get(f"/book/{walker.draft}/missing-windows?day={DAY}").text)
    assert "8 am – 10 am" in page.text
    assert "Everyone who can do this is with other customers then" in page.text
    for name in ("Nora", "Edda", "Customer"):
        assert name not in page.html
    whole = walker.open(f"/book/{walker.draft}/time?day={FREE_DAY}&gone=1")
    assert "None: every time of this day is free." in whole.text


def test_why_today_is_gone(walker: Walker) -> None:
    """At eight in the morning with two hours' notice, the window from 8 needs more notice than there is."""
    walker.to_time(FREE_DAY)
    page = Page(walker.client.get(f"/book/{walker.draft}/missing-windows?day=2026-03-02").text)
    assert "We need 120 minutes to prepare" in page.text


def test_it_answers_within_a_second(walker: Walker, easy: int) -> None:
    """The part that fills itself in has a second, travel times included."""
    to_more(walker)
    began = time.perf_counter()
    more(walker)
    assert time.perf_counter() - began < 1
