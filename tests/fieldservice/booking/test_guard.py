"""Normal customers meet no guard; abuse costs a puzzle, then a code, then a phone call, for an hour."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import func, select
from time_machine import Traveller

from fieldservice.auth import abuse
from fieldservice.booking import guard
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.models import AbuseSign, BookingDraft, Hold, SpentPuzzle, Visit
from fieldservice.web import Services
from tests.factories import NOW, make_customer, make_draft, make_site, make_work_order
from tests.fieldservice.booking.test_returning import newest_code
from tests.fieldservice.booking.walker import Walker

CHECK = "One short check"


def network(walker: Walker) -> str:
    """What stands for where the customer is."""
    with walker.client.application.test_request_context(environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        return guard.network()


def busy(walker: Walker, services: Services, drafts: int) -> None:
    """So many drafts were begun from there a moment ago."""
    where = network(walker)
    with services.db.transaction() as session:
        for _ in range(drafts):
            make_draft(session, network=where, created_at=NOW - timedelta(minutes=1))


def trapped(walker: Walker, services: Services, times: int) -> None:
    """A program filled in what nobody sees."""
    where = network(walker)
    with services.db.transaction() as session:
        for _ in range(times):
            abuse.note(session, where, abuse.TRAP, now=NOW)


def solution(html: str) -> str:
    """What a browser makes of the page's puzzle."""
    said = {name: unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', html)}
    number = next(
        number
        for number in range(int(said["most"]) + 1)
        if hashlib.sha256(f"{said['salt']}{number}".encode()).hexdigest() == said["challenge"]
    )
    parts = {name: said[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return base64.b64encode(json.dumps(parts | {"number": number}).encode()).decode()


def solve(walker: Walker, found: str) -> None:
    """Send it as the page's script does."""
    walker.send(url=f"/book/{walker.draft}/guard", solution=found, idempotency_key=f"solve-{found[-40:]}")


def test_a_normal_customer_meets_no_guard(walker: Walker, services: Services) -> None:
    """Up to the bound of a network a whole office books without seeing anything of it."""
    busy(walker, services, services.settings.guard_drafts - 1)
    walker.book()
    assert "You’re booked" in walker.page.text


def test_a_busy_network_solves_a_puzzle_once(walker: Walker, services: Services) -> None:
    """After it the same booking goes on, with everything that was answered; the solution counts once."""
    busy(walker, services, services.settings.guard_drafts)
    walker.choose_problem()
    walker.give_address()
    assert CHECK in walker.page.text
    found = solution(walker.page.html)
    solve(walker, found)
    assert walker.url.endswith("/time")
    walker.pick_window()
    walker.confirm()
    assert "You’re booked" in walker.page.text

    walker.choose_problem()
    walker.give_address()
    solve(walker, found)  # worked for by another draft
    assert walker.status == 422
    assert "did not work out" in walker.page.text
    with services.db.reading() as session:
        assert session.scalar(select(func.count(SpentPuzzle.challenge))) == 1


def test_without_script_a_code_does(walker: Walker, services: Services) -> None:
    """By e-mail to an address that nobody knows yet; a wrong one is said, and the right one counts once."""
    busy(walker, services, services.settings.guard_drafts)
    walker.choose_problem()
    walker.give_address()
    where = f"/book/{walker.draft}/guard/code"
    walker.send(url=where, known="nonsense")
    assert walker.status == 422
    walker.send(url=where, known="new@example.com")
    assert "A code is on its way" in walker.page.text
    walker.send(code="000000")
    assert "not the code" in walker.page.text
    walker.send(code=newest_code(services))
    assert walker.url.endswith("/time")


def test_a_field_that_nobody_sees_costs_a_check(walker: Walker, services: Services) -> None:
    """Whoever fills it in is checked: it may be a browser. More of it asks for a code, then refuses."""
    walker.open("/book")
    walker.send(service="heating", website="https://spam.example")
    walker.give_address()
    assert CHECK in walker.page.text
    assert "data-challenge" in walker.page.html
    trapped(walker, services, 2)
    walker.open(f"/book/{walker.draft}/time")
    assert CHECK in walker.page.text
    assert "data-challenge" not in walker.page.html
    trapped(walker, services, 7)
    walker.open(f"/book/{walker.draft}/time")
    assert walker.status == 429
    assert services.settings.company_phone in walker.page.text


def test_a_trap_on_the_last_screen_books_nothing(walker: Walker, services: Services) -> None:
    """The details that were typed are kept, and after the check one goes on with them."""
    walker.to_confirm()
    walker.confirm(website="x", name="Rosa Kept")
    assert CHECK in walker.page.text
    with services.db.reading() as session:
        assert session.scalars(select(Visit)).all() == []
        assert session.scalars(select(AbuseSign.kind)).all() == [abuse.TRAP]
    solve(walker, solution(walker.page.html))
    assert walker.page.fields["name"] == "Rosa Kept"
    walker.send()
    assert "You’re booked" in walker.page.text


def test_an_office_is_let_in_again_after_an_hour(
    walker: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """Nobody is locked out for long because of somebody else behind the same address."""
    trapped(walker, services, 10)
    walker.choose_problem()
    walker.give_address()
    assert walker.status == 429
    clock_at_now.shift(abuse.PERIOD + timedelta(seconds=1))
    walker.open(f"/book/{walker.draft}/time")
    assert walker.status == 200
    assert "When suits you?" in walker.page.text


@pytest.mark.parametrize("way", [{}, {"email": "", "phone": "410 555 0187"}, {"email": "Rosa@EXAMPLE.com"}])
def test_many_bookings_with_one_address_are_seen(
    walker: Walker, services: Services, way: dict[str, str]
) -> None:
    """Wherever they come from, however it is spelt: a customer's sixth booking of a day is checked."""
    for number in range(services.settings.guard_address_bookings + 2):
        walker.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        walker.to_time(day=f"2026-03-{4 + number:02d}" if number < 3 else "2026-03-09")
        walker.pick_window(number % 2)
        walker.confirm(**way)
        booked = "You’re booked" in walker.page.text
        assert booked == (number <= services.settings.guard_address_bookings), number
    assert CHECK in walker.page.text


@pytest.mark.parametrize(("together", "level"), [(True, abuse.Level.NOTHING), (False, abuse.Level.PUZZLE)])
def test_sites_booked_at_once_are_one_booking(
    db: Database, settings: Settings, together: bool, level: abuse.Level
) -> None:
    """A business that books for ten sites is no abuser; the control books them one by one."""
    bounds = abuse.Bounds.of(settings)
    with db.transaction() as session:
        customer = make_customer(session)
        for number in range(10):
            key = "all-at-once" if together else f"request-{number}"
            make_work_order(session, site=make_site(session, customer), request_key=key)
        session.flush()
        assert abuse.level_of_address(session, [customer.email], bounds, now=NOW) == level


@pytest.mark.parametrize("bound", [1, 20])
def test_reserved_windows_cannot_be_hoarded(walker: Walker, services: Services, bound: int) -> None:
    """One draft has one at most, and a network no more than its bound; the control is a higher bound."""
    services = walker.client.application.extensions["fieldservice"]
    object.__setattr__(services.settings, "guard_holds", bound)
    walker.to_confirm()
    walker.open(f"/book/{walker.draft}/time?day=2026-03-04")
    walker.pick_window(1)
    with services.db.reading() as session:
        assert session.scalar(select(func.count(Hold.id))) == 1
    walker.to_time(day="2026-03-05")
    walker.pick_window()
    assert walker.status == (429 if bound == 1 else 200)
    assert ("Many arrival times are reserved" in walker.page.text) == (bound == 1)
    walker.client.environ_base["REMOTE_ADDR"] = "192.0.2.77"
    walker.to_time(day="2026-03-05")
    walker.pick_window(1)
    assert walker.status == 200


def test_the_network_is_hashed(walker: Walker, services: Services) -> None:
    """No address of a visitor is stored."""
    walker.choose_problem()
    with services.db.reading() as session:
        stored = session.scalars(select(BookingDraft.network)).one()
    assert stored == network(walker)
    assert "127.0.0.1" not in str(stored)
