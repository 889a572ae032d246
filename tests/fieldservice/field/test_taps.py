"""What a technician taps becomes a fact once, times the rest of the day anew, and can be taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from fieldservice.field.service import UNDO_OFFERED, UNDO_TAKEN
from fieldservice.models import MessageState, Visit, VisitState
from fieldservice.models.visit import UNDO
from tests.factories import NOW, TOMORROW, window
from tests.fieldservice.field.crew import BEFORE, Crew, Phone, phone_of

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def test_a_visit_from_the_road_to_its_end(crew: Crew, phone: Phone) -> None:
    """Three taps: each leads to the page with the next one, the last back to the route."""
    first = crew.visits[0]
    assert "Arrived" in phone.after(phone.tap(first, "on_my_way"))
    assert crew.state(first) == "en_route"
    assert "since 8:00 am" in phone.after(phone.tap(first, "arrived"))
    assert crew.state(first) == "on_site"
    answer = phone.tap(first, "done")
    assert answer.location == "/day/"
    assert "1 of 3 done" in phone.after(answer)
    assert [(kind, state) for kind, state, _ in crew.events(first)] == [
        ("state", "en_route"),
        ("state", "on_site"),
        ("state", "done"),
    ]


@pytest.mark.parametrize(
    ("before", "kind", "state"),
    [
        ((), "arrived", "on_site"),
        ((), "done", "done"),
        (("on_my_way",), "done", "done"),
    ],
)
def test_a_step_that_was_not_tapped_stops_nobody(
    crew: Crew, phone: Phone, before: tuple[str, ...], kind: str, state: str
) -> None:
    """Arrived without setting off, done without arriving: the page offers it and the work is recorded."""
    first = crew.visits[0]
    phone.say(first, *before)
    assert f'value="{kind}"' in phone.page(f"/day/visits/{first}")
    phone.say(first, kind)
    assert crew.state(first) == state


def test_a_tap_that_is_sent_again_counts_once(crew: Crew, phone: Phone) -> None:
    """The same form twice has the same answer, one event and one message by each channel."""
    first = crew.visits[0]
    answers = [phone.tap(first, "on_my_way", key="the-same-key") for _ in range(3)]
    assert {(answer.status_code, answer.location) for answer in answers} == {(303, f"/day/visits/{first}")}
    assert len(crew.events(first)) == 1
    assert len(crew.messages(first)) == 2


def test_a_second_tap_on_the_same_button_is_harmless(crew: Crew, phone: Phone) -> None:
    """Another form with the same step, from a page that was not fresh, changes nothing and is no error."""
    first = crew.visits[0]
    phone.say(first, "on_my_way")
    assert "Nothing was recorded" not in phone.after(phone.tap(first, "on_my_way"))
    assert len(crew.events(first)) == 1
    assert len(crew.messages(first)) == 2


def test_the_id_of_a_tap_belongs_to_one_visit(crew: Crew, phone: Phone) -> None:
    """An id that comes with another visit is refused in words, not by an error of the database."""
    phone.tap(crew.visits[0], "done", key="the-same-key")
    assert phone.tap(crew.visits[1], "done", key="the-same-key").status_code == 409
    assert crew.state(crew.visits[1]) == "booked"


def test_a_step_backwards_is_refused_in_words(crew: Crew, phone: Phone) -> None:
    """On my way after the arrival changes nothing; the page says so."""
    first = crew.visits[0]
    phone.say(first, "arrived")
    assert "Nothing was recorded" in phone.after(phone.tap(first, "on_my_way"))
    assert crew.state(first) == "on_site"


def test_one_visit_at_a_time(crew: Crew, phone: Phone) -> None:
    """Who is at a visit and sets off to another is led to the first; finished work may be said any time."""
    first, second, third = crew.visits
    phone.say(first, "arrived")
    for kind in ("on_my_way", "arrived"):
        answer = phone.tap(second, kind)
        assert answer.location == f"/day/visits/{first}"
        assert "Finish this visit first" in phone.after(answer)
        assert crew.state(second) == "booked"
    phone.say(third, "done")
    assert crew.state(third) == "done"


# --- whose visits


def test_nobody_sees_or_taps_the_visits_of_another(crew: Crew, other_phone: Phone) -> None:
    """A colleague is answered as for a visit that does not exist, and leaves no trace."""
    first = crew.visits[0]
    unknown = other_phone.page("/day/visits/999999", 404)
    assert other_phone.page(f"/day/visits/{first}", 404) == unknown
    assert "Not on your route" in unknown
    for kind in ("on_my_way", "arrived", "done", "undo"):
        assert other_phone.tap(first, kind).status_code == 404
    assert crew.state(first) == "booked"
    assert crew.events(first) == []


def test_a_visit_that_was_moved_away_has_a_page(crew: Crew, phone: Phone) -> None:
    """A dispatcher gave it to another technician while the page was open: the tap says where to ask."""
    first = crew.visits[0]
    phone.page(f"/day/visits/{first}")
    crew.give_away(first)
    answer = phone.tap(first, "on_my_way")
    assert answer.status_code == 404
    assert "moved to another day or technician" in answer.text
    assert crew.state(first) == "booked"


def test_a_visit_of_a_later_day_waits_for_it(crew: Crew, phone: Phone) -> None:
    """Its page shows it without buttons; a tap that is sent nevertheless is refused in words."""
    later = crew.scene.book(window(TOMORROW, 10, 12), now=BEFORE)
    page = phone.page(f"/day/visits/{later}")
    assert "Planned for Tuesday, Mar 3" in page
    assert 'value="on_my_way"' not in page
    assert "not planned for today" in phone.after(phone.tap(later, "arrived"))
    assert crew.state(later) == "booked"


# --- when


def test_the_moment_of_the_tap_counts(crew: Crew, phone: Phone, clock: time_machine.Traveller) -> None:
    """A tap without signal is recorded as of its own moment, not as of that of the request."""
    first = crew.visits[0]
    clock.move_to(NOW + 40 * MINUTE)
    phone.tap(first, "arrived", tapped_at="2026-03-02T08:20:00-05:00")
    [(_, _, occurred_at)] = crew.events(first)
    assert occurred_at == NOW + 20 * MINUTE
    assert crew.starts()[0] == occurred_at


@pytest.mark.parametrize("moment", ["2026-03-02T13:06:00+00:00", "2026-02-27T12:59:00+00:00"])
def test_an_impossible_moment_is_refused(crew: Crew, phone: Phone, moment: str) -> None:
    """In the future or more than three days ago: the page says to check the clock, and nothing is stored."""
    answer = phone.tap(crew.visits[0], "on_my_way", tapped_at=moment)
    assert answer.status_code == 422
    assert "Check its clock" in answer.text
    assert crew.events(crew.visits[0]) == []


def test_a_form_that_makes_no_sense_changes_nothing(crew: Crew, phone: Phone) -> None:
    """A foreign value in any field is answered with the visit's page and status 422."""
    first = crew.visits[0]
    forms: list[dict[str, str]] = [
        {"kind": "teleported"},
        {"kind": ""},
        {"tapped_at": "yesterday"},
        {"tapped_at": "2026-03-02T13:00:00"},
        {"tapped_at": "9" * 400},
        {"idempotency_key": "short"},
    ]
    for form in forms:
        assert phone.tap(first, **({"kind": "on_my_way"} | form)).status_code == 422, form
    assert crew.events(first) == []


def test_a_late_tap_moves_the_rest_of_the_day(
    crew: Crew, phone: Phone, clock: time_machine.Traveller
) -> None:
    """An arrival two and a half hours late pushes the next visit behind its promise, and the page says so."""
    planned = crew.starts()
    clock.move_to(NOW + timedelta(hours=3, minutes=30))
    phone.say(crew.visits[0], "arrived")
    starts = crew.starts()
    assert timedelta(0) <= starts[0] - NOW - timedelta(hours=3, minutes=30) < MINUTE
    assert starts[1] >= starts[0] + timedelta(hours=1) > planned[1]
    assert "Late" in phone.page()


def test_a_forgotten_visit_can_be_finished_the_next_day(
    app: Flask, crew: Crew, phone: Phone, clock: time_machine.Traveller
) -> None:
    """Done for a visit of yesterday is recorded; yesterday's route keeps its times and today's its place."""
    today = crew.scene.book(window(TOMORROW, 8, 10), now=BEFORE)
    phone.say(crew.visits[2], "arrived")
    yesterday, later = crew.starts(), crew.scene.stops()[today]
    morning = NOW + timedelta(hours=24, minutes=5)
    clock.move_to(morning)
    phone_of(app, crew.db, crew.account, now=morning).say(crew.visits[2], "done")
    assert crew.state(crew.visits[2]) == "done"
    assert crew.starts() == yesterday
    assert crew.scene.stops()[today] == later


# --- undo


def test_undo_leads_back_step_by_step(crew: Crew, phone: Phone) -> None:
    """Done, arrived and on my way are taken back one after the other, each as an event of its own."""
    first = crew.visits[0]
    planned = crew.starts()
    phone.say(first, "on_my_way", "arrived", "done", "undo")
    assert crew.state(first) == "on_site"
    phone.say(first, "undo")
    assert crew.state(first) == "en_route"
    phone.say(first, "undo")
    assert crew.state(first) == "booked"
    assert [kind for kind, _, _ in crew.events(first)] == ["state"] * 3 + ["undone"] * 3
    assert "Nothing was recorded" in phone.after(phone.tap(first, "undo"))
    assert [after - before < MINUTE for after, before in zip(crew.starts(), planned, strict=True)] == [
        True
    ] * 3


def test_undo_keeps_the_moment_of_the_arrival(
    crew: Crew, phone: Phone, clock: time_machine.Traveller
) -> None:
    """Whoever takes back Done has been there since the arrival, not since the undo."""
    first = crew.visits[0]
    phone.say(first, "arrived")
    clock.move_to(NOW + 30 * MINUTE)
    phone.say(first, "done", "undo")
    assert "there since 8:00 am" in phone.page()
    assert crew.starts()[0] - NOW < MINUTE


def test_undo_puts_a_visit_back_where_it_belongs(crew: Crew, phone: Phone) -> None:
    """A visit of the afternoon that was begun by mistake does not push the morning behind it."""
    planned = crew.starts()
    phone.say(crew.visits[2], "on_my_way")
    assert crew.starts()[0] > planned[0]
    phone.say(crew.visits[2], "undo")
    assert all(after - before < MINUTE for after, before in zip(crew.starts(), planned, strict=True))


def test_undo_is_offered_for_ten_seconds(crew: Crew, phone: Phone, clock: time_machine.Traveller) -> None:
    """Then the button is gone; a page that still showed it is believed for a minute, and then refused."""
    first = crew.visits[0]
    phone.say(first, "arrived")
    assert 'value="undo"' in phone.page()
    clock.move_to(NOW + UNDO_OFFERED + 5 * SECOND)
    assert 'value="undo"' not in phone.page()
    assert 'value="undo"' not in phone.page(f"/day/visits/{first}")
    clock.move_to(NOW + UNDO_TAKEN + 5 * SECOND)
    assert "Nothing was recorded" in phone.after(phone.tap(first, "undo"))
    assert crew.state(first) == "on_site"


def test_what_the_office_did_is_not_taken_back(crew: Crew, phone: Phone) -> None:
    """A visit that a dispatcher ended shows how it ended and no undo."""
    first = crew.visits[0]

    def end(session: Session) -> None:
        visit = session.get_one(Visit, first)
        visit.advance(VisitState.NO_SHOW, occurred_at=NOW, now=NOW, actor="dispatcher")

    crew.db.run(end)
    page = phone.page(f"/day/visits/{first}")
    assert "Nobody was there." in page
    assert 'value="undo"' not in page
    assert "Nothing was recorded" in phone.after(phone.tap(first, "undo"))


# --- what the customer is told


def test_setting_off_tells_the_customer_after_a_grace(crew: Crew, phone: Phone) -> None:
    """One message by each channel with the expected arrival, due when the moment for a slip is over."""
    first = crew.visits[0]
    phone.say(first, "on_my_way")
    found = crew.messages(first)
    assert [message.channel for message in found] == ["email", "sms"]
    for message in found:
        assert message.state == MessageState.PENDING
        assert timedelta(0) <= message.due_at - (NOW + UNDO) < MINUTE
        assert message.payload["arrives_at"] == crew.arrives(first).isoformat()


def test_undo_in_time_means_that_nothing_is_sent(crew: Crew, phone: Phone) -> None:
    """A slip is not told; setting off again writes messages of its own."""
    first = crew.visits[0]
    phone.say(first, "on_my_way", "undo")
    assert {message.state for message in crew.messages(first)} == {MessageState.CANCELLED}
    phone.say(first, "on_my_way")
    assert [message.state for message in crew.messages(first)] == [MessageState.CANCELLED] * 2 + [
        MessageState.PENDING
    ] * 2


def test_undoing_the_arrival_leaves_the_message_alone(crew: Crew, phone: Phone) -> None:
    """Who is still on the way after all is still announced."""
    first = crew.visits[0]
    phone.say(first, "on_my_way", "arrived", "undo")
    assert {message.state for message in crew.messages(first)} == {MessageState.PENDING}


def test_arriving_unannounced_tells_nobody(crew: Crew, phone: Phone) -> None:
    """Without On my way there is no such message, and the reminders of a finished visit are retired."""
    first = crew.visits[0]
    phone.say(first, "arrived", "done")
    assert crew.messages(first) == []
    assert MessageState.PENDING not in {
        message.state for kind in ("reminder_24h", "reminder_2h") for message in crew.messages(first, kind)
    }
