"""Further windows, reasons and the waiting list on a phone, with and without JavaScript, without a fault."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from fieldservice import clock, migrate
from fieldservice.app import create_app, make_services
from fieldservice.booking import waiting
from fieldservice.config import Settings
from fieldservice.geo.address import Address
from fieldservice.geo.types import TravelTable
from fieldservice.models import Territory, Visit, WaitingEntry
from fieldservice.planning import service as planning
from fieldservice.planning.travel import with_travel
from fieldservice.web import Services
from tests.browser.booking.test_booking import assert_accessible, next_page
from tests.browser.keyboard import enter_on
from tests.factories import window
from tests.fieldservice.booking.tight import AT, cancel, easy_visit, open_tight_company

pytestmark = pytest.mark.browser
LONG_MS = 30_000
"""How long a slow machine may take for a part of the page."""


@dataclass(frozen=True)
class Tight:
    """A company; on its `day` one window is free and another when somebody moves, its `full` day has none."""

    services: Services
    day: date
    full: date
    easy: int


@pytest.fixture(scope="module")
def running(town_map: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Tight]]:
    """The address of the server, and what is stored there."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"), map_dir=town_map, secret_key="only-for-these-tests"
    )
    services = make_services(settings)
    migrate.upgrade(services.db.engine)
    with services.db.transaction() as session:
        today = open_tight_company(session, hours=(time(8), time(13))).local_day(clock.now())
    full, day = (today + timedelta(days=ahead) for ahead in (2, 3))
    now = clock.now()
    for starts in (8, 10):
        easy_visit(services, window(full, starts, starts + 2), now=now)
        easy_visit(services, window(full, starts, starts + 2), now=now, by="Nora Novice")
    easy = easy_visit(services, window(day, 8, 10), now=now)
    app = create_app(settings, services)
    app.config.update(LIMIT_BOOKING="1000/minute", LIMIT_FORM="1000/minute", LIMIT_LOOKUP="1000/minute")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}", Tight(services, day, full, easy)
    server.shutdown()
    thread.join()
    server.server_close()
    services.db.dispose()


@pytest.fixture(scope="module")
def site(running: tuple[str, Tight]) -> str:
    """The address."""
    return running[0]


@pytest.fixture(scope="module")
def tight(running: tuple[str, Tight]) -> Tight:
    """What is stored."""
    return running[1]


def to_time(page: Page, home: Address) -> str:
    """As far as the third screen; the address of the booking."""
    page.goto("/book?service=heating")
    next_page(page, "Continue")
    page.get_by_label("Find your address").fill(home.label)
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    next_page(page, "Continue")
    if page.get_by_role("heading", level=1).inner_text() != "When suits you?":
        page.get_by_role("radio", name="Someone over 18 will be home").check()
        next_page(page, "Continue")
    return page.url.partition("/time")[0]


def test_further_windows_fill_themselves_in(
    page: Page, home: Address, tight: Tight, troubles: list[str]
) -> None:
    """Nothing above moves, what is picked stays picked, the number is spoken, and the window can be had."""
    book = to_time(page, home)
    page.goto(f"{book}/time?day={tight.day}")
    first = page.locator("input[name=window]").first
    first.check()
    before = first.bounding_box()
    further = page.locator("#more-windows input[name=window]")
    expect(further).to_have_count(1, timeout=LONG_MS)
    assert first.bounding_box() == before
    expect(first).to_be_checked()
    expect(page.locator("#status")).to_have_text("1 more time", timeout=LONG_MS)
    assert_accessible(page)
    further.check()
    next_page(page, re.compile("Continue with 8 am – 10 am"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Check and confirm")
    assert troubles == []


def test_why_times_are_gone(page: Page, home: Address, tight: Tight, troubles: list[str]) -> None:
    """The reasons take the place of the link, and the focus goes to their heading."""
    book = to_time(page, home)
    page.goto(f"{book}/time?day={tight.full}&more=1")
    page.get_by_role("link", name="Which times are gone, and why?").click()
    expect(page.locator("#gone-heading")).to_be_focused(timeout=LONG_MS)
    expect(page.get_by_text("Everyone who can do this is with other customers then").first).to_be_visible()
    assert_accessible(page)
    assert troubles == []


def test_without_javascript_a_link_finds_them(plain_page: Page, home: Address, tight: Tight) -> None:
    """The same window behind a link; the list of reasons behind another."""
    page = plain_page
    book = to_time(page, home)
    page.goto(f"{book}/time?day={tight.day}")
    with page.expect_navigation():
        page.get_by_role("link", name="Look for more times on this day").click()
    assert "more=1" in page.url
    with page.expect_navigation():
        page.get_by_role("link", name="Which times are gone, and why?").click()
    expect(page.get_by_role("heading", name="Times that are gone")).to_be_visible()


def test_the_waiting_list(page: Page, home: Address, tight: Tight, troubles: list[str]) -> None:
    """Joining, the private page, leaving and joining again, an offer and its button."""
    to_time(page, home)
    with page.expect_navigation():
        page.get_by_role("link", name="Join the waiting list for sooner").click()
    assert_accessible(page)
    page.get_by_label("Full name").fill("Ada Other")
    page.get_by_label("Email").first.fill("ada@example.com")
    next_page(page, "Join the waiting list")
    expect(page.get_by_text("You are on the waiting list.").first).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Manage visit").click()
    with page.expect_navigation():
        page.get_by_role("link", name="You are on the waiting list").click()
    assert_accessible(page)
    next_page(page, "Leave the waiting list")
    assert_accessible(page)
    next_page(page, "Join the waiting list")
    make_offer(tight)
    page.goto(page.url.replace("/earlier", "/offer"))
    assert_accessible(page)
    enter_on(page, "button", re.compile("^Take 8 am – 10 am"))
    expect(page.get_by_text("Booked", exact=True).first).to_be_visible()
    page.goto(f"{page.url}/offer")
    expect(page.get_by_role("heading", level=1)).to_have_text("This time is no longer free")
    assert_accessible(page)
    assert troubles == []


def make_offer(tight: Tight) -> None:
    """Who waits is offered the first window of the full day, whatever time of day it is now."""
    now = clock.now()
    with tight.services.db.reading() as session:
        territory_id = session.scalars(select(Territory.id)).one()
    gap = window(tight.full, 8, 10)
    free_a_place(tight, now)

    def work(tables: Mapping[date, TravelTable]) -> None:
        def offer(session: Session) -> None:
            entry = session.scalars(select(WaitingEntry)).one()
            look = waiting.Look(gap, [], "")
            until = now + timedelta(hours=1)
            assert waiting.offer(session, entry, look, tables=tables, now=now, until=until)

        tight.services.db.run(offer)

    db, tables = tight.services.db, tight.services.tables
    with tight.services.db.reading() as session:
        at = planning.ask_of(session.scalars(select(WaitingEntry)).one().visit)
        assert at is not None
    with_travel(db, tables, territory_id, [tight.full], [AT, at.place], now=now, work=work)


def free_a_place(tight: Tight, now: datetime) -> None:
    """The expert's first visit of the full day is cancelled."""
    with tight.services.db.reading() as session:
        query = select(Visit.id).where(Visit.window_starts_at == window(tight.full, 8, 10).starts_at)
        first = session.scalars(query.order_by(Visit.id)).first()
    assert first is not None
    cancel(tight.services, first, now=now)
