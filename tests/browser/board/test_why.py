"""Why, and the button that helps, in the browser: clicks counted, by keyboard, with the customer's answer."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from fieldservice.auth.links import make_link, token_of
from fieldservice.models import Technician, Visit
from tests.browser.accessible import faults
from tests.browser.board.conftest import Desk
from tests.browser.board.test_board import require_accessible
from tests.browser.board.test_running import Clicks
from tests.factories import near, window
from tests.fieldservice.dispatch.scene import book

pytestmark = pytest.mark.browser


def evening(desk: Desk) -> None:
    """Ned is promised the evening, when everybody has gone home."""
    with desk.site.services.db.transaction() as session:
        book(session, desk.scene, "Ned", at=near(400), promised=window(desk.site.today, 17, 19))
        theirs = select(Technician).where(Technician.territory_id == desk.scene.territory.id)
        for technician in session.scalars(theirs):
            for pattern in technician.shift_patterns:
                pattern.overtime = timedelta(0)


def looked_at(desk: Desk, widths: tuple[int, ...] = (390, 1440)) -> None:
    """axe finds nothing on the present page, light and dark, narrow and wide."""
    require_accessible(desk.page, *widths)


def test_a_longer_shift_in_two_clicks(desk: Desk) -> None:
    """The card, then the button beside the technician's rule; Undo takes the place and the hours back."""
    evening(desk)
    desk.open()
    clicks = Clicks()
    clicks.on(desk.page.locator(f"#card-link-{desk.scene.ids['Ned']}"))
    expect(desk.page.get_by_text("What stops each technician")).to_be_visible()
    looked_at(desk, (1440, 1440))
    clicks.on(desk.page.get_by_role("button", name=re.compile("Extend by .*Ben Okafor")))
    expect(desk.page.locator("#toast")).to_contain_text("The shift of Ben Okafor ends")
    assert clicks.count == 2
    stop = desk.stop("Ned")
    assert stop is not None
    assert stop[0] == "Ben"
    desk.page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(desk.page.get_by_text("Undone.")).to_be_visible()
    assert desk.stop("Ned") is None


def test_two_windows_are_offered_and_the_customer_takes_one(desk: Desk) -> None:
    """Three clicks ask; one tap on the customer's page answers, and the visit has its place."""
    evening(desk)
    desk.open()
    clicks = Clicks()
    clicks.on(desk.page.locator(f"#card-link-{desk.scene.ids['Ned']}"))
    clicks.on(desk.page.get_by_role("link", name="Ask for another window…"))
    expect(desk.page.get_by_role("heading", name="Ask Ned Park for another window")).to_be_visible()
    looked_at(desk)
    clicks.on(desk.page.get_by_role("button", name="Send the question"))
    expect(desk.page.locator("#toast")).to_contain_text("Ned Park is asked.")
    assert clicks.count == 3
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


def test_why_the_day_and_another_day_by_keyboard(desk: Desk) -> None:
    """Y opens the panel of the day; the route menu leads to another day, and Enter moves the route."""
    desk.open()
    page = desk.page
    page.locator(desk.bar("Ida")).focus()
    page.keyboard.press("y")
    expect(page.get_by_role("heading", name="Promises nearest to breaking")).to_be_visible()
    looked_at(desk, (1440, 1440))
    summary = page.get_by_role("group", name="Ana Reyes").locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Move the route to another day…").focus()
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name=re.compile("^Move to ")).first
    expect(button).to_be_visible()
    looked_at(desk)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("The route of Ana Reyes is on")


def test_the_other_actions_in_three_clicks(desk: Desk) -> None:
    """Menu, action, choice: time to spare, exchange, vehicle trouble, another day; a cancellation in four."""
    page = desk.page
    flows = (
        ("Ben Okafor", "Has time: what to take…", "Give Lea Park to Ben Okafor", "Moved to Ben Okafor"),
        (
            "Ana Reyes",
            "Exchange visits…",
            re.compile("^Exchange .*Ben Okafor"),
            "have exchanged their visits",
        ),
        ("Ben Okafor", "Move the route to another day…", re.compile("^Move to "), "The route of Ben Okafor"),
        ("Ana Reyes", "Vehicle trouble…", re.compile("."), "Ana Reyes cannot drive"),
    )
    for technician, action, choice, told in flows:
        desk.open()
        clicks = Clicks()
        row = page.get_by_role("group", name=technician)
        clicks.on(row.locator("summary"))
        clicks.on(row.get_by_role("link", name=action))
        clicks.on(page.locator("main").get_by_role("button", name=choice).first)
        expect(page.locator("#toast")).to_contain_text(told)
        assert clicks.count == 3
    desk.search()
    desk.open()
    clicks = Clicks()
    clicks.on(page.locator(desk.bar("Kim")))
    clicks.on(page.locator("#visit-menu summary"))
    clicks.on(page.get_by_role("link", name="Customer cancels…"))
    clicks.on(page.locator("main").get_by_role("button").first)
    expect(page.locator("#toast")).to_contain_text("Cancelled.")
    assert clicks.count == 4


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
