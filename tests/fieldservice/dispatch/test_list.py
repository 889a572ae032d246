"""The day as a list, and the chips that step through what they count."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest
from time_machine import Traveller

from fieldservice.dispatch.listing import Sort, Wanted, wanted_of
from fieldservice.dispatch.matches import Show
from fieldservice.web import Services
from tests.factories import NOW, TODAY, near, window
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, book, found_in, words_of

LIST = f"{BOARD}?view=list"


def names(dispatcher: Dispatcher, query: str = "") -> list[str]:
    """The first names of the customers in the list, in its order."""
    rows = re.findall(r'<tr role="row" id="line-(\d+)"', dispatcher.get(LIST + query).text)
    by_id = {visit: name for name, visit in dispatcher.scene.ids.items()}
    return [by_id[int(row)] for row in rows]


def test_every_visit_of_the_day_is_a_line(dana: Dispatcher) -> None:
    """Planned visits and those without a place, with all that the timeline says of them."""
    assert sorted(names(dana)) == ["Ida", "Joe", "Kim", "Lea", "Max"]
    page = words_of(dana.get(LIST))
    assert "10:00 am – 11:00 am Promised 10 am – 12 pm Ida Park" in page
    assert "5 visits" in page
    assert 'id="timeline"' not in dana.get(LIST).text


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("start", ["Ida", "Kim", "Joe", "Lea", "Max"]),
        ("-start", ["Joe", "Kim", "Ida", "Lea", "Max"]),
        ("customer", ["Ida", "Joe", "Kim", "Lea", "Max"]),
        ("-customer", ["Max", "Lea", "Kim", "Joe", "Ida"]),
        ("promise", ["Ida", "Kim", "Joe", "Lea", "Max"]),
        ("technician", ["Ida", "Joe", "Kim", "Lea", "Max"]),
        ("nonsense", ["Ida", "Kim", "Joe", "Lea", "Max"]),
    ],
)
def test_the_order(dana: Dispatcher, sort: str, expected: list[str]) -> None:
    """Each column sorts in both directions; what has no value stays last."""
    assert names(dana, f"&sort={sort}") == expected


def test_the_filters(dana: Dispatcher) -> None:
    """By technician, by words, by a chip's question; nothing that fits is said; links keep the filters."""
    assert names(dana, f"&who={dana.scene.ana.id}") == ["Ida", "Joe"]
    assert names(dana, "&find=kim+pa") == ["Kim"]
    assert names(dana, "&show=unassigned") == ["Lea", "Max"]
    assert names(dana, "&show=waiting") == ["Max"]
    assert names(dana, f"&show=unassigned&who={dana.scene.ana.id}") == []
    page = dana.get(f"{LIST}&find=zzz")
    assert "No visit of this day fits these filters." in words_of(page)
    link = found_in(dana.get(f"{LIST}&who={dana.scene.ana.id}"), r'id="sort-customer" href="([^"]+)"')
    assert "view=list" in link
    assert f"who={dana.scene.ana.id}" in link


def test_what_an_address_asks_for() -> None:
    """What it does not say, or says wrongly, is as usual."""
    assert wanted_of({}) == Wanted()
    assert wanted_of({"show": "x", "who": "-1", "what": "9" * 40, "sort": "-", "find": " "}) == Wanted(
        down=True
    )
    asked = {"show": "late", "who": "7", "find": " Ida ", "sort": "-state"}
    assert wanted_of(asked) == Wanted(Show.LATE, 7, None, "Ida", Sort.STATE, down=True)


def test_a_change_leads_back_to_the_list(dana: Dispatcher) -> None:
    """Who works with the list stays in it, with its filters."""
    form = {"visit": dana.scene.ids["Lea"], "technician": dana.scene.ben.id, "plan_version": dana.version()}
    answer = dana.post(f"{BOARD}/move?view=list&show=unassigned", **form)
    assert answer.status_code == 303
    assert "view=list" in answer.location
    assert "show=unassigned" in answer.location


def test_the_list_is_live(dana: Dispatcher) -> None:
    """Its parts have the page's tag, and come again when something changes."""
    tag = found_in(dana.get(LIST), 'data-etag="([^"]+)"').replace("&#34;", '"')
    headers = {"If-None-Match": tag}
    assert dana.get(f"{BOARD}/live?view=list", headers=headers).status_code == 304
    dana.move("Lea", dana.scene.ben)
    answer = dana.get(f"{BOARD}/live?view=list", headers=headers)
    assert answer.status_code == 200
    assert 'id="visit-list"' in answer.text


def steps(dispatcher: Dispatcher, show: Show, visit: str = "") -> tuple[list[str], str]:
    """The visits behind a chip, and the one that its link leads to."""
    by_id = {visit: name for name, visit in dispatcher.scene.ids.items()}
    selected = f"?visit={dispatcher.scene.ids[visit]}" if visit else ""
    page = dispatcher.get(BOARD + selected)
    chip = re.search(rf'id="steps-{show}" data-steps="([\d,]+)" href="[^"]*visit=(\d+)', page.text)
    return ([by_id[int(one)] for one in chip[1].split(",")], by_id[int(chip[2])]) if chip else ([], "")


def test_chips_step_through_what_they_count(
    dana: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """Each link selects the next match and begins again after the last; what is most urgent comes first."""
    with services.db.transaction() as session:
        promised = window(TODAY, 17, 18)
        book(
            session,
            dana.scene,
            "Ned",
            at=near(800),
            technician=dana.scene.ben,
            starts=time(17),
            promised=promised,
        )
    assert steps(dana, Show.LATE) == ([], "")
    assert steps(dana, Show.UNASSIGNED) == (["Lea", "Max"], "Lea")
    assert steps(dana, Show.UNASSIGNED, "Lea") == (["Lea", "Max"], "Max")
    assert steps(dana, Show.UNASSIGNED, "Max") == (["Lea", "Max"], "Lea")
    assert steps(dana, Show.WAITING) == (["Max"], "Max")
    assert set(steps(dana, Show.ON_TIME)[0]) == {"Ida", "Joe", "Kim", "Ned"}
    assert steps(dana, Show.ON_TIME)[1] == "Ned"  # its promise is nearest to breaking
    assert steps(dana, Show.OVERTIME) == (["Ned"], "Ned")
    assert steps(dana, Show.DRIVING)[0]
    clock_at_now.move_to(NOW + timedelta(hours=5))
    assert set(steps(dana, Show.LATE)[0]) == {"Ida", "Kim"}
