"""A technician works through a visit on a phone; every page is free of accessibility faults."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessible import faults
from tests.fieldservice.field.crew import Crew

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
_TWICE = """() => {
  const large = new CSSStyleSheet();
  large.replaceSync("html { font-size: 200% }");
  const before = [...document.adoptedStyleSheets];
  document.adoptedStyleSheets = [...before, large];
  const wide = document.documentElement.scrollWidth;
  document.adoptedStyleSheets = before;
  return wide;
}"""
_SMALL_TARGETS = """() => [...document.querySelectorAll("a, button")]
  .filter(part => part.checkVisibility() && !part.closest(".map-credit, .skip-link"))
  .filter(part => part.getBoundingClientRect().height < 44)
  .map(part => part.outerHTML)"""


def assert_usable(page: Page) -> None:
    """axe finds nothing in light or dark at 320 px, large text fits, a thumb hits every target."""
    assert faults(page, widths=(320,)) == []
    assert page.evaluate(_SMALL_TARGETS) == [], page.url
    wide = page.evaluate(_TWICE)
    assert wide <= 390, page.url


def press(page: Page, name: str) -> None:
    """Press a button and wait for the page that it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def test_a_visit_from_the_road_to_its_end_and_back(page: Page, crew: Crew, troubles: list[str]) -> None:
    """On my way, arrived, done and undo, with the route, its map and the next tap always in reach."""
    page.goto("/day/")
    expect(page.locator(".map-stop")).to_have_count(3)
    expect(page.get_by_role("button", name="On my way")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name="Navigate")).to_have_attribute(
        "href", re.compile("^https://www.google.com/maps/dir/")
    )
    assert_usable(page)
    press(page, "On my way")
    expect(page.get_by_role("listitem").filter(has_text="On my way")).to_have_attribute(
        "aria-current", "step"
    )
    expect(page.get_by_role("button", name="Arrived", exact=True)).to_be_in_viewport(ratio=1)
    assert_usable(page)
    press(page, "Arrived")
    press(page, "Start work")
    expect(page.get_by_role("listitem").filter(has_text="Working")).to_have_attribute("aria-current", "step")
    assert_usable(page)
    page.get_by_role("link", name="Correct a step").click()
    assert_usable(page)
    page.get_by_role("radio", name=re.compile("^Arrived")).check()
    page.get_by_label("Why?").fill("Forgot to tap")
    press(page, "The last step did not happen")
    expect(page.get_by_role("link", name="Only the last step can be taken back.")).to_be_visible()
    troubles.clear()  # the browser mentions every answer 422
    page.goto("/day/")
    press(page, "20 min late")
    expect(page.get_by_text("The office knows.")).to_be_visible()
    assert_usable(page)
    page.get_by_role("link", name="Visit", exact=True).click()
    press(page, "Done")
    expect(page).to_have_url(re.compile("/day/$"))
    expect(page.get_by_text("1 of 3 done")).to_be_visible()
    press(page, "Undo")
    assert crew.state(crew.visits[0]) == "on_site"
    expect(page.get_by_role("listitem").filter(has_text="Working")).to_have_attribute("aria-current", "step")
    assert troubles == []


@pytest.mark.parametrize("page", [False], indirect=True)
def test_the_day_without_javascript(page: Page, crew: Crew) -> None:
    """Forms and links alone lead through a visit whose way there was not tapped, and to a page of words."""
    page.goto("/day/")
    page.get_by_role("link", name="Visit", exact=True).click()
    press(page, "Already arrived")
    press(page, "Done")
    assert crew.state(crew.visits[0]) == "done"
    expect(page.get_by_text("Done at")).to_be_visible()
    page.goto(f"/day/visits/{crew.visits[1]}")
    crew.give_away(crew.visits[1])
    press(page, "On my way")
    expect(page.get_by_role("heading", name="Not on your route")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Back to the route").click()
    expect(page.get_by_text("1 of 2 done")).to_be_visible()
