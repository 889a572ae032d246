"""A customer books on a phone, with and without JavaScript; every page is free of accessibility faults."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Page, Route, expect

from fieldservice.geo.address import Address
from tests.browser.accessible import faults

pytestmark = pytest.mark.browser


def assert_accessible(page: Page) -> None:
    """axe finds nothing in both themes at three widths, and the page is never wider than the screen."""
    assert faults(page) == []


def next_page(page: Page, name: str | re.Pattern[str]) -> None:
    """Press a button and wait for the page that it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def test_a_walk_with_javascript(page: Page, home: Address, troubles: list[str]) -> None:
    """Questions are fetched, the address completes itself, a day swaps its windows, a button names one."""
    page.goto("/")
    assert_accessible(page)
    page.get_by_role("radio", name="Heating").check()
    page.get_by_role("checkbox", name="No heat").check()
    next_page(page, "Continue")

    address = page.get_by_role("combobox", name="Find your address")
    address.press_sequentially(home.label.partition(",")[0])
    expect(page.get_by_role("option").first).to_be_visible()
    assert_accessible(page)
    address.press("ArrowDown")
    with page.expect_navigation():
        address.press("Enter")
    expect(page.get_by_text("In our area")).to_be_visible()
    expect(page.locator(".leaflet-marker-icon")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    next_page(page, "Continue")

    expect(page.get_by_role("heading", level=1)).to_have_text("When suits you?")
    assert page.get_by_role("radio", checked=True).count() == 0
    assert_accessible(page)
    day = page.locator("a.day:not([aria-current])").nth(2)
    wanted = day.get_attribute("href") or ""
    day.click()
    expect(page).to_have_url(re.compile(re.escape(wanted)))
    expect(page.locator("#windows-heading")).to_be_focused()
    page.get_by_role("radio").nth(1).check()
    expect(page.get_by_role("button", name=re.compile("Continue with .+ – .+"))).to_be_visible()
    assert_accessible(page)
    next_page(page, re.compile("Continue with"))

    assert_accessible(page)
    page.get_by_label("Full name").fill("Rosa Whitfield")
    page.get_by_label("Mobile number", exact=True).fill("410 555 0187")
    next_page(page, "Confirm booking")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    assert_accessible(page)
    assert troubles == []


@pytest.mark.parametrize("scripts", [True, False])
def test_the_typed_house_number_is_never_lost(
    scripts: bool, home: Address, request: pytest.FixtureRequest
) -> None:
    """Half a street is typed after a number and chosen: the summary says number, street and town."""
    page: Page = request.getfixturevalue("page" if scripts else "plain_page")
    page.goto("/book?service=heating")
    next_page(page, "Continue")
    typed = f"9999 {home.street[:-2]}"
    if scripts:
        page.get_by_role("combobox").press_sequentially(typed)
        with page.expect_navigation():
            page.get_by_role("option").filter(has_text=home.street).first.click()
    else:
        page.get_by_label("Find your address").fill(typed)
        next_page(page, "Find address")
    expect(page.get_by_role("heading", level=1)).to_have_text("Which place is it?")
    page.get_by_role("radio", name=re.compile(home.street)).first.check()
    next_page(page, "Continue")
    expect(page.get_by_text(f"9999 {home.street}").first).to_be_visible()
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    next_page(page, "Continue")
    page.get_by_role("radio").first.check()
    next_page(page, re.compile("Continue"))
    expect(page.get_by_text(f"9999 {home.street}, {home.city} {home.postcode}")).to_be_visible()


def test_a_pin_can_be_moved_with_the_keyboard(page: Page, home: Address) -> None:
    """The arrow keys move it, its place goes with the form; late suggestions cover nothing that is used."""
    page.goto("/book?service=heating")
    next_page(page, "Continue")
    waiting: list[Route] = []
    page.route("**/address-suggestions*", lambda route: waiting.append(route))
    with page.expect_request("**/address-suggestions*"):
        page.get_by_role("combobox").fill(home.label)
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    for route in waiting:
        with suppress(Error):  # nobody waits for it any more
            route.continue_()
    page.wait_for_timeout(300)
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.unroute("**/address-suggestions*")
    next_page(page, "Find address")
    pin = page.locator(".leaflet-marker-icon")
    pin.focus()
    pin.press("ArrowUp")
    latitude = page.locator("[name=pin_lat]").input_value()
    assert 0 < float(latitude) - home.coordinates.lat < 0.01
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    next_page(page, "Continue")
    expect(page.locator("#more-windows[hx-get]")).to_have_count(0)  # or what is under way aborts the reload
    page.go_back()
    page.reload()
    assert page.locator("[data-map]").get_attribute("data-latitude") == str(float(latitude))


def test_a_walk_without_javascript(plain_page: Page, home: Address) -> None:
    """Forms and links alone lead to a visit, to another window, and to its end."""
    page = plain_page
    page.goto("/book")
    page.get_by_role("radio", name="Heating").check()
    page.get_by_text("Questions about: Heating").click()
    page.get_by_role("checkbox", name="No heat").check()
    next_page(page, "Continue")
    page.get_by_label("Find your address").fill(home.label)
    page.get_by_role("radio", name="Use a code, key box or doorman").check()
    next_page(page, "Continue")
    with page.expect_navigation():
        page.locator("a.day:not([aria-current])").nth(3).click()
    page.get_by_role("radio").first.check()
    next_page(page, "Continue")
    expect(page.get_by_text("No heat")).to_be_visible()
    page.get_by_label("Full name").fill("Ann Other")
    page.get_by_label("Email").first.fill("ann@example.com")
    next_page(page, "Confirm booking")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")

    page.get_by_role("link", name="Manage visit").click()
    page.get_by_role("link", name="Change time").click()
    expect(page.get_by_text("Your time now")).to_be_visible()
    page.get_by_role("radio").last.check()
    next_page(page, "Change the time")
    expect(page.get_by_role("listitem").filter(has_text="Booked for")).to_have_count(2)
    page.get_by_role("link", name="Cancel visit").click()
    next_page(page, "Cancel the visit")
    expect(page.get_by_text("Cancelled").first).to_be_visible()


def test_errors_are_announced_where_they_are(page: Page, home: Address) -> None:
    """The summary has the focus, its links lead to the fields, the title says it first."""
    page.goto("/book")
    next_page(page, "Continue")
    expect(page).to_have_title(re.compile("^Error: "))
    expect(page.locator("#error-summary")).to_be_focused()
    assert_accessible(page)
    page.get_by_role("link", name="Choose what needs fixing").click()
    expect(page.get_by_role("radio").first).to_be_focused()
    page.get_by_role("radio", name="Heating").check()
    next_page(page, "Continue")
    next_page(page, "Continue")
    expect(page.get_by_role("link", name="Enter a street address with a house number")).to_be_visible()
    assert_accessible(page)
    with page.expect_navigation():
        page.get_by_role("link", name="Enter the address by hand").click()
    next_page(page, "Continue")
    assert_accessible(page)


def test_the_pages_beside_the_way(page: Page, home: Address) -> None:
    """Doubtful and unknown addresses, a lost draft, the branch, and the private pages, without a fault."""
    page.goto("/book?service=heating")
    next_page(page, "Continue")
    page.get_by_role("combobox").fill(f"99999 {home.street}, {home.city}")
    next_page(page, "Find address")
    expect(page.get_by_role("heading", level=1)).to_have_text("Which place is it?")
    assert_accessible(page)
    page.get_by_role("link", name="Write the address again").click()
    page.get_by_role("combobox").fill("12 Nowhere Crescent, Atlantis")
    next_page(page, "Find address")
    expect(page.get_by_role("heading", level=1)).to_have_text("We could not find this address")
    expect(page.get_by_role("radio")).to_have_count(0)  # there is nothing to choose
    next_page(page, "Continue")
    expect(page.get_by_text("We look this address up and call you.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    next_page(page, "Continue")
    expect(page.get_by_text("We call you to agree on a time").first).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Full name").fill("Ann Other")
    page.get_by_label("Email").first.fill("ann@example.com")
    next_page(page, "Send request")
    expect(page.get_by_role("heading", level=1)).to_have_text("We have your request")
    assert_accessible(page)
    page.get_by_role("link", name="Manage visit").click()
    assert_accessible(page)
    page.get_by_role("link", name="Cancel visit").click()
    assert_accessible(page)
    page.goto("/book/no-such-draft/time")
    assert_accessible(page)
    page.goto("/book?service=advice")
    next_page(page, "Continue")
    expect(page.get_by_text("1 Market Square")).to_be_visible()
    assert_accessible(page)


def test_the_first_page_is_light(page: Page) -> None:
    """No map library is loaded before there is a map."""
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto("/book")
    assert [url for url in loaded if "/booking." in url]
    assert not [url for url in loaded if "/map." in url]
