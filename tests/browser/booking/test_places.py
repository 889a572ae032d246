"""Bookings that are no visits at home, to their end, with and without scripts: by phone, at the branch."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from fieldservice.geo.address import Address
from tests.browser.accessible import faults
from tests.browser.booking.test_booking import next_page

pytestmark = pytest.mark.browser


@pytest.fixture(params=[True, False], ids=["scripts", "plain"])
def customer(request: pytest.FixtureRequest) -> Page:
    """A phone with scripts, and one without."""
    page: Page = request.getfixturevalue("page" if request.param else "plain_page")
    return page


def assert_accessible(page: Page, request: pytest.FixtureRequest) -> None:
    """axe finds nothing; it is a script itself, and the pages are the same without."""
    if "scripts" in request.node.callspec.id:
        assert faults(page) == []


def pick_a_window(page: Page) -> None:
    """The last of the first day that has one."""
    expect(page.get_by_role("heading", level=1)).to_have_text("When suits you?")
    page.get_by_role("radio").last.check()
    next_page(page, re.compile("^Continue"))


def test_a_remote_visit_says_who_is_called(
    customer: Page, home: Address, troubles: list[str], request: pytest.FixtureRequest
) -> None:
    """No number, no booking; the page says the number, and nowhere the home address."""
    page = customer
    page.goto("/book?service=call")
    next_page(page, "Continue")
    page.get_by_label("Find your address").fill(home.label)
    next_page(page, "Continue")
    pick_a_window(page)
    expect(page.get_by_text("By phone or video")).to_be_visible()
    expect(page.get_by_text(home.street)).to_have_count(0)
    expect(page.get_by_text("on the way")).to_have_count(0)
    page.get_by_label("Full name").fill("Rosa Whitfield")
    page.get_by_label("Email").first.fill("rosa@example.com")
    next_page(page, "Confirm booking")
    expect(page.get_by_role("link", name="Enter the phone number that we call")).to_be_visible()
    assert_accessible(page, request)
    page.get_by_label("Mobile number", exact=True).fill("410 555 0187")
    next_page(page, "Confirm booking")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    with page.expect_navigation():
        page.get_by_role("link", name="Manage visit").click()
    expect(page.get_by_text("We call (410) 555-0187")).to_be_visible()
    expect(page.get_by_text(home.street)).to_have_count(0)
    assert_accessible(page, request)
    assert troubles == []


def test_a_visit_at_the_branch_asks_for_no_address(
    customer: Page, troubles: list[str], request: pytest.FixtureRequest
) -> None:
    """The page says where to come; nobody is told that a technician is on the way."""
    page = customer
    page.goto("/book?service=advice")
    next_page(page, "Continue")
    expect(page.get_by_role("heading", level=1)).to_have_text("Come to us")
    assert_accessible(page, request)
    next_page(page, "Continue")
    pick_a_window(page)
    expect(page.get_by_text("1 Market Square")).to_be_visible()
    expect(page.get_by_text("on the way")).to_have_count(0)
    page.get_by_label("Full name").fill("Ann Other")
    page.get_by_label("Email").first.fill("ann@example.com")
    next_page(page, "Confirm booking")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    with page.expect_navigation():
        page.get_by_role("link", name="Manage visit").click()
    expect(page.get_by_text("1 Market Square").first).to_be_visible()
    assert_accessible(page, request)
    assert troubles == []
