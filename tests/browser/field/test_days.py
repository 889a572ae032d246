"""The other pages of the phone: every one fits a narrow phone and big text, and the way is two taps away."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.field.test_field import assert_usable, press
from tests.factories import TOMORROW, window
from tests.fieldservice.field.crew import BEFORE, Crew

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


def test_the_week_tomorrow_and_the_choice_of_directions(page: Page, crew: Crew, troubles: list[str]) -> None:
    """Two taps lead to the directions; once an application is chosen, On my way alone opens them."""
    later = crew.scene.book(window(TOMORROW, 10, 12), now=BEFORE)
    page.goto("/day/")
    assert_usable(page)
    page.get_by_role("link", name="Tomorrow").click()
    expect(page.get_by_text("To read only")).to_be_visible()
    assert_usable(page)
    page.locator(f"a[href='/day/visits/{later}']").click()
    expect(page.get_by_text("Planned for Tuesday")).to_be_visible()
    assert_usable(page)
    page.goto("/day/")
    page.get_by_role("link", name="Week", exact=True).click()
    assert_usable(page)
    page.get_by_role("link", name="Me", exact=True).click()
    page.get_by_role("radio", name="Waze").check()
    press(page, "Save")
    expect(page.get_by_text("opens your directions as well")).to_be_visible()
    assert_usable(page)
    page.context.route(re.compile("^https://waze.com/"), lambda route: route.fulfill(body="Waze"))
    page.goto("/day/")
    with page.context.expect_page() as opened:
        press(page, "On my way")
    assert opened.value.url.startswith("https://waze.com/ul?ll=39.")
    assert crew.state(crew.visits[0]) == "en_route"
    assert troubles == []
