"""A visit takes longer than planned, and somebody has to come at once: what was shown is what happens."""

from __future__ import annotations

import html
import re
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import select
from time_machine import Traveller

from fieldservice.models import OutboxMessage, PlanChange, Visit, VisitState
from fieldservice.planning import overrun
from fieldservice.web import Services
from tests.factories import TODAY, near, window
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, book, found_in, words_of
from tests.fieldservice.dispatch.test_away import advance, at, mend, told
from tests.fieldservice.dispatch.test_proposals import ACCEPT, UNDO


def path(dispatcher: Dispatcher, name: str, what: str) -> str:
    """The address of what happens to a customer's visit."""
    return f"/board/visits/{dispatcher.scene.ids[name]}/{what}"


def busy(dispatcher: Dispatcher, services: Services, clock: Traveller) -> datetime:
    """At 10:30 Ana is at Ida's since 10; Pia is next, promised 11 to 12."""
    with services.db.transaction() as session:
        promised = window(TODAY, 11, 12)
        book(
            session,
            dispatcher.scene,
            "Pia",
            at=near(3500),
            technician=dispatcher.scene.ana,
            starts=time(11, 10),
            promised=promised,
        )
    now, _ = at(services, 10, 30)
    advance(services, dispatcher, "Ida", VisitState.ON_SITE, now - timedelta(minutes=30))
    clock.move_to(now)
    return now


def test_longer_is_shown_before_it_is_planned(
    dana: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """Half an hour keeps every promise, a whole one breaks Pia's; nothing is stored by looking."""
    busy(dana, services, clock_at_now)
    page = words_of(dana.get(path(dana, "Ida", "overrun")))
    quarter, half, whole = (page.index(f"{words} longer") for words in ("15 min", "30 min", "1 h 00"))
    assert "Every promise is kept" in page[quarter:half]
    assert re.search(r"Pia Park 11:0\d am → 11:3\d am", page[half:whole])
    assert "Every promise is kept" in page[half:whole]
    assert "1 promise breaks" in page[whole:]
    assert re.search(r"Pia Park 11:0\d am → 12:0\d pm, promised 11 am – 12 pm Late", page[whole:])
    assert dana.visit("Ida").service_duration == timedelta(hours=1)
    assert "Only a visit in progress" in words_of(dana.get(path(dana, "Kim", "overrun")))


def test_longer_asks_for_a_plan_when_a_promise_breaks(
    dana: Dispatcher, omar: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """The visit is longer, Pia late as shown, and the plan gives her to Ben in time; stale is refused."""
    busy(dana, services, clock_at_now)
    version = dana.version()
    assert dana.post(path(dana, "Ida", "overrun"), minutes="60", plan_version=version).status_code == 303
    assert omar.post(path(omar, "Ida", "overrun"), minutes="60", plan_version=version).status_code == 409
    assert dana.visit("Ida").service_duration == timedelta(hours=2)
    assert dana.stops()["Pia"] > ("Ana", "12:00")
    assert "1 promise would break: a plan is on its way." in words_of(dana.get())
    _, work = at(services, 10, 30)
    mend(work)
    page = dana.get()
    assert "Ana Reyes runs late: plan for 1 visit" in words_of(page)
    assert "Ana Reyes works longer than planned. Inside 11 am – 12 pm." in words_of(page)
    dana.post(found_in(page, ACCEPT))
    assert dana.stops()["Pia"][0] == "Ben"
    with services.db.reading() as session:
        events = session.get_one(Visit, dana.scene.ids["Ida"]).events
        assert [event.payload["minutes"] for event in events if event.kind == "overrun"] == [60]


def test_without_a_rescue_the_late_visit_stays(
    dana: Dispatcher, services: Services, clock_at_now: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positive control: when late visits are not looked for, no plan is asked for."""
    busy(dana, services, clock_at_now)
    monkeypatch.setattr(overrun, "late_visits", lambda day: frozenset())
    dana.post(path(dana, "Ida", "overrun"), minutes="60", plan_version=dana.version())
    assert "a plan is on its way" not in words_of(dana.get())


def emergency(
    dispatcher: Dispatcher, services: Services, clock: Traveller, hour: int, minute: int
) -> datetime:
    """Eve calls at a time of the day; nobody has promised her anything."""
    with services.db.transaction() as session:
        book(session, dispatcher.scene, "Eve", at=near(600))
    now, _ = at(services, hour, minute)
    clock.move_to(now)
    return now


def send(dispatcher: Dispatcher, page: str, name: str, technician: int, **others: object):
    """Press the button of a technician, as the page has it."""
    forms = re.findall(r'<form method="post" action="[^"]*/emergency.*?</form>', page, re.DOTALL)
    form = next(each for each in forms if f'name="technician" value="{technician}"' in each)
    fields = {key: html.unescape(value) for key, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
    wanted = {key: fields[key] for key in ("technician", "minutes", "orders", "plan_version")}
    return dispatcher.post(path(dispatcher, name, "emergency"), **(wanted | others))


def test_somebody_who_is_free_comes_at_once(
    dana: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """In the morning both could come without moving anybody; one click sends, promises and confirms."""
    emergency(dana, services, clock_at_now, 8, 30)
    page = dana.get(path(dana, "Eve", "emergency") + "?minutes=30")
    assert words_of(page).count("Every promise is kept") == 2
    assert "Carl" not in words_of(page)
    assert send(dana, page.text, "Eve", dana.scene.ana.id).status_code == 303
    assert ("Ana", "08:30") <= dana.stops()["Eve"] < ("Ana", "08:40")
    visit = dana.visit("Eve")
    assert visit.state == VisitState.BOOKED
    assert visit.window is not None
    assert visit.window.ends_at - visit.window.starts_at <= timedelta(minutes=35)
    assert {message.kind for message in visit.messages} == {"confirmation"}
    assert "Ana Reyes comes at 8:3" in words_of(dana.get())
    assert dana.stops()["Ida"] == ("Ana", "10:00")


def test_what_is_displaced_is_what_was_shown(
    dana: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """Later a promise has to break: it is said which, and just that happens; Undo brings it back."""
    emergency(dana, services, clock_at_now, 11, 30)
    before = dana.stops()
    page = dana.get(path(dana, "Eve", "emergency"))
    assert words_of(page).count("1 promise breaks") == 2
    shown = re.search(r"Ida Park: 11:3\d am → (\d+):(\d+) pm Late", words_of(page))
    assert shown
    assert send(dana, page.text, "Eve", dana.scene.ana.id).status_code == 303
    technician, starts = dana.stops()["Ida"]
    assert technician == "Ana"
    minutes = abs(int(starts[:2]) * 60 + int(starts[3:]) - int(shown[1]) * 60 - int(shown[2]))
    assert minutes <= 1
    assert dana.stops()["Kim"] == before["Kim"]
    assert dana.post(found_in(dana.get(), UNDO)).status_code == 303
    assert "Eve" not in dana.stops()
    with services.db.reading() as session:
        assert session.scalars(select(PlanChange.kind).order_by(PlanChange.id)).all() == ["emergency", "undo"]


def test_others_move_to_a_colleague_and_are_told(
    dana: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """Ana alone is near enough: Ida goes to Ben inside her promise; she knew Ana, so she is told."""
    dana.post(f"{BOARD}/dispatch")
    with services.db.transaction() as session:
        kim = session.get_one(Visit, dana.scene.ids["Kim"])
        kim.window_starts_at, kim.window_ends_at = (
            window(TODAY, 10, 15).starts_at,
            window(TODAY, 10, 15).ends_at,
        )
    emergency(dana, services, clock_at_now, 11, 30)
    page = dana.get(path(dana, "Eve", "emergency"))
    assert re.search(r"Ida Park: Ana Reyes 11:3\d am → Ben Okafor 11:3\d am", words_of(page))
    assert "Every promise is kept" in words_of(page)
    assert send(dana, page.text, "Eve", dana.scene.ana.id).status_code == 303
    assert dana.stops()["Ida"][0] == "Ben"
    assert {name for name, kind, _ in told(dana) if kind == "technician"} == {"Ida"}
    assert "1 other customer is told." in words_of(dana.get())


def test_two_who_send(
    dana: Dispatcher, omar: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """The second sees the ways as they are now, and nothing of theirs is stored."""
    emergency(dana, services, clock_at_now, 8, 30)
    page = dana.get(path(dana, "Eve", "emergency"))
    assert send(dana, page.text, "Eve", dana.scene.ana.id).status_code == 303
    answer = send(omar, page.text, "Eve", omar.scene.ben.id)
    assert answer.status_code == 409
    assert "Somebody changed the plan meanwhile." in words_of(answer)
    assert dana.stops()["Eve"][0] == "Ana"


@pytest.mark.parametrize(
    "orders", ["{}", "[]", "x", '{"1": 5}', '{"1": ["v1", "x"]}', "[" * 9000, '{"77": ["v1"]}']
)
def test_orders_that_nobody_wrote(
    dana: Dispatcher, services: Services, clock_at_now: Traveller, orders: str
) -> None:
    """Orders that are not those of the day change nothing."""
    emergency(dana, services, clock_at_now, 8, 30)
    before = dana.stops()
    page = dana.get(path(dana, "Eve", "emergency"))
    assert send(dana, page.text, "Eve", dana.scene.ana.id, orders=orders).status_code in (409, 422)
    assert dana.stops() == before
    assert told(dana) == set()
    with services.db.reading() as session:
        assert session.scalars(select(OutboxMessage)).all() == []
