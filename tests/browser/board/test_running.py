"""What goes wrong on a running day, in the browser: clicks counted, by keyboard alone, without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import update

from fieldservice.models import Service
from tests.browser.accessible import require_accessible
from tests.browser.board.conftest import Desk

pytestmark = pytest.mark.browser


class Clicks:
    """Counts what a dispatcher presses."""

    def __init__(self) -> None:
        self.count = 0

    def on(self, target: Locator) -> None:
        """Press it once."""
        target.click()
        self.count += 1


def test_sick_on_a_phone_and_without_javascript(phone: Desk, plain: Desk) -> None:
    """The same menu and forms work in the list on a phone, and without any script."""
    phone.open()
    phone.page.get_by_role("group", name="Ben Okafor").locator("summary").click()
    require_accessible(phone.page)
    phone.page.get_by_role("link", name="Off sick from a time…").click()
    require_accessible(phone.page)
    plain.open()
    row = plain.page.get_by_role("group", name="Ben Okafor")
    row.locator("summary").click()
    row.get_by_role("button", name="Off sick from now").click()
    expect(row.get_by_text("Off sick", exact=True)).to_be_visible()
    plain.search()
    plain.open()
    plain.page.get_by_role("button", name="Accept all").click()
    assert plain.stop("Kim") is not None
    assert plain.stop("Kim")[0] == "Ana"  # type: ignore[index]


def test_a_booking_by_phone_with_the_keyboard_alone(desk: Desk) -> None:
    """A known caller: some letters, four stops of Tab, arrows and Enter; the windows come by themselves."""
    page, keys = desk.page, desk.page.keyboard
    with desk.site.services.db.transaction() as session:
        session.execute(update(Service).where(Service.id != desk.scene.service.id).values(active=False))
    page.goto(f"{desk.site.url}/board/phone")
    expect(page.get_by_label("Who is calling?")).to_be_focused()
    keys.type("kim pa")
    known = page.locator("#found").get_by_role("link", name=re.compile("^Kim Park"))
    expect(known.last).to_be_visible()
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_label("Full name")).to_have_value("Kim Park")
    require_accessible(page, 320, 390, 1280)
    page.get_by_role("radio", name="Heating").focus()
    keys.press("Space")
    first = page.locator("#window-0")
    expect(first).to_be_attached(timeout=15_000)
    require_accessible(page)
    first.focus()
    keys.press("Space")
    page.get_by_role("button", name="Book").focus()
    keys.press("Enter")
    expect(page.locator("#toast")).to_contain_text("The confirmation is on its way.", timeout=15_000)


def test_a_booking_by_phone_without_javascript(plain: Desk) -> None:
    """Search, pick, show times, book: four clicks beside the choices."""
    page = plain.page
    with plain.site.services.db.transaction() as session:
        session.execute(update(Service).where(Service.id != plain.scene.service.id).values(active=False))
    page.goto(f"{plain.site.url}/board/phone")
    page.fill("#q", "Joe Park")
    clicks = Clicks()
    clicks.on(page.get_by_role("button", name="Search"))
    clicks.on(page.get_by_role("link", name=re.compile("^Joe Park")).last)
    page.get_by_role("radio", name="Heating").check(force=True)
    clicks.on(page.get_by_role("button", name="Show times"))
    page.locator("#window-0").check(force=True)
    clicks.on(page.get_by_role("button", name="Book", exact=True))
    expect(page.locator("#toast")).to_contain_text("The confirmation is on its way.")
    assert clicks.count == 4
