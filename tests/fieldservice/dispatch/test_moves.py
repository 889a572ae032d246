"""Placing, moving, pinning and unassigning by hand, with JavaScript off."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from fieldservice.models import AuditEntry, PlanChange, VisitState
from fieldservice.web import Services, new_key
from tests.factories import TODAY, TOMORROW, near, window
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, book, found_in, words_of

TOMORROWS_BOARD = f"/board/{TOMORROW.isoformat()}"


def undo(dispatcher: Dispatcher, path: str = BOARD) -> int:
    """Press Undo; the status of the answer."""
    action = found_in(dispatcher.get(path), r'action="(/board/changes/\d+/undo[^"]*)"')
    return dispatcher.post(action).status_code


def test_placing_an_unassigned_visit(dana: Dispatcher) -> None:
    """The visit gets a stop where it adds least driving, is pinned to its technician, and Undo is offered."""
    answer = dana.move("Lea", dana.scene.ben)
    assert (answer.status_code, answer.location) == (303, f"{BOARD}?visit={dana.scene.ids['Lea']}")
    assert dana.stops()["Lea"] == ("Ben", "13:00")
    pin = dana.visit("Lea").pin
    assert pin is not None
    assert (pin.technician_id, pin.starts_at) == (dana.scene.ben.id, None)
    page = dana.get(answer.location)
    assert "Moved to Ben Okafor, 1:00 pm." in words_of(page)
    assert undo(dana) == 303
    assert "Lea" not in dana.stops()


def test_a_request_gets_a_promise_when_it_is_placed(dana: Dispatcher, services: Services) -> None:
    """Who was never told a window is told one, from the half hour before the start."""
    with services.db.transaction() as session:
        book(session, dana.scene, "Ned", at=near(400))
    assert dana.move("Ned", dana.scene.ben, "14:10").status_code == 303
    visit = dana.visit("Ned")
    assert (visit.state, visit.window) == (VisitState.BOOKED, window(TODAY, 14, 16))
    assert {message.kind for message in visit.messages} >= {"confirmation"}


def test_later_visits_make_room(dana: Dispatcher) -> None:
    """A visit that is put before another pushes it later, inside its promise."""
    dana.move("Lea", dana.scene.ana, "13:00")
    stops = dana.stops()
    assert stops["Lea"] == ("Ana", "13:00")
    assert "14:00" < stops["Joe"][1] <= "14:30"


def test_a_missing_skill_is_refused_in_words(dana: Dispatcher) -> None:
    """A hard rule says 422 and which rule it is; confirming does not help; nothing changes."""
    before = dana.stops()
    for confirmed in ("", "yes"):
        answer = dana.move("Ida", dana.scene.carl, "10:00", confirmed=confirmed)
        assert answer.status_code == 422
        assert "Needs Heating level 1, has none." in words_of(answer)
        assert "Move anyway" not in answer.text
    assert dana.stops() == before


def test_a_broken_promise_takes_one_more_click(dana: Dispatcher) -> None:
    """A soft rule is told with 422 and a button; the second click stores the move and who accepted what."""
    answer = dana.move("Ida", dana.scene.ben, "14:00")
    assert answer.status_code == 422
    assert "Starts 2:00 pm, outside the promised 10:00 am to 12:00 pm." in words_of(answer)
    assert "Move anyway to Ben Okafor, 2:00 pm" in words_of(answer)
    assert dana.stops()["Ida"][0] == "Ana"
    without = dana.move("Ida", dana.scene.ben, "14:00", confirmed="yes", reason=" ")
    assert without.status_code == 422
    assert "Say why, so that others understand it later." in words_of(without)
    assert dana.stops()["Ida"][0] == "Ana"
    why = "The customer <agreed>"
    assert dana.move("Ida", dana.scene.ben, "14:00", confirmed="yes", reason=why).status_code == 303
    assert dana.stops()["Ida"] == ("Ben", "14:00")
    [accepted] = dana.visit("Ida").accepted_violations
    assert (accepted["rule"], accepted["reason"]) == ("window", why)
    shown = words_of(dana.get(f"{BOARD}?visit={dana.scene.ids['Ida']}"))
    assert "Accepted by a dispatcher: Starts 2:00 pm, outside the promised 10:00 am to 12:00 pm." in shown
    assert "The customer &lt;agreed&gt;" in shown
    assert "1 late" in shown
    assert "breaks a rule for a reason" in words_of(dana.get())
    assert undo(dana) == 303
    assert dana.visit("Ida").accepted_violations == []
    assert "breaks a rule for a reason" not in words_of(dana.get())


def test_whom_a_move_delays_is_said(dana: Dispatcher) -> None:
    """Before somebody breaks a promise they see which other visits change their times."""
    answer = dana.move("Kim", dana.scene.ana, "13:00")
    assert answer.status_code == 422
    assert re.search(r"Other visits change their times: Joe Park 1:00 pm → 2:0\d pm", words_of(answer))


def test_no_place_without_a_start_is_refused(dana: Dispatcher) -> None:
    """Where no place keeps the promise, moving without a start says why."""
    dana.move("Ida", dana.scene.ben, "10:00")
    answer = dana.move("Joe", dana.scene.carl)
    assert answer.status_code == 422
    assert "nothing was moved" in words_of(answer)


def test_two_dispatchers(dana: Dispatcher, omar: Dispatcher) -> None:
    """Who decided on an older plan gets 409 and the places as they are now; sending that again works."""
    seen = omar.version()
    assert dana.move("Lea", dana.scene.ben).status_code == 303
    answer = omar.move("Kim", omar.scene.ana, plan_version=seen)
    assert answer.status_code == 409
    assert "Somebody changed the plan meanwhile." in words_of(answer)
    assert omar.stops()["Kim"][0] == "Ben"
    fresh = int(found_in(answer, r'name="plan_version" value="(\d+)"'))
    assert omar.move("Kim", omar.scene.ana, "11:00", plan_version=fresh).status_code == 303
    assert omar.stops()["Kim"][0] == "Ana"


def test_moving_to_another_day_and_back(dana: Dispatcher) -> None:
    """A visit whose place is new to a day moves there after one more click; Undo brings it back."""
    page = dana.get(f"/board/visits/{dana.scene.ids['Joe']}/move?on={TOMORROW.isoformat()}")
    assert page.status_code == 200
    assert "Ben Okafor" in words_of(page)
    form = {
        "visit": dana.scene.ids["Joe"],
        "technician": dana.scene.ben.id,
        "start": "09:00",
        "plan_version": 1,
    }
    assert dana.post(f"{TOMORROWS_BOARD}/move", **form).status_code == 422
    assert dana.post(f"{TOMORROWS_BOARD}/move", confirmed="yes", reason="Agreed", **form).status_code == 303
    assert "Joe" not in dana.stops()
    assert "Joe Park" in words_of(dana.get(TOMORROWS_BOARD))
    assert undo(dana, TOMORROWS_BOARD) == 303
    assert dana.stops()["Joe"] == ("Ana", "13:00")
    assert dana.visit("Joe").pin is None


def test_a_request_without_a_day_can_be_placed_on_any(dana: Dispatcher, services: Services) -> None:
    """A visit that waits for a day has places on each, though the day's travel times do not know it yet."""
    with services.db.transaction() as session:
        book(session, dana.scene, "Ned", at=near(2500, 2500))
    visit = dana.scene.ids["Ned"]
    assert "Best" in words_of(dana.get(f"/board/visits/{visit}/move?on={TOMORROW.isoformat()}"))
    form = {"visit": visit, "technician": dana.scene.ana.id, "plan_version": 1}
    assert dana.post(f"{TOMORROWS_BOARD}/move", **form).status_code == 303


def test_undo_of_a_move_to_a_chosen_time(dana: Dispatcher) -> None:
    """The visit is back with its technician at its old time, without the pin that the move gave it."""
    dana.move("Ida", dana.scene.ben, "14:00", confirmed="yes", reason="Agreed")
    assert undo(dana) == 303
    assert dana.stops()["Ida"] == ("Ana", "10:00")
    assert dana.visit("Ida").pin is None


def test_unassigning_keeps_the_promise(dana: Dispatcher) -> None:
    """The stop is gone, the promise stands, the card says who could make it; Undo restores the stop."""
    visit = dana.scene.ids["Ida"]
    answer = dana.post(f"/board/visits/{visit}/unassign", plan_version=dana.version())
    assert answer.status_code == 303
    assert "Ida" not in dana.stops()
    assert dana.visit("Ida").window == window(TODAY, 10, 12)
    card = dana.get().text.split(f'id="card-{visit}"')[1].split("</li>")[0]
    assert "best-fit" in card
    assert undo(dana) == 303
    assert dana.stops()["Ida"] == ("Ana", "10:00")


def test_pinning(dana: Dispatcher) -> None:
    """A pin holds technician and start, shows as a lock and in words, and goes again."""
    path = f"/board/visits/{dana.scene.ids['Ida']}/pin"
    assert dana.post(path, pinned="both").status_code == 303
    pin = dana.visit("Ida").pin
    assert pin is not None
    assert pin.technician_id == dana.scene.ana.id
    bar = dana.get().text.split(f'id="bar-{dana.scene.ids["Ida"]}"')[1].split("</a>")[0]
    assert ", pinned" in bar
    assert "#lock" in bar
    assert dana.post(path, pinned="no").status_code == 303
    assert dana.visit("Ida").pin is None


def test_what_has_begun_cannot_be_moved(dana: Dispatcher, services: Services) -> None:
    """A technician who is on the way keeps the visit: 409 and no form for it on the board."""
    with services.db.transaction() as session:
        visit = session.merge(dana.visit("Ida"))
        now = visit.created_at + timedelta(minutes=1)
        visit.advance(VisitState.EN_ROUTE, occurred_at=now, now=now, actor="test")
    assert dana.move("Ida", dana.scene.ben).status_code == 409
    bar = dana.get().text.split(f'id="bar-{dana.scene.ids["Ida"]}"')[1].split("</a>")[0]
    assert "data-movable" not in bar
    assert "on the way" in bar


def test_the_same_form_twice_is_one_change(dana: Dispatcher, services: Services) -> None:
    """A form that arrives twice moves once and answers the same."""
    version, key = dana.version(), new_key()
    first = dana.move("Lea", dana.scene.ben, plan_version=version, idempotency_key=key)
    second = dana.move("Lea", dana.scene.ben, plan_version=version, idempotency_key=key)
    assert (first.status_code, first.location) == (second.status_code, second.location)
    with services.db.reading() as session:
        assert len(session.scalars(select(PlanChange)).all()) == 1
        assert [entry.action for entry in session.scalars(select(AuditEntry))] == ["move"]


@pytest.mark.parametrize(
    "fields",
    [
        {"technician": ""},
        {"technician": "x"},
        {"technician": 2**40},
        {"technician": -1},
        {"start": "25:99"},
        {"start": "a" * 5000},
        {"plan_version": ""},
        {"plan_version": "9" * 30},
        {"confirmed": "perhaps"},
        {"visit": ""},
        {"visit": "0"},
        {"idempotency_key": ""},
        {"idempotency_key": "short"},
    ],
    ids=lambda fields: "-".join(f"{name}={str(value)[:8]}" for name, value in fields.items()),
)
def test_hostile_fields_are_refused(dana: Dispatcher, fields: dict[str, object]) -> None:
    """A missing, wrong or huge value is 422 and stores nothing."""
    before = dana.stops()
    form = {"visit": dana.scene.ids["Ida"], "technician": dana.scene.ben.id, "start": "11:00"}
    assert dana.send_move(**(form | fields)).status_code == 422
    assert dana.stops() == before


def test_a_technician_who_does_not_exist(dana: Dispatcher) -> None:
    """Nobody's id is refused like somebody without a shift."""
    answer = dana.send_move(visit=dana.scene.ids["Ida"], technician=999_999)
    assert answer.status_code == 422
    assert "Has no shift on this day." in words_of(answer)


def test_undo_of_something_older_is_overtaken(dana: Dispatcher, omar: Dispatcher) -> None:
    """When the routes changed since, the old change cannot be undone any more, and is not offered."""
    dana.move("Lea", dana.scene.ben)
    action = found_in(dana.get(), r'action="(/board/changes/\d+/undo[^"]*)"')
    omar.move("Kim", omar.scene.ana, "11:00", confirmed="yes", reason="Agreed")
    assert dana.post(action).status_code == 409
    assert dana.stops()["Lea"][0] == "Ben"


def test_start_before_the_shift(dana: Dispatcher) -> None:
    """A start before anybody works begins when the technician can be there, and the page says so."""
    assert dana.move("Lea", dana.scene.ben, "06:00", confirmed="yes", reason="Agreed").status_code == 303
    assert time.fromisoformat(dana.stops()["Lea"][1]) >= time(8)


def test_undo_of_a_move_between_two_pins(dana: Dispatcher) -> None:
    """A visit that was pinned to one technician, then to another, goes back to the first with its pin."""
    dana.move("Lea", dana.scene.ben, "13:00")
    dana.move("Lea", dana.scene.ana, "14:30")
    action = found_in(dana.get(), r'action="(/board/changes/\d+/undo[^"]*)"')
    assert dana.post(action).status_code == 303
    assert dana.stops()["Lea"] == ("Ben", "13:00")
    pin = dana.visit("Lea").pin
    assert pin is not None
    assert pin.technician_id == dana.scene.ben.id
