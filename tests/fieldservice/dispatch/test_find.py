"""The week and its load, the search over visits, and who else is at a row."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from time_machine import Traveller

from fieldservice.dispatch.search import visits_found
from fieldservice.dispatch.week import week_of
from fieldservice.models import Customer, Presence, Territory
from fieldservice.web import Services
from tests.factories import NOW, TODAY, TOMORROW, near, window
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, book, words_of


def test_the_week(dana: Dispatcher, services: Services) -> None:
    """Visits, time taken and share of the shift, what waits, and the way to each day."""
    with services.db.transaction() as session:
        book(session, dana.scene, "Ned", at=near(200), promised=window(TOMORROW, 10, 12))
    with services.db.reading() as session:
        week = week_of(session, session.get_one(Territory, dana.scene.territory.id), TODAY)
    assert week.days[0].weekday() == 0
    today, tomorrow = week.days.index(TODAY), week.days.index(TOMORROW)
    loads = {technician.name.split()[0]: loads for technician, loads in week.loads}
    assert [loads[name][today].visits for name in ("Ana", "Ben", "Carl")] == [2, 1, 0]
    assert loads["Ana"][today].taken == timedelta(hours=2)
    assert loads["Ana"][today].share == round(100 * 2 / 9)
    assert week.unassigned[today] == 1
    assert week.unassigned[tomorrow] == 1
    page = dana.get(f"{BOARD}/week")
    assert "Ana Reyes, Mon, Mar 2: 22% 2 visits, 2 h 00" in words_of(page)
    assert f'href="/board/{TOMORROW}"' in page.text
    assert f"{BOARD}?view=list&amp;who={dana.scene.ana.id}" in page.text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ida", ["Ida"]),
        ("PARK ki", ["Kim"]),
        ("charles street", ["Ida", "Joe", "Kim", "Lea", "Max", "Zoë"]),
        ("zoË", ["Zoë"]),
        ("%", []),
        ("_", []),
        ("'; DROP TABLE visit; --", []),
        ("  ", []),
        ("park nobody", []),
    ],
)
def test_the_search(dana: Dispatcher, services: Services, text: str, found: list[str]) -> None:
    """Every word has to occur, in any case; what is a pattern to the database is a letter here."""
    with services.db.transaction() as session:
        book(session, dana.scene, "Zoë", at=near(200), promised=window(TOMORROW, 10, 12))
    with services.db.reading() as session:
        names = [visit.work_order.customer.name.split()[0] for visit in visits_found(session, text)]
    assert sorted(names) == found


def test_search_by_reference_and_phone(dana: Dispatcher, services: Services) -> None:
    """A reference, and digits of a number however they are written; a hit leads to its day and visit."""
    visit = dana.visit("Ida")
    with services.db.transaction() as session:
        customer = session.scalars(select(Customer).where(Customer.name == "Ida Park")).one()
        customer.phone = "+14105550177"
    for text in (visit.reference, visit.reference.lower(), "555-0177", "(410)555-0177"):
        page = dana.get("/board/search", query_string={"q": text})
        assert "1 visit" in words_of(page)
        assert re.search(rf'href="{BOARD}\?[^"]*visit={visit.id}', page.text), text
    assert "No visit fits" in words_of(dana.get("/board/search?q=0000000"))
    assert "Type a name" in words_of(dana.get("/board/search"))


def header(dispatcher: Dispatcher) -> list[tuple[int, str]]:
    """Technician and words of the others, as the poll tells them."""
    told = json.loads(dispatcher.get(f"{BOARD}/live").headers["X-Presence"])
    return [(technician, words) for technician, _, words in told]


def test_who_else_is_at_a_row(
    dana: Dispatcher, omar: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """Others see it with the next poll, also a 304; oneself does not; it ends by itself or at once."""
    ana = dana.scene.ana.id
    page = dana.get(f"{BOARD}/live")
    assert omar.post(f"{BOARD}/presence", technician=ana, editing="yes").status_code == 204
    [(technician, words)] = header(dana)
    assert technician == ana
    assert words.endswith("is changing this row")
    assert header(omar) == []
    quiet = dana.get(f"{BOARD}/live", headers={"If-None-Match": page.headers["ETag"]})
    assert quiet.status_code == 304
    assert str(ana) in quiet.headers["X-Presence"]
    assert words in words_of(dana.get())
    omar.post(f"{BOARD}/presence", technician=ana)
    assert header(dana)[0][1].endswith("looks at this row")
    omar.post(f"{BOARD}/presence")
    assert header(dana) == []
    omar.post(f"{BOARD}/presence", technician=ana)
    clock_at_now.move_to(NOW + timedelta(seconds=12))
    assert header(dana)
    clock_at_now.move_to(NOW + timedelta(seconds=90))
    assert header(dana) == []
    omar.post(f"{BOARD}/presence", technician=999_999)
    assert header(dana) == []
    assert omar.post(f"{BOARD}/presence", technician="x").status_code == 422
    with services.db.reading() as session:
        assert session.query(Presence).count() == 1
