"""How did it go: one tap rates, words may follow, a complaint has an owner and a deadline."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldservice.models import Feedback, OfficeTask, User, UserRole, Visit, VisitState
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.booking.walker import Walker
from tests.signing_in import make_user


@pytest.fixture
def done(booked: Walker, services: Services) -> Walker:
    """A customer whose visit was made."""
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        visit.advance(VisitState.DONE, occurred_at=NOW, now=NOW, actor="test")
    booked.open(booked.url)
    return booked


def feedbacks(services: Services) -> list[Feedback]:
    """What was said."""
    with services.db.reading() as session:
        return list(session.scalars(select(Feedback)))


def tasks(services: Services) -> list[OfficeTask]:
    """What the office has to do because of it."""
    with services.db.reading() as session:
        return list(session.scalars(select(OfficeTask).where(OfficeTask.kind == "complaint")))


def test_opening_the_link_rates_nothing_and_one_tap_does(done: Walker, services: Services) -> None:
    """Mail scanners follow links; a star is a button of a form."""
    link = f"{done.url}/feedback"
    assert link in done.page.links
    for _ in range(3):
        done.open(link)
        done.client.head(link)
    assert feedbacks(services) == []
    done.send(url=link, rating="4")
    assert "4 of 5: good" in done.page.text
    [said] = feedbacks(services)
    assert (said.rating, said.body, said.kind) == (4, "", "")


def test_another_tap_replaces_the_first(done: Walker, services: Services) -> None:
    """A slip can be put right; there is one rating for a visit."""
    link = f"{done.url}/feedback"
    for rating in ("1", "5"):
        done.open(link)
        done.send(url=link, rating=rating)
    assert [said.rating for said in feedbacks(services)] == [5]


def test_words_and_points_are_kept_and_a_compliment_makes_no_task(done: Walker, services: Services) -> None:
    """What was said is shown again when the page is opened again."""
    link = f"{done.url}/feedback"
    done.open(link)
    done.send(url=link, rating="5")
    done.send(points=["on_time", "tidy"], body="Ben was kind.", kind="compliment")
    assert "Thank you." in done.page.text
    done.open(link)
    assert done.page.checked["points"] == ["on_time", "tidy"]
    assert done.page.fields["body"] == "Ben was kind."
    [said] = feedbacks(services)
    assert (said.points, said.kind) == (["on_time", "tidy"], "compliment")
    assert tasks(services) == []


def test_a_complaint_becomes_one_task_of_the_least_busy(done: Walker, services: Services) -> None:
    """The one with fewer open tasks owns it, until a day later; saying more makes no second task."""
    with services.db.transaction() as session:
        busy = make_user(session, name="Dana Reyes")
        idle = make_user(session, name="Omar Haddad")
        make_user(session, UserRole.ADMIN, name="Ada Admin")
        make_user(session, UserRole.TECHNICIAN)
        session.add(OfficeTask(kind="complaint", created_at=NOW, due_at=NOW, owner_id=busy.id))
        idle_id = idle.id
    link = f"{done.url}/feedback"
    done.open(link)
    done.send(url=link, rating="1")
    done.send(body="Still cold.", kind="complaint")
    assert "A person looks after your complaint and answers by Tue, Mar 3, 8:00 am." in done.page.text
    done.send(body="Still cold, and late.", kind="complaint")
    [task] = [task for task in tasks(services) if task.visit_id is not None]
    assert task.owner_id == idle_id
    assert task.due_at is not None
    assert timedelta(hours=24) <= task.due_at - NOW < timedelta(hours=24, minutes=5)
    [said] = feedbacks(services)
    assert said.body == "Still cold, and late."


def test_without_anybody_in_the_office_the_task_waits_for_an_owner(done: Walker, services: Services) -> None:
    """A complaint is never lost because nobody has an account yet."""
    with services.db.reading() as session:
        assert session.scalars(select(User)).all() == []
    link = f"{done.url}/feedback"
    done.open(link)
    done.send(url=link, rating="2")
    done.send(body="Too late", kind="complaint")
    [task] = tasks(services)
    assert task.owner_id is None


@pytest.mark.parametrize("rating", ["", "0", "6", "4.5", "five", None])
def test_stars_that_do_not_exist(done: Walker, services: Services, rating: str | None) -> None:
    """The page says what to do; nothing is stored."""
    link = f"{done.url}/feedback"
    done.open(link)
    done.send(url=link, rating=rating)
    assert done.status == 422
    assert "Choose a number of stars" in done.page.text
    assert feedbacks(services) == []


def test_a_complaint_needs_words(done: Walker, services: Services) -> None:
    """Somebody has to answer it."""
    link = f"{done.url}/feedback"
    done.open(link)
    done.send(url=link, rating="1")
    done.send(kind="complaint")
    assert done.status == 422
    assert "Tell us what went wrong" in done.page.text
    assert tasks(services) == []


def test_before_the_visit_there_is_nothing_to_say(booked: Walker, services: Services) -> None:
    """Neither the page nor a form that was made by hand gets through; a link to it is not shown."""
    link = f"{booked.url}/feedback"
    assert link not in booked.page.links
    writing = f"{booked.url}/messages"
    for path, fields in ((link, {"rating": "5"}), (f"{link}/words", {"body": "Good"})):
        booked.open(writing)
        booked.send(url=path, **fields)
        assert booked.status == 409
    booked.open(link)
    assert booked.status == 409
    assert "once your visit was made" in booked.page.text
    assert feedbacks(services) == []


def test_words_without_stars_belong_to_nothing(done: Walker) -> None:
    """A form that was made by hand."""
    done.open(f"{done.url}/feedback")
    done.send(url=f"{done.url}/words", body="Good", kind="compliment")
    assert done.status == 409
    assert "choose the stars first" in done.page.text


def test_before_the_visit_feedback_can_wait(booked: Walker) -> None:
    """Nobody has to call because they look too early."""
    page = booked.open(f"{booked.url}/feedback")
    assert booked.status == 409
    assert "Tell us after the visit" in page.title
    assert "once your visit was made" in page.text
