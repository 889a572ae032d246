"""A visit that cannot be done: the reason, whom it is told, and the other visit, booked at the door."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from fieldservice.models import OfficeTask, Visit, VisitState
from tests.factories import NOW
from tests.fieldservice.field.crew import Crew, Phone
from tests.fieldservice.field.test_steps import history, post, tasks

FORM = {"reason": "wrong_parts", "words": "Needs a 36J valve", "following": "follow_up"}


def follow_ups(crew: Crew) -> list[Visit]:
    """The visits that came out of those that could not be done."""
    with crew.db.reading() as session:
        found = session.scalars(select(Visit).where(Visit.id.not_in(crew.visits)).order_by(Visit.id)).all()
        for visit in found:
            _ = (visit.stop, visit.messages)
        return list(found)


def test_another_visit_is_booked_at_the_door(crew: Crew, phone: Phone) -> None:
    """Ended with a reason, once; real windows are offered, the picked one is promised, the task done."""
    first = crew.visits[0]
    phone.say(first, "arrived")
    answer = post(phone, first, "cannot", key="cannot-do-it", **FORM)
    assert post(phone, first, "cannot", key="cannot-do-it", **FORM).location == answer.location
    assert crew.state(first) == "could_not_do"
    assert history(crew, first, "state")[-1].payload["words"] == "Needs a 36J valve"
    assert [kind for kind, _ in tasks(crew)] == ["find_time", "follow_up"]
    windows = re.findall(r'name="window"[^>]*value="([^"]+)"', phone.after(answer))
    assert len(windows) >= 3
    booked = post(phone, first, "follow-up", window=windows[1])
    assert "Booked: " in phone.after(booked)
    [more] = follow_ups(crew)
    assert more.state == VisitState.BOOKED
    assert more.window_starts_at is not None
    assert more.window_starts_at.isoformat() == windows[1]
    assert more.stop is not None
    assert "confirmation" in {message.kind for message in more.messages}
    with crew.db.reading() as session:
        assert {task.done_at is not None for task in session.scalars(select(OfficeTask))} == {True}
    assert post(phone, first, "follow-up", window=windows[1]).status_code == 303
    assert len(follow_ups(crew)) == 1


def test_a_window_that_is_gone_is_refused_with_others(crew: Crew, phone: Phone) -> None:
    """One that nobody can keep: 409, the page with those that are free, and nothing is promised."""
    first = crew.visits[0]
    post(phone, first, "cannot", **FORM)
    answer = post(phone, first, "follow-up", window=NOW.isoformat())
    assert answer.status_code == 409
    assert "has just been taken" in answer.text
    assert follow_ups(crew)[0].window is None
    assert post(phone, first, "follow-up", window="soon").status_code == 422


def test_nobody_home_is_told_to_the_customer(crew: Crew, phone: Phone) -> None:
    """With a message by each channel; without another visit the office still has to look at it."""
    first = crew.visits[0]
    post(phone, first, "cannot", reason="nobody_home", words="", following="nothing")
    assert crew.state(first) == "no_show"
    assert len(crew.messages(first, "missed")) == 2
    assert tasks(crew) == [("could_not_do", "nobody_home\n")]
    assert follow_ups(crew) == []
    assert post(phone, first, "follow-up").status_code == 404


@pytest.mark.parametrize(
    "form", [{"reason": ""}, {"reason": "tired"}, {"following": "beer"}, {"reason": "other", "words": ""}]
)
def test_a_reason_is_needed(crew: Crew, phone: Phone, form: dict[str, str]) -> None:
    """Nothing chosen, or something else without words: 422, and the visit stays as it is."""
    assert post(phone, crew.visits[0], "cannot", **FORM | form).status_code == 422
    assert crew.state(crew.visits[0]) == "booked"


def test_a_visit_that_is_over_stays_as_it_ended(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """Done is not undone by it; a colleague's visit does not exist."""
    first = crew.visits[0]
    assert post(other_phone, first, "cannot", **FORM).status_code == 404
    phone.say(first, "done")
    assert "Nothing was recorded" in phone.after(post(phone, first, "cannot", **FORM))
    assert crew.state(first) == "done"
