"""Why, and the button that helps, in the browser: by key, with the customer's answer, without JavaScript."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from fieldservice.auth.links import make_link, token_of
from fieldservice.models import Visit
from tests.browser.accessible import faults, require_accessible
from tests.browser.board.conftest import Desk
from tests.browser.board.flows import evening

pytestmark = pytest.mark.browser


def test_two_windows_are_offered_and_the_customer_takes_one(desk: Desk) -> None:
    """One tap on the customer's page answers, and the visit has its place."""
    evening(desk)
    desk.open()
    desk.page.locator(f"#card-link-{desk.scene.ids['Ned']}").click()
    desk.page.get_by_role("link", name="Ask for another window…").click()
    desk.page.get_by_role("button", name="Send the question").click()
    expect(desk.page.get_by_text("Asked: which of these windows?")).to_be_visible()
    services = desk.site.services
    with services.db.transaction() as session:
        visit, key = session.get_one(Visit, desk.scene.ids["Ned"]), services.settings.secret_key
        until = desk.site.now + timedelta(days=30)
        token = token_of(make_link(visit, secret_key=key, now=desk.site.now, expires_at=until), key)
    desk.page.goto(f"{desk.site.url}/visit/{token}/choose")
    assert faults(desk.page) == []
    desk.page.get_by_role("button", name=re.compile("^Take ")).first.click()
    desk.page.wait_for_url(re.compile(f"/visit/{token}$"))
    assert desk.stop("Ned") is not None


def test_why_the_day_by_keyboard(desk: Desk) -> None:
    """Y opens the panel of the day."""
    desk.open()
    page = desk.page
    page.locator(desk.bar("Ida")).focus()
    page.keyboard.press("y")
    expect(page.get_by_role("heading", name="Promises nearest to breaking")).to_be_visible()
    require_accessible(page)


def test_without_javascript(plain: Desk) -> None:
    """The same links and forms."""
    evening(plain)
    plain.open()
    plain.page.locator(f"#card-link-{plain.scene.ids['Ned']}").click()
    plain.page.get_by_role("button", name=re.compile("Allow .* overtime: Ana Reyes")).click()
    expect(plain.page.locator("#toast")).to_contain_text("overtime")
    assert plain.stop("Ned") is not None
    plain.page.get_by_role("link", name="Why", exact=True).click()
    expect(plain.page.get_by_role("heading", name="What costs the most driving")).to_be_visible()
