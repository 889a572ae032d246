"""Two phones: the technician's says where it is while driving, the customer's shows it till the arrival."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fieldservice.auth.links import make_link, token_of
from fieldservice.models import Visit
from tests.browser.field.conftest import PHONE
from tests.browser.field.test_field import assert_usable, press
from tests.factories import NOW
from tests.fieldservice.field.crew import Crew

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
def track(app: Flask, crew: Crew) -> str:
    """The track page of the first visit's customer."""
    with crew.db.transaction() as session:
        visit = session.get_one(Visit, crew.visits[0])
        key = str(app.config["SECRET_KEY"])
        link = make_link(visit, secret_key=key, now=NOW, expires_at=NOW + timedelta(days=30))
        return f"/visit/{token_of(link, key)}/track"


@pytest.fixture
def customer(chromium: Browser, site: str) -> Iterator[Page]:
    """The customer's phone."""
    context: BrowserContext = chromium.new_context(viewport=PHONE, base_url=site, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def test_the_position_is_seen_while_driving(
    page: Page, customer: Page, crew: Crew, track: str, troubles: list[str]
) -> None:
    """Switched on, it is on the customer's map with its age; at the arrival it is gone from both."""
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 39.31, "longitude": -76.6})
    page.goto("/day/")
    expect(page.get_by_role("heading", name="Your position is not shared")).to_be_visible()
    press(page, "Share my position on drives")
    expect(page.get_by_role("heading", name="Your position is shared on drives")).to_be_visible()
    assert_usable(page)
    page.context.set_geolocation({"latitude": 39.312, "longitude": -76.601})
    with page.expect_response(re.compile("/position$")) as sent:
        press(page, "On my way")
    assert sent.value.status == 204
    expect(
        page.get_by_text(re.compile("sees on a map where you are, while this page is open"))
    ).to_be_visible()
    customer.goto(track)
    expect(customer.get_by_text("less than a minute ago")).to_be_visible()
    expect(customer.locator(".map-coming")).to_be_visible()
    press(page, "Arrived")
    expect(customer.locator(".map-coming")).to_have_count(0, timeout=30_000)  # the next poll
    expect(customer.get_by_text("is with you")).to_be_visible()
    assert troubles == []


def test_a_phone_that_says_nothing(page: Page, crew: Crew) -> None:
    """Who refuses their phone is told, and can switch off with a tap; nothing is sent."""
    page.context.clear_permissions()
    page.goto("/day/")
    press(page, "Share my position on drives")
    press(page, "On my way")
    expect(page.get_by_text("Your phone does not say where it is")).to_be_visible()
    assert_usable(page)
    press(page, "Stop sharing")
    expect(page.get_by_role("heading", name="Your position is not shared")).to_be_visible()


@pytest.mark.parametrize("page", [False], indirect=True)
def test_the_switch_without_javascript(page: Page, crew: Crew) -> None:
    """It works, and the page says that nothing is sent."""
    page.goto("/day/")
    press(page, "Share my position on drives")
    press(page, "On my way")
    expect(page.get_by_text("Nothing is sent now: that needs JavaScript.")).to_be_visible()
