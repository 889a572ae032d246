"""A customer who comes back books in at most 4 screens and 8 taps, counted as the browser sees them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from fieldservice import clock
from fieldservice.auth.codes import code_of
from fieldservice.auth.links import make_link, token_of
from fieldservice.geo.address import Address
from fieldservice.models import AccessCode, Territory, VisitorCode, VisitState
from tests.browser.accessible import faults
from tests.browser.booking.test_booking import assert_accessible
from tests.factories import make_customer, make_site, make_visit, make_work_order
from tests.fieldservice.booking.demoville import heating

pytestmark = pytest.mark.browser
MOST_SCREENS = 4
MOST_TAPS = 8
KEY = "only-for-these-tests"


@dataclass
class Past:
    """The earlier visit of a customer, and the database behind the server."""

    link: str = ""
    engine: Engine | None = None

    def code(self) -> str:
        """The code that was sent last."""
        assert self.engine is not None
        with Session(self.engine) as session:
            newest = select(VisitorCode).order_by(VisitorCode.id.desc()).limit(1)
            return code_of(session.scalars(newest).one().nonce, KEY)

    def own_code(self) -> str:
        """The code that was sent last for somebody's own data."""
        assert self.engine is not None
        with Session(self.engine) as session:
            newest = select(AccessCode).order_by(AccessCode.id.desc()).limit(1)
            return code_of(session.scalars(newest).one().nonce, KEY)


@pytest.fixture(scope="module")
def past() -> Past:
    """What the company knows of the customer."""
    return Past()


@pytest.fixture(scope="module")
def written(past: Past, home: Address) -> Callable[[Session], object]:
    """A customer with two addresses, who had a visit that is over."""

    def write(session: Session) -> None:
        past.engine = session.connection().engine
        customer = make_customer(
            session, name="Rosa Whitfield", email="rosa@example.com", phone="+14105550123"
        )
        territory = session.scalars(select(Territory)).one()
        for street in ("9 Second Street", home.label.partition(",")[0]):
            site = make_site(session, customer, territory=territory, at=home.coordinates, address=street)
            order = make_work_order(session, site=site, service=heating(session))
            visit = make_visit(session, territory=territory, work_order=order, state=VisitState.DONE)
        now = clock.now()
        link = make_link(visit, secret_key=KEY, now=now, expires_at=now + timedelta(days=30))
        past.link = f"/visit/{token_of(link, KEY)}"

    return write


@dataclass
class Journey:
    """Counts what a person does: each tap, typing apart, and each page that the browser loads on the way."""

    page: Page
    taps: int = 0
    screens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("domcontentloaded", lambda page: self.screens.append(page.url))

    def tap(self, what: Locator) -> None:
        """One touch of the screen, to choose something or to begin to type."""
        self.taps += 1
        what.click()

    def tap_on(self, role: Any, name: str | re.Pattern[str]) -> None:
        """A tap on a button that leads to another page."""
        with self.page.expect_navigation():
            self.tap(self.page.get_by_role(role, name=name))

    def pick_a_window_and_confirm(self) -> None:
        """The last two screens."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text("When suits you?")
        self.tap(self.page.locator("label.choice").first)
        self.tap_on("button", re.compile("^Continue"))
        assert self.page.get_by_label("Full name").input_value() == "Rosa Whitfield"
        self.tap_on("button", "Confirm booking")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("You’re booked")

    def require_short(self, *, screens: int = MOST_SCREENS, taps: int = MOST_TAPS) -> None:
        """The screens up to the confirmation, which is where the journey ends, and all taps."""
        assert len(self.screens) - 1 <= screens, self.screens
        assert self.taps <= taps


def by_link(page: Page, past: Past) -> Journey:
    """From the private link of the earlier visit."""
    journey = Journey(page)
    page.goto(past.link)
    journey.tap_on("button", "Book another visit")
    journey.tap(page.locator("label.chip", has_text="No heat"))
    journey.tap_on("button", "Continue")
    journey.pick_a_window_and_confirm()
    return journey


def by_code(page: Page, past: Past) -> Journey:
    """From the first page, with a code by message."""
    journey = Journey(page)
    page.goto("/book")
    journey.tap(page.locator("label.choice", has_text="Heating"))
    journey.tap(page.get_by_label("Your email or mobile number"))
    page.keyboard.type("rosa@example.com")
    journey.tap_on("button", "Continue")
    expect(page.get_by_label("Code from the message")).to_be_focused()
    page.keyboard.type(past.code())
    journey.tap_on("button", "Continue")
    journey.pick_a_window_and_confirm()
    return journey


@pytest.mark.parametrize("way", [by_link, by_code])
def test_a_returning_customer_with_javascript(
    page: Page, past: Past, way: Callable[[Page, Past], Journey], troubles: list[str]
) -> None:
    """Four screens and eight taps at most; the counting itself is controlled: one less would fail."""
    journey = way(page, past)
    journey.require_short()
    for less in ({"screens": len(journey.screens) - 2}, {"taps": journey.taps - 1}):
        with pytest.raises(AssertionError):
            journey.require_short(**less)
    assert troubles == []


@pytest.mark.parametrize("way", [by_link, by_code])
def test_a_returning_customer_without_javascript(
    plain_page: Page, past: Past, way: Callable[[Page, Past], Journey]
) -> None:
    """The same by forms and links alone."""
    way(plain_page, past).require_short()


def enter(page: Page) -> None:
    """Press Enter where the focus is, which sends the form."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_pages_of_returning_customers(page: Page, past: Past) -> None:
    """Errors, another address, in light and dark, narrow and wide: no fault, and the keyboard is enough."""
    page.goto("/book/returning")
    enter(page)
    expect(page.locator("#error-summary")).to_be_focused()
    assert_accessible(page)
    page.get_by_label("Email or mobile number").fill("(410) 555-0123")
    enter(page)
    assert_accessible(page)
    page.get_by_label("Code from the message").fill("12")
    enter(page)
    expect(page.get_by_text("The code has six digits").first).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Code from the message").fill(past.code())
    enter(page)
    expect(page.get_by_text("You had this")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("radio", name="Heating").focus()
    enter(page)
    page.get_by_role("link", name="Change address").click()
    expect(page.get_by_role("radio")).to_have_count(2)
    assert_accessible(page)
    page.get_by_role("radio", name="9 Second Street").check()
    enter(page)
    expect(page.get_by_text("9 Second Street")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
def test_two_sites_at_once(page: Page, plain_page: Page, past: Past, *, scripts: bool) -> None:
    """After the code both sites are picked by keyboard, and each gets its own window; no fault on the way."""
    shown = page if scripts else plain_page
    shown.goto(f"{past.link}/data")
    shown.get_by_role("button", name="Send me a code").focus()
    enter(shown)
    shown.get_by_label("Code from the message").fill(past.own_code())
    enter(shown)
    shown.goto(past.link)
    shown.get_by_role("link", name=re.compile("Book for several sites")).focus()
    enter(shown)
    shown.get_by_role("button", name="Continue").focus()
    enter(shown)
    expect(shown.get_by_role("link", name="Choose from 2 to 10 sites")).to_be_visible()
    assert not scripts or faults(shown) == []
    for site in shown.get_by_role("checkbox").all():
        site.focus()
        shown.keyboard.press("Space")
    enter(shown)
    shown.get_by_role("radio", name="Heating").focus()
    enter(shown)
    for number in (1, 2):
        expect(shown.get_by_text(f"Site {number} of 2")).to_be_visible()
        assert not scripts or faults(shown) == []
        later = shown.locator("a.day").last.get_attribute("href")  # the first day may be nearly over
        shown.goto(str(later))
        shown.get_by_role("radio").nth(number).focus()
        shown.keyboard.press("Space")
        shown.locator(".action-bar button").focus()
        enter(shown)
    expect(shown.get_by_role("button", name="Confirm booking")).to_be_visible()
    assert not scripts or faults(shown) == []
    shown.get_by_role("button", name="Confirm booking").focus()
    enter(shown)
    expect(shown.get_by_role("heading", name="All visits of this booking")).to_be_visible()
    assert not scripts or faults(shown) == []
