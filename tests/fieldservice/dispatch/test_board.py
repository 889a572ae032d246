"""What the board shows, how it is polled, and what the office does besides moving."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from time_machine import Traveller

from fieldservice.db import Database
from fieldservice.models import (
    AuditEntry,
    ContactRole,
    OfficeTask,
    Plan,
    Role,
    Route,
    StopKind,
    UserRole,
    Visit,
    VisitState,
)
from fieldservice.web import Services
from tests.factories import (
    CENTRE,
    NOW,
    TODAY,
    TOMORROW,
    make_hold,
    make_stop,
    make_technician,
    make_territory,
    near,
    window,
)
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, book, found_in, words_of
from tests.signing_in import make_user, signed_in


@contextmanager
def counting(db: Database) -> Iterator[list[str]]:
    """The SELECT statements that the database is sent."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if statement.startswith("SELECT"):
            sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


def test_a_day(dana: Dispatcher) -> None:
    """Rows, bars with all they say, cards with the best fit, the address to find, and the figures."""
    page = words_of(dana.get())
    assert "Ana Reyes" in page
    assert "Heating 10:00 · Ida Park, until 11:00 am, promised 10 am – 12 pm" in page
    assert "Unassigned 2" in page
    assert re.search(r"Promised 1 pm – 3 pm · 1 h 00 (Ana Reyes|Ben Okafor) \d:\d\d pm, \+\d min", page)
    assert "Address not found" in page
    assert "1 waits for you" in page
    assert "100% on time" in page
    assert "3 of 3 working" in page


def test_today_leads_to_the_day_of_the_territory(dana: Dispatcher) -> None:
    """Late in the evening by UTC it is still today in Baltimore; a day field picks another."""
    assert dana.get("/board/").location == BOARD
    assert dana.get(f"/board/?day={TOMORROW.isoformat()}").location == f"/board/{TOMORROW.isoformat()}"


def test_why_a_visit_is_where_it_is(dana: Dispatcher) -> None:
    """The inspector names the rules that hold, other technicians and those who cannot; a link selects."""
    for path in (f"{BOARD}?visit={dana.scene.ids['Ida']}", f"/board/visits/{dana.scene.ids['Ida']}"):
        page = words_of(dana.get(path))
        assert "Why Ana Reyes, why 10:00 am" in page
        assert "Has Heating level 1; 1 is needed." in page
        assert "Starts 10:00 am, inside the promised 10:00 am to 12:00 pm." in page
        assert re.search(r"Ben Okafor 1[01]:\d\d am \+\d min driving", page)


def test_why_a_visit_has_no_place(dana: Dispatcher, services: Services) -> None:
    """A visit that fits nowhere says which rules stand against it and what would help."""
    with services.db.transaction() as session:
        book(session, dana.scene, "Ned", at=near(200), promised=window(TODAY, 6, 7))
    page = words_of(dana.get(f"{BOARD}?visit={dana.scene.ids['Ned']}"))
    assert "Not placed yet" in page
    assert "outside the promised 6:00 am to 7:00 am" in page
    assert "Carl Moss Needs Heating level 1, has none." in page


def test_a_late_visit_is_told_by_words(dana: Dispatcher, clock_at_now: Traveller) -> None:
    """A visit whose window has passed is late in the chip, on the bar and in the inspector."""
    clock_at_now.move_to(NOW + timedelta(hours=5))
    page = dana.get(f"{BOARD}?visit={dana.scene.ids['Ida']}")
    assert "2 late" in words_of(page)
    assert "after the promise ends." in words_of(page)
    assert ", late" in page.text.split(f'id="bar-{dana.scene.ids["Ida"]}"')[1].split("</a>")[0]


def test_the_poll_answers_304_until_something_changes(dana: Dispatcher, services: Services) -> None:
    """The page carries the tag of the live parts; with it there is no answer and no reading of the day."""
    tag = found_in(dana.get(), 'data-etag="([^"]+)"').replace("&#34;", '"')
    with counting(services.db) as sent:
        quiet = dana.get(f"{BOARD}/live", headers={"If-None-Match": tag})
    assert (quiet.status_code, quiet.data, quiet.headers["ETag"]) == (304, b"", tag)
    tables = {name for statement in sent for name in re.findall(r'FROM "?(\w+)', statement)}
    assert tables <= {
        "user",
        "user_session",
        "territory",
        "plan",
        "proposal",
        "job",
        "technician",
        "presence",
    }
    assert len(sent) <= 9
    dana.move("Lea", dana.scene.ben)
    loud = dana.get(f"{BOARD}/live", headers={"If-None-Match": tag})
    assert loud.status_code == 200
    assert loud.headers["ETag"] == found_in(dana.get(), 'data-etag="([^"]+)"').replace("&#34;", '"')
    for part in ("day-bar", "unassigned", "timeline", "inspector", "drop-form"):
        assert f'id="{part}"' in loud.text
    assert "<html" not in loud.text


def test_the_poll_tells_the_minute_and_the_selection(dana: Dispatcher, clock_at_now: Traveller) -> None:
    """A visit becomes late by time alone, and another selected visit is another picture."""
    tag = dana.get(f"{BOARD}/live").headers["ETag"]
    assert dana.get(f"{BOARD}/live?visit={dana.scene.ids['Ida']}").headers["ETag"] != tag
    clock_at_now.shift(timedelta(minutes=1))
    assert dana.get(f"{BOARD}/live", headers={"If-None-Match": tag}).status_code == 200


def test_a_hold_is_shown(dana: Dispatcher, services: Services) -> None:
    """A slot that a customer is booking takes its place until it runs out."""
    with services.db.transaction() as session:
        hold = make_hold(session, dana.scene.territory, dana.scene.service, held=window(TODAY, 15, 17))
        starts_at = hold.window_starts_at
        make_stop(
            session,
            dana.scene.ben,
            starts_at,
            starts_at + timedelta(hours=1),
            kind=StopKind.HOLD,
            hold_id=hold.id,
        )
    assert "Held" in words_of(dana.get())


def test_estimated_travel_is_labelled(dana: Dispatcher, services: Services) -> None:
    """Without a road map driving times are estimates, and the board says so once a route has one."""
    dana.move("Lea", dana.scene.ben)
    with services.db.reading() as session:
        assert any(session.scalars(select(Route.travel_estimated)))
    assert "Driving times estimated" in words_of(dana.get())


def test_routes_for_the_map(dana: Dispatcher) -> None:
    """GeoJSON with a line for each route, and 304 while the plan stands."""
    answer = dana.get(f"{BOARD}/routes.geojson")
    kinds = [feature["properties"]["kind"] for feature in answer.get_json(force=True)["features"]]
    assert (kinds.count("route"), kinds.count("stop")) == (2, 3)
    again = dana.get(f"{BOARD}/routes.geojson", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_dispatching(dana: Dispatcher, services: Services) -> None:
    """Every booked visit with a stop is sent once."""
    assert "Dispatch 3" in words_of(dana.get())
    assert dana.post(f"{BOARD}/dispatch").status_code == 303
    assert "3 visits sent." in words_of(dana.get())
    assert dana.visit("Ida").state == VisitState.DISPATCHED
    assert dana.visit("Lea").state == VisitState.BOOKED
    with services.db.reading() as session:
        assert session.scalars(select(Plan.dispatched_at)).one() is not None


def test_dispatching_asks_first_and_can_be_taken_back(dana: Dispatcher, services: Services) -> None:
    """The board leads to a page that says how many; what was sent and has not begun comes back."""
    assert f'href="{BOARD}/dispatch' in dana.get().text
    page = dana.get(f"{BOARD}/dispatch")
    assert "Send 3 visits" in words_of(page)
    assert "Take back" not in words_of(page)
    assert dana.visit("Ida").state == VisitState.BOOKED  # looking sends nothing
    dana.post(f"{BOARD}/dispatch")
    kim = dana.scene.ids["Kim"]
    services.db.run(
        lambda session: session.get_one(Visit, kim).advance(
            VisitState.EN_ROUTE, occurred_at=NOW, now=NOW, actor="technician"
        )
    )
    page = dana.get(f"{BOARD}/dispatch")
    assert "2 visits were sent and have not begun." in words_of(page)
    assert "Send" not in words_of(page)
    assert dana.post(f"{BOARD}/recall").status_code == 303
    board = words_of(dana.get())
    assert "2 visits taken back." in board
    assert "Dispatch 2…" in board
    assert [dana.visit(name).state for name in ("Ida", "Joe", "Kim")] == ["booked", "booked", "en_route"]
    with services.db.reading() as session:
        assert session.scalars(select(Plan.dispatched_at)).one() is None


def test_a_try_that_was_not_stored_says_nothing(dana: Dispatcher) -> None:
    """The database asks for another try at the commit: what is said is said once."""
    refusals = [OperationalError("COMMIT", {}, Exception("database is locked"))]

    def refuse(session: Session, _context: object) -> None:
        if refusals and any(isinstance(row, AuditEntry) for row in session.new):
            raise refusals.pop()

    event.listen(Session, "after_flush", refuse)
    try:
        assert dana.post(f"{BOARD}/dispatch").status_code == 303
    finally:
        event.remove(Session, "after_flush", refuse)
    assert refusals == []
    assert words_of(dana.get()).count("3 visits sent.") == 1


def test_a_company_that_is_not_set_up_is_told_what_to_do(
    app: Flask, services: Services, client: FlaskClient
) -> None:
    """Without any territory the board is a page with the next step; a territory that is none stays 404."""
    office = signed_in(app, services.db, services.db.run(make_user))
    page = office.get("/board/")
    assert page.status_code == 200
    assert "There is no board yet" in words_of(page)
    assert "An administrator sets it up" in words_of(page)
    admin = signed_in(app, services.db, services.db.run(lambda session: make_user(session, UserRole.ADMIN)))
    assert 'href="/office/setup"' in admin.get("/board/").text
    assert office.get(BOARD).status_code == 200
    assert office.get(f"{BOARD}?territory=1").status_code == 404


def test_a_pin_that_was_not_set_is_one_mistake(dana: Dispatcher) -> None:
    """Two empty fields, one sentence in the summary and one at the field; a wrong value is told apart."""
    path = f"/board/visits/{dana.scene.ids['Max']}/locate"
    answer = dana.post(path)
    assert answer.status_code == 422
    assert words_of(answer).count("Set the pin.") == 2
    half = dana.post(path, latitude="39.3")
    assert half.status_code == 422
    assert words_of(half).count("Set the pin.") == 2


def test_the_dialog_is_called_what_it_does(dana: Dispatcher) -> None:
    """Who is placed has no place to be moved from: each link names the dialog that it opens."""
    placing = dana.get(f"{BOARD}?visit={dana.scene.ids['Lea']}").text
    assert 'data-dialog-title="Place visit"' in placing
    assert 'data-dialog-title="Move visit"' not in placing
    assert 'data-dialog-title="Move visit"' in dana.get(f"{BOARD}?visit={dana.scene.ids['Ida']}").text


def test_phone_numbers_are_written_as_people_write_them(dana: Dispatcher, services: Services) -> None:
    """Read with brackets and dashes, dialled as it is stored."""

    def number(session: Session) -> None:
        order = session.get_one(Visit, dana.scene.ids["Ida"]).work_order
        order.contacts.append(ContactRole(role=Role.SITE_CONTACT, name="Ida", phone="+14105550123"))

    services.db.run(number)
    page = dana.get(f"{BOARD}?visit={dana.scene.ids['Ida']}")
    assert "(410) 555-0123" in words_of(page)
    assert 'href="tel:+14105550123"' in page.text


def test_locating_an_address(dana: Dispatcher, services: Services) -> None:
    """The pin closes the task; the visit waits on the board of today and can be placed."""
    path = f"/board/visits/{dana.scene.ids['Max']}/locate"
    assert dana.get(path).status_code == 200
    answer = dana.post(path, latitude=str(near(600).lat), longitude=str(near(600).lon))
    assert answer.status_code == 303
    site = dana.visit("Max").site
    assert (site.located, site.pin_set_by_person) == (True, True)
    with services.db.reading() as session:
        assert session.scalars(select(OfficeTask.done_at)).one() is not None
    page = words_of(dana.get(answer.location))
    assert "The address is on the map." in page
    assert "waits for you" not in page
    assert dana.move("Max", dana.scene.ben).status_code == 303


@pytest.mark.parametrize(
    ("latitude", "longitude", "words"),
    [
        ("", "", "Set the pin."),
        ("91", "0", "Number must be between"),
        ("nan", "0", ""),
        ("inf", "0", ""),
        ("0", "0", "This place is outside every territory."),
    ],
)
def test_a_pin_that_cannot_be(dana: Dispatcher, latitude: str, longitude: str, words: str) -> None:
    """No pin, no number, or a pin outside every territory is refused with words; the task stays."""
    answer = dana.post(
        f"/board/visits/{dana.scene.ids['Max']}/locate", latitude=latitude, longitude=longitude
    )
    assert answer.status_code == 422
    assert words in words_of(answer)
    assert not dana.visit("Max").site.located


def test_empty_days(dana: Dispatcher, services: Services) -> None:
    """A day without visits, and a territory without technicians, say what to do."""
    assert "Nothing is planned yet." in words_of(dana.get(f"/board/{TOMORROW.isoformat()}"))
    with services.db.transaction() as session:
        other = make_territory(session, name="Elsewhere").id
    page = dana.get(f"{BOARD}?territory={other}")
    assert "There are no technicians yet." in words_of(page)
    assert "Every visit has a place." in words_of(page)
    assert f"/board/{TOMORROW.isoformat()}?territory={other}" in page.text


def test_the_number_of_queries_does_not_grow(dana: Dispatcher, services: Services) -> None:
    """A board of thirty more visits on ten more routes takes as many queries."""
    with counting(services.db) as few:
        dana.get(f"{BOARD}?visit={dana.scene.ids['Ida']}")
    with services.db.transaction() as session:
        for number in range(10):
            technician = make_technician(session, dana.scene.territory, home=near(100 * number))
            for hour in (9, 11, 13):
                name = f"N{number}h{hour}"
                promised = window(TODAY, hour, hour + 2)
                at = near(100 * number, 10 * hour)
                book(
                    session,
                    dana.scene,
                    name,
                    at=at,
                    technician=technician,
                    starts=time(hour),
                    promised=promised,
                )
    with counting(services.db) as many:
        assert "N9h13 Park" in words_of(dana.get(f"{BOARD}?visit={dana.scene.ids['Ida']}"))
    assert len(many) <= len(few), [statement for statement in many if many.count(statement) > 3][:2]


def test_a_hostile_query_is_no_error(dana: Dispatcher) -> None:
    """Nonsense in the address is ignored or not found, never an error of the server."""
    for query in (
        "visit=x",
        "visit=99999999999999",
        "visit=-1",
        "territory=0",
        "territory=x%00",
        "on=9999-99-99",
    ):
        assert dana.get(f"{BOARD}?{query}").status_code in (200, 404), query
    assert dana.get("/board/9999-99-99").status_code == 404
    assert dana.get(f"/board/visits/{dana.scene.ids['Ida']}/move?on=tomorrow").status_code == 200


def test_a_homes_coordinates_do_not_matter_to_a_board_without_a_map(dana: Dispatcher) -> None:
    """A visit at the very place of the technician's home has no drive and is shown."""
    with dana.db.transaction() as session:
        book(session, dana.scene, "Ola", at=CENTRE, technician=dana.scene.ben, starts=time(15))
    assert "Ola Park" in words_of(dana.get())


def test_the_inspector_says_how_to_get_in(dana: Dispatcher) -> None:
    """The office sees notes, and a code only once it is asked for; nothing else of the board has it."""

    def write(kind: str, notes: str) -> str:
        def work(session: Session) -> None:
            site = session.get_one(Visit, dana.scene.ids["Ida"]).site
            site.access_kind, site.access_notes = kind, notes

        dana.db.run(work)
        return dana.get(f"{BOARD}?visit={dana.scene.ids['Ida']}").text

    page = write("home", "Park <behind> the house")
    assert "Park &lt;behind&gt; the house" in page
    page = write("code", "Key box 4711")
    hidden = page[page.index("<details", page.index('id="inspector-body"')) :]
    assert "Key box 4711" in hidden.partition("</details>")[0]
    assert page.count("Key box 4711") == 1
    assert "Key box 4711" not in dana.get(BOARD).text
    assert "Code, key box or doorman." in write("code", "")
