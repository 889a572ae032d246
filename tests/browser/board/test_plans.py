"""Plans that wait for a decision, in the browser: clicks counted, by keyboard, compared, change by change."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from fieldservice.models import PlanChange
from tests.browser.accessible import require_accessible
from tests.browser.board.conftest import Desk
from tests.browser.board.test_running import Clicks

pytestmark = pytest.mark.browser
LIVE_MS = 15_000


def test_two_plans_are_compared_and_one_accepted(desk: Desk) -> None:
    """X marks a visit; two plans stand side by side, one is looked at with its ghost on the timeline, and
    accepted. From the board that is six clicks, two of them to choose the goals."""
    desk.open()
    clicks = Clicks()
    desk.page.locator(desk.bar("Joe")).focus()
    desk.page.keyboard.press("x")
    expect(desk.page.locator(desk.bar("Joe"))).to_have_class(re.compile("marked"))
    desk.page.keyboard.press("x")
    clicks.on(desk.page.locator("#optimise-menu > summary"))
    clicks.on(desk.page.get_by_role("link", name="Compare, some visits…"))
    require_accessible(desk.page)
    clicks.on(desk.page.locator("label", has_text="Least driving").first)
    clicks.on(desk.page.locator("label", has_text="Fair").last)
    clicks.on(desk.page.get_by_role("button", name="Look for a plan"))
    expect(desk.page.get_by_text("Plan 1 of 2: Least driving")).to_be_visible()
    require_accessible(desk.page)
    desk.search()
    expect(desk.page.get_by_role("heading", name="Which plan?")).to_be_visible(timeout=LIVE_MS)
    require_accessible(desk.page)
    assert desk.stop("Lea") is None
    desk.page.get_by_role("link", name=re.compile("^Look ?: Fair")).click()
    expect(desk.page.locator(".ghost").first).to_be_visible()
    require_accessible(desk.page)
    desk.page.get_by_role("link", name="Compare", exact=True).click()
    clicks.on(desk.page.get_by_role("button", name="Accept: Fair"))
    expect(desk.page.locator("#toast")).to_contain_text("changed.", timeout=LIVE_MS)
    assert clicks.count == 6
    assert desk.stop("Lea") is not None
    expect(desk.page.locator(".ghost")).to_have_count(0)


def test_one_change_by_keyboard_and_its_undo(desk: Desk) -> None:
    """O asks for a plan; A accepts one change alone, Control Z takes it back, R leaves it out of the next."""
    desk.open()
    desk.page.locator(desk.bar("Ida")).focus()
    desk.page.keyboard.press("o")
    expect(desk.page.get_by_role("heading", name="Looking for a better plan")).to_be_visible()
    desk.search()
    accept = desk.page.get_by_role("button", name=re.compile("^Accept.*: Lea Park"))
    expect(accept).to_be_visible(timeout=LIVE_MS)
    accept.focus()
    desk.page.keyboard.press("a")
    expect(desk.page.locator("#toast")).to_contain_text("changed.", timeout=LIVE_MS)
    assert desk.stop("Lea") is not None
    desk.page.keyboard.press("Control+z")
    expect(desk.page.get_by_text("Undone.")).to_be_visible(timeout=LIVE_MS)
    assert desk.stop("Lea") is None
    desk.page.keyboard.press("o")
    expect(desk.page.get_by_role("heading", name="Looking for a better plan")).to_be_visible()
    desk.search()
    expect(accept).to_be_visible(timeout=LIVE_MS)
    accept.focus()
    desk.page.keyboard.press("r")
    expect(accept).to_have_count(0)
    assert desk.stop("Lea") is None


def test_without_script(plain: Desk) -> None:
    """Every step is a link or a form: the search, its cancel, a plan for a route, one change of it."""
    page = plain.page
    plain.open()
    page.locator("#optimise-menu > summary").click()
    page.get_by_role("button", name="This day: fair").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The search was stopped. Nothing changed.")).to_be_visible(timeout=LIVE_MS)
    row = page.get_by_role("group", name="Ben Okafor")
    row.locator("summary").click()
    row.get_by_role("button", name="Optimize this route").click()
    plain.search()
    plain.open()
    expect(page.get_by_role("heading", name="Better route for Ben Okafor")).to_be_visible(timeout=LIVE_MS)
    page.get_by_role("button", name=re.compile("^Accept.*: Lea Park")).click()
    assert (plain.stop("Lea") or ("",))[0] == "Ben"
    with plain.site.services.db.reading() as session:
        assert session.query(PlanChange).filter_by(kind="optimise").count() >= 1


def test_the_two_weeks_on_a_phone(phone: Desk) -> None:
    """The list of days fits and axe is content with it, while searches wait and when a plan is ready."""
    page = phone.page
    phone.open()
    page.locator("#optimise-menu > summary").click()
    page.get_by_role("button", name="The next two weeks").click()
    expect(page.get_by_text("1 day is still searched.")).to_be_visible(timeout=LIVE_MS)
    phone.search()
    expect(page.get_by_text("Plan ready")).to_be_visible(timeout=LIVE_MS)
    require_accessible(page)
    assert f"territory={phone.scene.territory.id}" in page.url
    page.get_by_role("button", name="Accept all days").click()
    expect(page.get_by_text("No plan waits.")).to_be_visible(timeout=LIVE_MS)
    assert phone.stop("Lea") is not None
