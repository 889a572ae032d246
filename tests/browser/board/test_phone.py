"""A known customer calls: found, booked and on the board, with what the office does counted and timed."""

from __future__ import annotations

import re
from time import monotonic

import pytest
from playwright.sync_api import Locator, Page, expect

from fieldservice.models import Service
from tests.browser.accessible import faults
from tests.browser.board.conftest import Desk

pytestmark = pytest.mark.browser
MOST_PRESSES = 5
MOST_SCREENS = 2
MOST_SECONDS = 20
"""Of the machine for the whole call, on one that is busy with other tests; the rest of a call is talking."""


def fee(desk: Desk, words: str) -> None:
    """What a late cancellation of every service of the company costs."""
    with desk.site.services.db.transaction() as session:
        for service in session.query(Service):
            service.late_fee = words


def book(page: Page, desk: Desk, *, scripts: bool) -> tuple[int, list[str]]:
    """Everything that the office does in a call; how often it presses something, and the screens it sees."""
    presses, screens = 0, []

    def press(what: Locator, *, leads_on: bool = False) -> None:
        nonlocal presses
        presses += 1
        if not leads_on:
            what.click()
            return
        with page.expect_navigation():
            what.click()
        screens.append(page.get_by_role("heading", level=1).inner_text())

    page.goto(f"{desk.site.url}/board/phone")
    screens.append(page.get_by_role("heading", level=1).inner_text())
    expect(page.get_by_label("Who is calling?")).to_be_focused()
    page.keyboard.type("Ida Park")
    if not scripts:
        with page.expect_navigation():
            page.keyboard.press("Enter")
    press(page.locator(".found a:first-child").filter(has_text="Ida Park").last, leads_on=True)
    press(page.locator("#service-choice label").first)
    if not scripts:
        with page.expect_navigation():
            page.get_by_role("button", name="Show times").click()
    expect(page.get_by_text("ahead costs: $49 for the trip.")).to_be_visible()
    press(page.locator("#times label.choice").first)
    press(page.get_by_role("button", name="Book", exact=True), leads_on=True)
    return presses, screens


def test_a_known_customer_calls(desk: Desk, plain: Desk) -> None:
    """Search, service, window, book, with and without JavaScript; the fee can be read to the caller."""
    fee(desk, "$49 for the trip")
    begun = monotonic()
    presses, screens = book(desk.page, desk, scripts=True)
    took = monotonic() - begun
    assert presses <= MOST_PRESSES
    assert len(screens) - 1 <= MOST_SCREENS
    assert took < MOST_SECONDS
    print(f"\na known customer by phone: {presses} presses, {screens}, {took:.1f} s of the machine")  # noqa: T201
    expect(desk.page.get_by_text(re.compile("Free to cancel until .+ then: \\$49"))).to_be_visible()
    book(plain.page, plain, scripts=False)
    desk.page.goto(f"{desk.site.url}/board/phone?q=Ida")
    assert faults(desk.page) == []
    desk.page.locator(".found a:first-child").last.click()
    desk.page.locator("#service-choice label").first.click()
    expect(desk.page.get_by_text("ahead costs: $49 for the trip.")).to_be_visible()
    assert faults(desk.page) == []
    fee(desk, "")
