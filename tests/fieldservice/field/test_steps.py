"""Working, running late, and steps that are put right later: each once, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from fieldservice import web
from fieldservice.messages.rules import why_pointless
from fieldservice.models import Job, OfficeTask, OutboxMessage, Visit, VisitEvent
from tests.factories import NOW
from tests.fieldservice.field.crew import Crew, Phone

MINUTE = timedelta(minutes=1)


def post(phone: Phone, visit_id: int, what: str, *, key: str = "", **form: str) -> TestResponse:
    """Send a form of a visit's page."""
    data = {"csrf_token": phone.token, "idempotency_key": key or web.new_key(), **form}
    return phone.client.post(f"/day/visits/{visit_id}/{what}", data=data)


def tasks(crew: Crew) -> list[tuple[str, str]]:
    """What the office has to look at because of the phone."""
    with crew.db.reading() as session:
        return [
            (task.kind, task.detail) for task in session.scalars(select(OfficeTask).order_by(OfficeTask.id))
        ]


def history(crew: Crew, visit_id: int, kind: str) -> list[VisitEvent]:
    """The events of one kind of a visit."""
    with crew.db.reading() as session:
        found = select(VisitEvent).where(VisitEvent.visit_id == visit_id, VisitEvent.kind == kind)
        return list(session.scalars(found))


# --- working


def test_working_is_a_step_of_its_own(crew: Crew, phone: Phone) -> None:
    """Between Arrived and Done, once, with its own undo; the visit stays where it is for everybody else."""
    first = crew.visits[0]
    phone.say(first, "arrived")
    assert "Start work" in phone.page()
    phone.say(first, "working", "working")
    page = phone.page()
    assert "working since 8:00 am" in page
    assert "Undo" in page
    assert len(history(crew, first, "working")) == 1
    phone.say(first, "undo")
    assert "there since 8:00 am" in phone.page()
    assert crew.state(first) == "on_site"
    phone.say(first, "working", "done")
    assert crew.state(first) == "done"


def test_work_begins_at_the_site(crew: Crew, phone: Phone) -> None:
    """Before the arrival there is no work: refused in words."""
    assert "Nothing was recorded" in phone.after(phone.tap(crew.visits[0], "working"))
    assert history(crew, crew.visits[0], "working") == []


# --- running late


def test_who_is_driven_to_is_told_of_the_delay(crew: Crew, phone: Phone) -> None:
    """One tap: the arrival moves, its customer gets the new time on each channel, the office a task."""
    first = crew.visits[0]
    phone.say(first, "on_my_way")
    before = crew.arrives(first)
    answer = post(phone, first, "late", minutes="20", key="late-by-twenty")
    assert "1 customer is told" in phone.after(answer)
    assert timedelta(0) <= crew.arrives(first) - before - 20 * MINUTE < MINUTE
    told = crew.messages(first, "late")
    assert [message.channel for message in told] == ["email", "sms"]
    assert datetime.fromisoformat(told[0].payload["arrives_at"]) >= before + 20 * MINUTE
    assert tasks(crew) == [("running_late", "20")]
    post(phone, first, "late", minutes="20", key="late-by-twenty")
    assert len(crew.messages(first, "late")) == 2
    assert tasks(crew) == [("running_late", "20")]


def test_only_customers_whose_promise_breaks_are_told(
    crew: Crew, phone: Phone, clock: time_machine.Traveller
) -> None:
    """Who can still be reached in time hears nothing, who cannot is told, and a better plan is sought."""
    first, second, third = crew.visits
    phone.say(first, "arrived")
    assert "Every customer can still expect you" in phone.after(post(phone, first, "late", minutes="10"))
    assert crew.messages(second, "late") == []
    clock.move_to(NOW + timedelta(hours=3, minutes=45))
    answer = post(phone, first, "late", minutes="30")
    assert "1 customer is told" in phone.after(answer)
    assert len(crew.messages(second, "late")) == 2
    assert crew.messages(third, "late") == []
    with crew.db.reading() as session:
        assert session.scalars(select(Job)).one().payload["causes"][0]["visit_ids"] == [second]


def test_a_delay_that_comes_too_late_is_kept_and_tells_nobody(
    crew: Crew, phone: Phone, clock: time_machine.Traveller
) -> None:
    """Sent from a cellar half an hour later: the history has it, no customer hears of a time that is over."""
    first = crew.visits[0]
    phone.say(first, "on_my_way")
    clock.move_to(NOW + 40 * MINUTE)
    answer = post(phone, first, "late", minutes="10", tapped_at=(NOW + MINUTE).isoformat())
    assert "changes nothing any more" in phone.after(answer)
    assert [event.payload for event in history(crew, first, "running_late")] == [{"minutes": 10}]
    assert crew.messages(first, "late") == []


def test_a_late_word_is_worth_telling_until_the_arrival(crew: Crew, phone: Phone) -> None:
    """A newer time, the arrival, or the time itself make the message pointless."""
    first = crew.visits[0]
    phone.say(first, "on_my_way")
    post(phone, first, "late", minutes="10")

    def judge(session: Session, at: datetime) -> str | None:
        found = select(OutboxMessage).where(OutboxMessage.visit_id == first, OutboxMessage.kind == "late")
        message = session.scalars(found).first()
        assert message is not None
        return why_pointless(message, session.get_one(Visit, first), now=at)

    with crew.db.reading() as session:
        assert judge(session, NOW + MINUTE) is None
        assert "should have arrived" in str(judge(session, NOW + timedelta(hours=1)))
    phone.say(first, "arrived")
    with crew.db.reading() as session:
        assert "on_site" in str(judge(session, NOW + MINUTE))


@pytest.mark.parametrize("minutes", ["15", "", "many", "-10"])
def test_other_delays_are_refused(crew: Crew, phone: Phone, minutes: str) -> None:
    """In words; nothing is stored."""
    assert "choose 10, 20 or 30" in phone.after(post(phone, crew.visits[0], "late", minutes=minutes))
    assert tasks(crew) == []


def test_the_delay_of_another_is_nobody_s(crew: Crew, other_phone: Phone) -> None:
    """A colleague is answered as for a visit that does not exist."""
    assert post(other_phone, crew.visits[0], "late", minutes="10").status_code == 404


# --- corrections


def test_a_step_is_put_at_its_real_time(crew: Crew, phone: Phone, clock: time_machine.Traveller) -> None:
    """The arrival was at 8:10, not at 8:30: page and route follow, the tap and the reason are kept."""
    first = crew.visits[0]
    clock.move_to(NOW + 30 * MINUTE)
    phone.say(first, "arrived")
    form = {"step": "arrived", "at": "08:10", "reason": "Forgot to tap", "do": "time"}
    assert "Corrected." in phone.after(post(phone, first, "correct", key="put-it-right", **form))
    post(phone, first, "correct", key="put-it-right", **form)
    assert crew.starts()[0] == NOW + 10 * MINUTE
    assert "there since 8:10 am" in phone.page()
    [tapped] = history(crew, first, "state")[-1:]
    [corrected] = history(crew, first, "corrected")
    assert tapped.occurred_at >= NOW + 30 * MINUTE
    assert corrected.payload["reason"] == "Forgot to tap"
    assert corrected.payload["was"] == tapped.occurred_at.isoformat()


def test_the_last_step_can_be_said_not_to_have_happened(crew: Crew, phone: Phone) -> None:
    """Also when the seconds for the undo are over; an earlier step cannot."""
    first = crew.visits[0]
    phone.say(first, "on_my_way", "arrived")
    form = {"at": "", "reason": "Wrong house", "do": "back"}
    answer = post(phone, first, "correct", step="on_my_way", **form)
    assert answer.status_code == 422
    assert "Only the last step" in answer.text
    phone.after(post(phone, first, "correct", step="arrived", **form))
    assert crew.state(first) == "en_route"
    assert history(crew, first, "undone")[0].payload == {"reason": "Wrong house"}


@pytest.mark.parametrize(
    ("step", "at", "reason", "said"),
    [
        ("arrived", "09:59", "Why not", "before the step that came before"),
        ("on_my_way", "08:30", "Why not", "before the step that came before"),
        ("arrived", "08:00", "", "Say why"),
        ("arrived", "", "Why not", "Give the time"),
        ("teleported", "08:00", "Why not", "Choose a step"),
        ("working", "08:00", "Why not", "Only the last step"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_in_words(
    crew: Crew, phone: Phone, clock: time_machine.Traveller, step: str, at: str, reason: str, said: str
) -> None:
    """The future, another order, no reason, a step that was not tapped: nothing is stored."""
    first = crew.visits[0]
    phone.say(first, "on_my_way")
    clock.move_to(NOW + 20 * MINUTE)
    phone.say(first, "arrived")
    answer = post(phone, first, "correct", step=step, at=at, reason=reason, do="time")
    assert answer.status_code == 422
    assert said in answer.text
    assert history(crew, first, "corrected") == []
