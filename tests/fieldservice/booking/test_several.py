"""Several services in one booking: one visit, or visits that follow each other, all of them or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fieldservice.booking import waiting
from fieldservice.geo.address import Address
from fieldservice.models import Hold, Service, Technician, Territory, Visit, Window
from fieldservice.planning import chains
from fieldservice.planning import service as planning
from fieldservice.planning.chains import Between, between, in_order
from fieldservice.web import Services
from tests.factories import HEATING, NOW, make_technician, window
from tests.fieldservice.booking.electric import BOTH, WIRING, open_electric_company
from tests.fieldservice.booking.tight import AT, WEDNESDAY, easy_visit
from tests.fieldservice.booking.walker import Walker
from tests.races import all_at_once, count, overlaps

APART = [{HEATING: 1}, {WIRING: 2}]
type Open = Callable[..., Territory]


@pytest.fixture
def company_of(services: Services) -> Open:
    """Opens the company with these people, whose skills decide."""
    return lambda people, **more: services.db.run(
        lambda session: open_electric_company(session, people, **more)
    )


@pytest.fixture
def customer(client: FlaskClient, unlimited: None, home: Address) -> Walker:
    """Somebody who wants the heating repaired, and more."""
    return Walker(client, home)


def add_wiring(customer: Walker, **more: Any) -> None:
    """Both services and the address, on the page with the windows."""
    customer.choose_problem()
    customer.give_address()
    customer.open(f"/book/{customer.draft}/services")
    customer.send(service=WIRING, **({f"about-{WIRING}-age": "12", "problem": "Two sockets"} | more))


def visits(services: Services) -> list[Visit]:
    """All visits in the order in which they are made, detached."""
    with services.db.reading() as session:
        found = session.scalars(select(Visit).order_by(Visit.turn, Visit.id)).all()
        for visit in found:
            _ = (visit.required_skills(), visit.messages, visit.links, visit.territory, visit.stop)
        return list(found)


def starts(value: str) -> list[datetime]:
    """The instants in the value of a radio button."""
    return [datetime.fromisoformat(start).astimezone(UTC) for start in value.split("/")]


def test_one_visit_when_one_technician_can_do_it_all(
    customer: Walker, company_of: Open, services: Services
) -> None:
    """It takes as long as both, needs the skills of both, and keeps the answers and parts of each."""
    company_of([{HEATING: 1}, BOTH])
    add_wiring(customer, **{f"about-{WIRING}-age": "40"})
    assert "stays about 2 hours" in customer.page.text or "stays about 120 minutes" in customer.page.text
    customer.pick_window()
    text = customer.page.text
    assert "Also Wiring How old is it? 40 · Two sockets" in text
    assert "Price, Heating $95 visit" in text
    assert "Price, Wiring $120 visit" in text
    customer.confirm()
    (visit,) = visits(services)
    assert visit.service_duration == timedelta(hours=2)
    assert visit.required_skills() == BOTH
    assert visit.parts == ["Fuse box"]
    order = visit.work_order
    assert order.title == "Heating + Wiring"
    assert order.also == [
        {"code": WIRING, "name": "Wiring", "minutes": 60, "problem": "Two sockets", "answers": {"age": 40}}
    ]
    assert (visit.turn, order.request_key) == (0, "")
    customer.open(customer.url.removesuffix("/booked"))
    assert "Heating + Wiring" in customer.page.text
    assert "Also: Wiring" in customer.page.text
    assert "Two sockets" in customer.page.text


def test_a_service_is_taken_off_again(customer: Walker, company_of: Open, services: Services) -> None:
    """What was added goes, and with it the window that was picked for both: one visit is left."""
    company_of([BOTH])
    add_wiring(customer)
    customer.pick_window()
    customer.open(f"/book/{customer.draft}/services")
    assert "service" not in customer.page.options  # nothing else is done in the same place
    customer.send()
    assert "Two sockets" not in customer.page.text
    customer.open(f"/book/{customer.draft}/confirm")
    assert "When suits you?" in customer.page.text
    customer.pick_window()
    customer.confirm()
    (visit,) = visits(services)
    assert (visit.service_duration, visit.work_order.also) == (timedelta(hours=1), [])


def test_a_window_has_to_be_open_for_both(customer: Walker, company_of: Open) -> None:
    """The service that is added may need more notice than the first one."""
    company_of([BOTH], wiring={"lead_time": timedelta(days=2, hours=4)})
    add_wiring(customer)
    earliest = min(starts(value)[0] for value in customer.page.options["window"])
    assert earliest >= NOW + timedelta(days=2, hours=4)
    too_soon = window(WEDNESDAY, 8, 10).starts_at.isoformat()
    customer.send(window=too_soon)
    assert customer.status == 409


@pytest.mark.parametrize(
    "answers",
    [{"service": "advice"}, {"service": "heating"}, {f"about-{WIRING}-age": "", "check_first": WIRING}],
)
def test_what_cannot_be_added_is_said_in_words(
    customer: Walker, company_of: Open, answers: dict[str, str]
) -> None:
    """A service elsewhere, the same one twice, a question that has to be answered: nothing is lost."""
    company_of([BOTH])
    customer.choose_problem()
    customer.give_address()
    customer.open(f"/book/{customer.draft}/services")
    customer.send(**({"service": WIRING, "problem": "Sockets"} | answers))
    assert customer.status == 422
    assert customer.page.title.startswith("Error")
    assert customer.page.fields["problem"] == "Sockets"


def test_nobody_can_do_both_so_two_visits_follow_each_other(
    customer: Walker, company_of: Open, services: Services
) -> None:
    """Each has its own technician, window, link and confirmation; each page lists both."""
    company_of(APART)
    add_wiring(customer)
    assert "2 visits, because nobody can do all of it in one go" in customer.page.text
    assert "Then Wiring: " in customer.page.text
    customer.pick_window()
    assert "Visit 1, Heating" in customer.page.text
    assert "Visit 2, Wiring" in customer.page.text
    assert count(services.db, "hold") == 2
    customer.confirm()
    assert count(services.db, "hold") == 0
    first, second = visits(services)
    assert (first.turn, second.turn) == (1, 2)
    assert first.work_order.request_key == second.work_order.request_key != ""
    assert first.stop is not None
    assert second.stop is not None
    assert first.stop.technician_id != second.stop.technician_id
    assert second.stop.starts_at >= first.stop.ends_at
    assert first.window_ends_at + first.occupied <= second.window_starts_at
    assert [m.kind for m in second.messages if m.channel == "email"][0] == "confirmation"
    for url in (customer.url.removesuffix("/booked"), customer.url):
        page = customer.open(url)
        assert "All visits of this booking Heating" in page.text
    other = next(link for link in customer.page.links if "/visit/" in link and link.count("/") == 2)
    assert "Wiring" in customer.open(other).text


def test_every_offered_pair_can_be_kept(customer: Walker, company_of: Open, services: Services) -> None:
    """One technician has both skills but never the time for both at once: there are two visits after all.

    Each pair that is offered on the first three days is held in its turn; of those that go on from one window
    the first and the last.
    """
    company_of(
        [BOTH],
        hours=(time(8), time(15)),
        duration=timedelta(hours=4),
        wiring={"duration": timedelta(hours=4)},
    )
    add_wiring(customer)
    assert "2 visits" in customer.page.text
    for day in ("2026-03-02", "2026-03-03", "2026-03-04"):
        page = customer.open(f"/book/{customer.draft}/time?day={day}&apart=1")
        offered = groupby(page.options.get("window", []), lambda value: starts(value)[0])
        ways = [list(some) for _, some in offered]
        for value in sorted({value for some in ways for value in (some[0], some[-1])}):
            customer.open(f"/book/{customer.draft}/time?day={day}&apart=1")
            customer.send(window=value)
            assert customer.status == 200, value
            assert "Visit 2, Wiring" in customer.page.text
    assert count(services.db, "hold") == 2


def test_windows_of_one_day_are_looked_for_together(company_of: Open, services: Services) -> None:
    """A day that has room for the first or for the second is not offered for both; for shorter work it is."""
    territory = company_of([BOTH])
    with services.db.reading() as session:
        name = session.scalars(select(Technician.name)).one()
    for _ in range(2):  # four of nine hours
        easy_visit(services, window(WEDNESDAY, 10, 12), by=name)
    wide = window(WEDNESDAY, 8, 16)
    with services.db.transaction() as session:
        session.execute(update(Visit).values(window_starts_at=wide.starts_at, window_ends_at=wide.ends_at))
    with services.db.reading() as session:
        asks = [_ask(session, territory, HEATING, 60), _ask(session, territory, WIRING, 270)]
        context: Any = {"now": NOW, "tables": services.tables}
        alone = planning.slots(session, asks[1], [WEDNESDAY], **context)[WEDNESDAY].slots
        first = chains.chain_slots(session, asks, [WEDNESDAY], **context)[WEDNESDAY]
        shown = chains.soonest_chains(session, asks, first, **context)
        asks[1] = _ask(session, territory, WIRING, 60)
        short = chains.soonest_chains(session, asks, first, **context)
    opens = chains.is_over(shown.slots[0].window, asks[0].needs.occupied)
    assert any(slot.window.starts_at >= opens for slot in alone)  # the guard off, it would be offered
    assert all(territory.local_day(slot.then[0].window.starts_at) > WEDNESDAY for slot in shown.slots)
    assert territory.local_day(short.slots[0].then[0].window.starts_at) == WEDNESDAY
    ways = [slot.then[0].window for slot in short.slots if slot.window == short.slots[0].window]
    assert len(ways) == chains.WAYS  # one each for mornings and afternoons, in order of time
    assert ways == sorted(ways, key=lambda way: way.starts_at)
    local = [way.starts_at.astimezone(territory.zone) for way in ways]
    assert len({(begins.date(), begins.hour >= chains.NOON) for begins in local}) == len(ways)
    assert all(in_order(asks, slot.windows) for slot in (*shown.slots, *short.slots))


def _ask(session: Session, territory: Territory, code: str, minutes: int) -> planning.Ask:
    service = session.scalars(select(Service).where(Service.code == code)).one()
    needs = replace(service.needs(), duration=timedelta(minutes=minutes))
    return planning.Ask(service, session.get_one(Territory, territory.id), AT, changed=needs)


@pytest.mark.parametrize("people", [[BOTH], APART], ids=["one visit", "two visits"])
def test_each_service_of_a_visit_counts_against_its_own_limit(
    customer: Walker, home: Address, app: Flask, company_of: Open, services: Services, people: Any
) -> None:
    """Of the second service one visit a day is made: reserved and then booked beside the first, it was that.

    The next customer is not offered it on that day, neither alone nor with the first one.
    """
    company_of([*people, *people], wiring={"max_per_day": 1})
    add_wiring(customer)
    day = "2026-03-04"
    customer.open(f"/book/{customer.draft}/time?day={day}")
    picked = customer.page.options["window"][0]
    on = starts(picked)[-1].date().isoformat()
    customer.send(window=picked)
    for _ in ("reserved", "booked"):
        rival = Walker(app.test_client(), home)
        add_wiring(rival)
        page = rival.open(f"/book/{rival.draft}/time?day={day}")
        offered = [starts(value)[-1].date().isoformat() for value in page.options.get("window", [])]
        assert on not in offered
        customer.confirm()
    assert [len(visits(services)), count(services.db, "hold")] == [len(people), 0]


def test_out_of_order_or_too_few_windows_are_not_held(
    customer: Walker, company_of: Open, services: Services
) -> None:
    """A pair whose second comes first, and the value of a page from before: 409, and nothing is held."""
    company_of(APART)
    add_wiring(customer)
    address = customer.url
    early, late = window(WEDNESDAY, 8, 10), window(WEDNESDAY, 12, 14)
    for value in (f"{late.starts_at.isoformat()}/{early.starts_at.isoformat()}", early.starts_at.isoformat()):
        customer.open(address)
        customer.send(window=value)
        assert customer.status == 409
        assert "That time was just taken" in customer.page.text
    assert count(services.db, "hold") == 0


def book_both(customer: Walker) -> tuple[str, str]:
    """Both visits, the first on Wednesday at 8 and the second at 12; the addresses of their pages."""
    add_wiring(customer)
    customer.open(f"/book/{customer.draft}/time?day=2026-03-04")
    customer.pick_window()
    customer.confirm()
    first = customer.url.removesuffix("/booked")
    second = next(link for link in customer.open(first).links if "/visit/" in link and link.count("/") == 2)
    return first, second


def test_a_change_keeps_the_order(customer: Walker, company_of: Open, services: Services) -> None:
    """The first is offered nothing that ends after the second begins; a made-up window is refused in words.
    Once the first is cancelled the second may go wherever it likes."""
    company_of(APART)
    first, second = book_both(customer)
    page = customer.open(f"{first}/time?day=2026-03-04")
    assert [starts(value)[0] for value in page.options["window"]] == [window(WEDNESDAY, 8, 10).starts_at]
    customer.send(window=window(WEDNESDAY, 12, 14).starts_at.isoformat())
    assert customer.status == 409
    assert "this time would change their order" in customer.page.text
    page = customer.open(f"{second}/time?day=2026-03-04")
    assert min(starts(value)[0] for value in page.options["window"]) == window(WEDNESDAY, 12, 14).starts_at
    customer.open(f"{first}/cancel")
    customer.send()
    page = customer.open(f"{second}/time?day=2026-03-04")
    assert min(starts(value)[0] for value in page.options["window"]) == window(WEDNESDAY, 8, 10).starts_at
    assert "Cancelled" in customer.open(second).text


def test_the_waiting_list_keeps_the_order_too(customer: Walker, company_of: Open, services: Services) -> None:
    """Whoever waits for an earlier second visit is not offered one before the first."""
    company_of(APART)
    book_both(customer)
    with services.db.transaction() as session:
        second = session.scalars(select(Visit).where(Visit.turn == 2)).one()
        assert between(session, second).earliest == window(WEDNESDAY, 10, 12).starts_at + timedelta(hours=1)
        assert waiting.free_windows(session, second, tables=services.tables, now=NOW) == []
        second.turn = 0  # the guard off: there would have been earlier ones
        assert waiting.free_windows(session, second, tables=services.tables, now=NOW) != []
        session.rollback()


def test_what_was_picked_stays_when_somebody_learns_both(
    customer: Walker, company_of: Open, services: Services
) -> None:
    """Two visits were picked and can be kept: they are booked, although one would do by now."""
    company_of(APART)
    add_wiring(customer)
    customer.pick_window()
    with services.db.transaction() as session:
        make_technician(session, session.scalars(select(Territory)).one(), skills=BOTH, home=AT)
    customer.confirm()
    assert len(visits(services)) == 2


def test_what_was_picked_for_other_visits_is_asked_again(
    customer: Walker, company_of: Open, services: Services
) -> None:
    """When the only one who could do both leaves, the window for both is not booked for one of them."""
    company_of([BOTH, *APART])
    add_wiring(customer)
    customer.pick_window()
    with services.db.transaction() as session:
        able = next(each for each in session.scalars(select(Technician)) if len(each.skills) == 2)
        able.active = False
    customer.confirm()
    assert "When suits you?" in customer.page.text
    assert "2 visits" in customer.page.text
    assert visits(services) == []


def test_holds_that_ran_out_are_looked_for_again(
    customer: Walker, company_of: Open, services: Services
) -> None:
    """Whoever takes a long time over the last form still gets both visits, if nobody else took them."""
    company_of(APART)
    add_wiring(customer)
    customer.pick_window()
    with services.db.transaction() as session:
        session.execute(update(Hold).values(expires_at=NOW - timedelta(minutes=1)))
    customer.confirm()
    assert len(visits(services)) == 2


CONTESTANTS = 6


@pytest.mark.parametrize("held", [False, True])
def test_two_want_the_last_windows(
    app: Flask, unlimited: None, home: Address, company_of: Open, services: Services, *, held: bool
) -> None:
    """One pair is left. Of those who hold it, or book it after their holds ran out, exactly one wins.

    No one is left with half a booking.
    """
    company_of(
        APART,
        hours=(time(8), time(12)),
        duration=timedelta(hours=2),
        horizon_days=2,
        lead_time=timedelta(days=1),
        wiring={"duration": timedelta(hours=3), "horizon_days": 3},
    )
    rivals = [Walker(app.test_client(), home) for _ in range(CONTESTANTS)]
    for rival in rivals:
        add_wiring(rival)
    value = rivals[0].page.options["window"][0]
    if held:
        for rival in rivals:
            rival.send(window=value)
            with services.db.transaction() as session:  # each hold runs out before the next comes
                session.execute(update(Hold).values(expires_at=NOW - timedelta(minutes=1)))
        all_at_once([rival.confirm for rival in rivals])
    else:
        all_at_once([lambda rival=rival: rival.send(window=value) for rival in rivals])
        for rival in [rival for rival in rivals if rival.status == 200]:
            rival.confirm()
    assert sorted(rival.status for rival in rivals) == [200] + [409] * (CONTESTANTS - 1)
    assert count(services.db, "visit") == count(services.db, "stop", "kind = 'visit'") == 2
    assert overlaps(services.db) == 0


def test_the_order_is_in_the_windows() -> None:
    """A window may open when the work of the one before has surely ended, and not a minute sooner."""
    latest = window(WEDNESDAY, 13, 15)
    gap = Between(earliest=latest.starts_at, latest=latest.ends_at)
    assert gap.has(latest)
    assert not gap.has(Window(latest.starts_at - timedelta(minutes=1), latest.ends_at))
    assert not gap.has(Window(latest.starts_at, latest.ends_at + timedelta(minutes=1)))
    assert Between().has(latest)
