"""One service for several sites of a customer: each its own visit and window, all of them or none."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from fieldservice.booking.drafts import DraftAnswers
from fieldservice.models import BookingDraft, Hold, Technician, Visit
from fieldservice.web import Services
from tests.factories import NOW, window
from tests.fieldservice.booking import demoville
from tests.fieldservice.booking.test_personal import code_for
from tests.fieldservice.booking.tight import WEDNESDAY
from tests.fieldservice.booking.walker import Walker
from tests.races import count


@pytest.fixture
def owner(walker: Walker, town_map: Path) -> Walker:
    """Somebody with visits at two addresses, on the page of the second."""
    walker.book()
    walker.home = demoville.an_address(town_map, 3)
    walker.book()
    walker.open(walker.url.removesuffix("/booked"))
    return walker


def prove(owner: Walker, services: Services) -> str:
    """Enter the code; returns the address of the private page."""
    private = owner.url
    owner.open(f"{private}/data")
    owner.send(url=f"{private}/data/code")
    owner.send(url=f"{private}/data/prove", code=code_for(services))
    return private


def pick_sites(owner: Walker, services: Services) -> None:
    """Both sites and the same service, on the page with the first one's windows."""
    private = prove(owner, services)
    page = owner.open(f"{private}/sites")
    owner.send(sites=page.options["sites"])
    owner.send(service="heating")
    owner.open(f"/book/{owner.draft}/time?day=2026-03-05")


def test_who_has_several_sites_finds_the_way(booked: Walker, town_map: Path) -> None:
    """The private page of a customer's second site leads there; that of the only one does not."""
    assert "Book for several sites" not in booked.page.text
    booked.home = demoville.an_address(town_map, 3)
    booked.book()
    booked.open(booked.url.removesuffix("/booked"))
    assert "Book for several sites" in booked.page.text
    assert f"{booked.url}/sites" in booked.page.links


def answers(services: Services) -> DraftAnswers:
    """Those of the draft that is being made."""
    with services.db.reading() as session:
        row = session.scalars(select(BookingDraft).order_by(BookingDraft.id.desc())).all()
        return next(DraftAnswers.from_json(each.answers) for each in row if each.answers.get("more_sites"))


def test_each_site_has_its_own_time_and_one_page_lists_all(owner: Walker, services: Services) -> None:
    """The windows are picked one after the other, the second once more; both visits are booked together."""
    pick_sites(owner, services)
    first, second = (answers(services).site, *answers(services).more_sites)
    assert first is not None
    assert f"Site 1 of 2 : {first.address}" in owner.page.text
    owner.pick_window(0)
    assert f"Site 2 of 2 : {second.address}" in owner.page.text
    owner.pick_window(1)
    assert f"Visit 1, {first.address}" in owner.page.text
    assert f"Visit 2, {second.address}" in owner.page.text
    assert count(services.db, "hold") == 2
    owner.open(f"/book/{owner.draft}/time?site=2&day=2026-03-06")
    owner.pick_window(0)
    before = count(services.db, "visit")
    owner.confirm()
    assert (count(services.db, "hold"), count(services.db, "visit")) == (0, before + 2)
    for address in (first.address, second.address):
        assert address in owner.page.text
    with services.db.reading() as session:
        made = session.scalars(select(Visit).order_by(Visit.id)).all()[before:]
        assert [visit.site.address for visit in made] == [first.address, second.address]
        assert {visit.turn for visit in made} == {0}
        assert len({visit.work_order.request_key for visit in made}) == 1
        assert [visit.territory.local_day(visit.window_starts_at or NOW).day for visit in made] == [5, 6]


def test_a_window_that_is_lost_books_none_of_them(owner: Walker, services: Services) -> None:
    """The holds ran out and nobody works on the second day any more: the first is not booked either."""
    pick_sites(owner, services)
    owner.pick_window(0)
    owner.open(f"/book/{owner.draft}/time?site=2&day=2026-03-06")
    owner.pick_window(0)
    before = count(services.db, "visit")
    with services.db.transaction() as session:
        session.execute(update(Hold).values(expires_at=NOW))
        for technician in session.scalars(select(Technician)):
            technician.shift_patterns = [each for each in technician.shift_patterns if each.weekday != 4]
    owner.confirm()
    assert owner.status == 409
    assert count(services.db, "visit") == before


def test_sites_are_shown_to_nobody_without_the_code(owner: Walker, services: Services) -> None:
    """The private link of one visit tells nothing of other orders, whoever has it."""
    private = owner.url
    assert owner.client.get(f"{private}/sites").status_code == 303
    owner.open(f"{private}/messages")
    owner.send(url=f"{private}/sites", idempotency_key="a-key-of-mine", sites=["1", "2"])
    assert "Send me a code" in owner.page.text


@pytest.mark.parametrize("picked", [[], ["1"], ["999999", "x", "\x00"]])
def test_fewer_than_two_sites_are_said_in_words(owner: Walker, services: Services, picked: list[str]) -> None:
    """Made-up ones are not the customer's and do not count."""
    private = prove(owner, services)
    owner.open(f"{private}/sites")
    owner.send(sites=picked)
    assert owner.status == 422
    assert "Choose from 2 to 10 sites" in owner.page.text


def test_two_sites_do_not_get_the_same_hour_of_one_technician(owner: Walker, services: Services) -> None:
    """What is reserved for the first is taken when the second is offered."""
    with services.db.transaction() as session:
        for technician in session.scalars(select(Technician).order_by(Technician.id.desc()).limit(1)):
            technician.active = False
        demoville.heating(session).duration *= 3
    pick_sites(owner, services)
    taken = window(WEDNESDAY.replace(day=5), 8, 10).starts_at.isoformat()
    assert taken in owner.page.options["window"]
    owner.send(window=taken)
    page = owner.open(f"/book/{owner.draft}/time?day=2026-03-05")
    assert taken not in page.options.get("window", [])


def test_answers_with_several_sites_come_back_as_they_were(owner: Walker, services: Services) -> None:
    """The draft's row keeps coordinates and windows of all."""
    pick_sites(owner, services)
    owner.pick_window(0)
    kept = answers(services)
    assert asdict(DraftAnswers.from_json(replace(kept).to_json())) == asdict(kept)
    assert all(site.coordinates is not None for site in kept.more_sites)
