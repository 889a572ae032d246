"""Undo and redo over several steps, each a new checked change, and the history that tells of them."""

from __future__ import annotations

import re
from datetime import timedelta

from fieldservice.models import PlanChange, VisitState
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, words_of

HISTORY = f"{BOARD}/history"


def press(dispatcher: Dispatcher, name: str) -> int:
    """Press Undo or Redo on the history page; the status, 0 when there is no such button."""
    label = {"undo": "Undo the last change", "redo": "Redo"}[name]
    for action, words in re.findall(
        r'<form method="post" action="([^"]+/undo[^"]*)">(.*?)</form>',
        dispatcher.get(HISTORY).text,
        re.DOTALL,
    ):
        if label in words:
            return dispatcher.post(action.replace("&amp;", "&")).status_code
    return 0


def three_moves(dana: Dispatcher) -> list[dict[str, tuple[str, str]]]:
    """The day before and after each of three changes, two of them on the same route."""
    days = [dana.stops()]
    for name, technician, start in (
        ("Lea", "ana", "14:30"),
        ("Lea", "ana", "15:00"),
        ("Kim", "ana", "11:30"),
    ):
        assert dana.move(name, getattr(dana.scene, technician), start).status_code == 303
        days.append(dana.stops())
    return days


def test_three_steps_back_and_three_forth(dana: Dispatcher) -> None:
    """Each undo brings back the day before, pins included; each redo the day after; then there is no more."""
    days = three_moves(dana)
    assert press(dana, "redo") == 0
    for before in reversed(days[:-1]):
        assert press(dana, "undo") == 303
        assert dana.stops() == before
    assert press(dana, "undo") == 0
    assert dana.visit("Lea").pin is None
    for after in days[1:]:
        assert press(dana, "redo") == 303
        assert dana.stops() == after
    assert press(dana, "redo") == 0
    assert press(dana, "undo") == 303
    assert dana.stops() == days[-2]


def test_a_new_change_ends_the_way_forth(dana: Dispatcher) -> None:
    """What was undone cannot be done again over something newer."""
    three_moves(dana)
    assert press(dana, "undo") == 303
    assert dana.move("Joe", dana.scene.ben, "13:00").status_code == 303
    assert press(dana, "redo") == 0
    assert press(dana, "undo") == 303


def test_a_day_that_went_on_is_not_turned_back(dana: Dispatcher, services: Services) -> None:
    """A visit that began stays where it is done; a change under which something else was changed is refused.

    The control: before, the same form takes it back.
    """
    three_moves(dana)
    with services.db.transaction() as session:
        visit = session.merge(dana.visit("Ida"))
        now = NOW + timedelta(minutes=1)
        visit.advance(VisitState.EN_ROUTE, occurred_at=now, now=now, actor="test")
    assert press(dana, "undo") == 303
    assert dana.stops()["Kim"] == ("Ben", "10:00")
    with services.db.reading() as session:
        first = session.query(PlanChange).order_by(PlanChange.id).first()
        assert first
        number = first.id
    assert dana.post(f"/board/changes/{number}/undo").status_code == 409
    assert dana.stops()["Lea"] == ("Ana", "15:00")
    assert press(dana, "undo") == 303
    assert dana.stops()["Lea"] == ("Ana", "14:30")
    assert dana.post(f"/board/changes/{number}/undo").status_code == 303


def test_the_history_says_who_what_when_and_why(dana: Dispatcher, omar: Dispatcher) -> None:
    """Moves with their reason, pins, what was undone and by whom, what was sent; each leads to its visit."""
    assert "Nobody has changed this day." in words_of(dana.get(HISTORY))
    dana.move("Ida", dana.scene.ben, "14:00", confirmed="yes", reason="She <asked>")
    dana.post(f"/board/visits/{dana.scene.ids['Joe']}/pin", pinned="technician")
    omar.post(f"/board/visits/{dana.scene.ids['Kim']}/unassign", plan_version=omar.version())
    assert press(omar, "undo") == 303
    assert press(omar, "redo") == 303
    dana.post(f"{BOARD}/dispatch")
    page = words_of(dana.get(HISTORY))
    assert "Ida Park to Ben Okafor, 2:00 pm" in page
    assert "She &lt;asked&gt;" in page
    assert "Joe Park pinned" in page
    assert "Undid: Kim Park taken off the route" in page
    assert "Did again: Kim Park taken off the route" in page
    assert "Sent the day to the technicians" in page
    assert f"visit={dana.scene.ids['Joe']}" in dana.get(HISTORY).text
    assert re.search(r"\w+ · Mon, Mar 2, \d+:\d\d [ap]m", page)


def test_pins_of_each_kind(dana: Dispatcher) -> None:
    """Technician, time or both; the bar says which, and Undo brings back what was pinned before."""
    path = f"/board/visits/{dana.scene.ids['Ida']}/pin"
    told = []
    for kind in ("technician", "time", "both"):
        assert dana.post(path, pinned=kind).status_code == 303
        pin = dana.visit("Ida").pin
        assert pin
        assert (pin.technician_id is None) == (kind == "time")
        assert (pin.starts_at is None) == (kind == "technician")
        bar = dana.get().text.split(f'id="bar-{dana.scene.ids["Ida"]}"')[1].split("</a>")[0]
        told.append(re.findall(r", (pinned[\w ]*)", bar)[0])
    assert told == ["pinned to the technician", "pinned to the time", "pinned"]
    assert dana.post(path, pinned="sometimes").status_code == 422
    assert press(dana, "undo") == 303
    pin = dana.visit("Ida").pin
    assert pin
    assert pin.technician_id is None
