"""While abuse is seen: a browser solves the puzzle by itself, and who has no script gets a code."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fieldservice import clock
from fieldservice.auth import abuse, visitors
from fieldservice.geo.address import Address
from fieldservice.models import AbuseSign, Territory
from fieldservice.web import Services
from tests.browser.booking.test_booking import assert_accessible, next_page
from tests.browser.booking.test_returning import KEY, Past
from tests.browser.keyboard import enter_on, type_into
from tests.factories import make_draft, make_hold
from tests.fieldservice.booking.demoville import heating

pytestmark = pytest.mark.browser
LONG_MS = 60_000
"""How long a slow machine may work on a puzzle."""


@pytest.fixture(scope="module")
def past() -> Past:
    """The database behind the server."""
    return Past()


@pytest.fixture(scope="module")
def written(past: Past) -> Callable[[Session], object]:
    """A program was seen here a minute ago."""

    def write(session: Session) -> None:
        past.engine = session.connection().engine
        here = visitors.hash_of("network 127.0.0.1", KEY)
        abuse.note(session, here, abuse.TRAP, now=clock.now() - timedelta(minutes=1))

    return write


def to_the_guard(page: Page, home: Address) -> None:
    """As far as the windows, where the guard stands before them."""
    page.goto("/book?service=heating")
    next_page(page, "Continue")
    page.get_by_label("Find your address").fill(home.label)
    next_page(page, "Find address")
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    with page.expect_navigation(wait_until="commit"):  # a solved puzzle goes on before its page has loaded
        page.get_by_role("button", name="Continue").click()


def test_a_browser_solves_the_puzzle_by_itself(page: Page, home: Address, troubles: list[str]) -> None:
    """In a worker, under the strict policy, without a tap; the trap is no stop of the keyboard."""
    page.goto("/book")
    assert page.locator("#website").get_attribute("tabindex") == "-1"
    to_the_guard(page, home)
    expect(page.get_by_role("heading", level=1)).to_have_text("When suits you?", timeout=LONG_MS)
    assert troubles == []


def test_without_javascript_a_code_leads_on(plain_page: Page, home: Address, past: Past) -> None:
    """No word of a puzzle that nobody works on; the code goes to any address, by keyboard alone."""
    to_the_guard(plain_page, home)
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("One short check")
    expect(plain_page.get_by_text("Your device works on it")).to_be_hidden()
    type_into(plain_page, "Email or mobile number", "new@example.com")
    enter_on(plain_page, "button", "Send me a code")
    type_into(plain_page, "Code from the message", past.code())
    enter_on(plain_page, "button", "Continue")
    expect(plain_page.get_by_role("heading", level=1)).to_have_text("When suits you?")


def test_a_wrong_solution(page: Page, home: Address, past: Past) -> None:
    """The page says so and gives another puzzle: no fault on it while the device works."""
    page.route("**/guard-worker*", lambda route: route.abort())  # the puzzle stays unsolved
    to_the_guard(page, home)
    expect(page.get_by_role("heading", level=1)).to_have_text("One short check")
    page.locator("#puzzle [name=solution]").evaluate("each => { each.value = 'nothing' }")
    with page.expect_navigation():
        page.locator("#puzzle").evaluate("each => each.submit()")
    expect(page.get_by_text("The check did not work out. Please try once more.")).to_be_visible()
    assert_accessible(page)


def test_too_many_windows_are_held(page: Page, home: Address, running: Services, past: Past) -> None:
    """Who holds as many windows as a network may is told when to come back, and whom to call."""
    assert past.engine is not None
    here = visitors.hash_of("network 127.0.0.1", KEY)
    with Session(past.engine) as session, session.begin():
        session.execute(update(AbuseSign).values(at=clock.now() - timedelta(hours=2)))
        later, service = clock.now() + timedelta(minutes=15), heating(session)
        territory = session.scalars(select(Territory)).one()
        for number in range(running.settings.guard_holds):
            draft = make_draft(session, token=f"held-{number}" * 4, network=here, expires_at=later)
            make_hold(session, territory, service, draft=draft, expires_at=later)
    to_the_guard(page, home)
    expect(page.get_by_role("heading", level=1)).to_have_text("When suits you?")
    page.locator("input[name=window]").last.check()
    next_page(page, re.compile("^Continue"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Please call us")
    expect(page.get_by_text("Try again in a quarter of an hour")).to_be_visible()
    assert_accessible(page)


def test_the_pages_of_the_guard(page: Page, home: Address, past: Past) -> None:
    """More abuse asks for the code in any case, and then for a call: no fault on either page."""
    assert past.engine is not None
    here = visitors.hash_of("network 127.0.0.1", KEY)
    now = clock.now()
    with Session(past.engine) as session, session.begin():
        for _ in range(3):
            abuse.note(session, here, abuse.TRAP, now=now)
    to_the_guard(page, home)
    expect(page.get_by_role("heading", level=1)).to_have_text("One short check")
    guard = page.url
    assert_accessible(page)
    next_page(page, "Send me a code")
    expect(page.locator("#error-summary")).to_be_focused()
    assert_accessible(page)
    page.get_by_label("Email or mobile number").fill("another@example.com")
    next_page(page, "Send me a code")
    assert_accessible(page)
    with Session(past.engine) as session, session.begin():
        for _ in range(10):
            abuse.note(session, here, abuse.TRAP, now=now)
    page.goto(guard)
    expect(page.get_by_role("heading", level=1)).to_have_text("Please call us")
    assert_accessible(page)
    with Session(past.engine) as session, session.begin():
        session.execute(update(AbuseSign).values(at=now - timedelta(hours=2)))
