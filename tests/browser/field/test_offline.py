"""A day without signal: the pages open, what is tapped is kept, shown and sent once there is a signal."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.field.phones import all_sent, chip, go, no_signal, ready, unsent
from tests.browser.field.test_field import assert_usable
from tests.fieldservice.field.crew import Crew
from tests.services import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


def visit_page(crew: Crew, place: int = 0) -> str:
    """The address of a visit's page."""
    return f"/day/visits/{crew.visits[place]}"


def tap(page: Page, name: str) -> None:
    """Press the large button; without a signal no page follows."""
    page.get_by_role("button", name=name, exact=True).click()


def test_the_day_opens_without_signal(page: Page, crew: Crew) -> None:
    """The route with the next visit is there within two seconds, so is each visit; others say so."""
    ready(page, *[visit_page(crew, place) for place in range(3)])
    chip(page, "Synced")
    with no_signal(page.context):
        began = time.monotonic()
        page.goto("/day/")
        expect(page.get_by_role("button", name="On my way", exact=True)).to_be_visible()
        assert time.monotonic() - began < 2
        chip(page, "No signal")
        expect(page.get_by_text("Keep working")).to_be_visible()
        assert_usable(page)
        page.goto(visit_page(crew, 2))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.goto("/day/visits/999999")
        expect(page.get_by_text("This page is not on this phone")).to_be_visible()
        assert_usable(page)
    assert crew.state(crew.visits[0]) == "booked"


def test_a_visit_without_signal(page: Page, crew: Crew) -> None:
    """Each tap moves the page on at once and is sent later, with the time at which it was made."""
    first, second = crew.visits[:2]
    ready(page, visit_page(crew, 0), visit_page(crew, 1))
    with no_signal(page.context):
        page.goto(visit_page(crew))
        tap(page, "On my way")
        expect(page.get_by_role("listitem").filter(has_text="On my way")).to_have_attribute(
            "aria-current", "step"
        )
        tap(page, "Arrived")
        expect(page.get_by_role("listitem").filter(has_text="Arrived")).to_have_attribute(
            "aria-current", "step"
        )
        chip(page, "2 saved")
        assert_usable(page)
        tap(page, "Done")
        page.wait_for_url("/day/")
        expect(page.locator("[data-next]")).to_have_attribute("data-next", str(second))
        expect(page.get_by_role("button", name="On my way", exact=True)).to_be_visible()
        chip(page, "3 saved")
        page.locator("[data-chip]").click()
        expect(page.locator(".unsent")).to_have_count(3)
        assert_usable(page)
        page.locator("dialog[open]").get_by_role("button", name="Close").click()
        assert crew.events(first) == []
        assert [item["kind"] for item in unsent(page)] == ["tap"] * 3
    all_sent(page)
    chip(page, "Synced")
    assert [state for _, state, _ in crew.events(first)] == ["en_route", "on_site", "done"]
    times = [at for _, _, at in crew.events(first)]
    assert times == sorted(times)

    def counted() -> bool:  # a weak signal shows the page as it was, once
        go(page, "/day/")
        return page.get_by_text("1 of 3 done").is_visible()

    wait_until(counted, "the visit among those that are done")
