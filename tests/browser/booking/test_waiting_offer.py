"""A window that has become free: offered, taken and refused in a browser, and what can go wrong."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import clock
from fieldservice.booking import waiting, waiting_sweep
from fieldservice.geo.address import Address
from fieldservice.models import VisitState, WaitingEntry, WaitingOffer
from fieldservice.web import Services
from tests.browser.accessible import faults
from tests.browser.booking.test_booking import next_page
from tests.browser.booking.test_states import to_time
from tests.browser.keyboard import enter_on

pytestmark = pytest.mark.browser
JOIN = re.compile("^Join the waiting list")


@pytest.fixture(autouse=True)
def at_any_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests run at night too, when nobody is offered anything."""
    monkeypatch.setattr(waiting, "DAYTIME", (0, 24))


def book_late(page: Page, home: Address, email: str) -> str:
    """A visit on the last day that is shown; its private page."""
    to_time(page, home)
    last = page.locator("a.day").last
    wanted = last.get_attribute("href") or ""
    last.click()
    expect(page).to_have_url(re.compile(re.escape(wanted)))
    page.locator("input[name=window]").last.check()
    next_page(page, re.compile("^Continue"))
    page.get_by_label("Full name").fill("Rosa Whitfield")
    page.get_by_label("Email").first.fill(email)
    next_page(page, "Confirm booking")
    return page.url.removesuffix("/booked")


def wait_for_earlier(page: Page, visit: str) -> None:
    """Join the list."""
    page.goto(f"{visit}/earlier")
    next_page(page, JOIN)
    expect(page.get_by_text("You are on the waiting list.")).to_be_visible()


def a_gap_appears(running: Services) -> None:
    """What was free before counts as new for who waits, and the sweep offers the first of it."""

    def forget(session: Session) -> None:
        for entry in session.scalars(select(WaitingEntry)):
            entry.seen, entry.looked = [], ""

    running.db.run(forget)
    assert waiting_sweep.offer_gaps(running.db, running.tables, now=clock.now(), minutes=60) == 1


def run_out(session: Session) -> None:
    """Nobody answered in time."""
    for offer in session.scalars(select(WaitingOffer)):
        offer.expires_at = clock.now() - timedelta(seconds=1)


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
def test_taken_by_keyboard(
    page: Page, plain_page: Page, home: Address, running: Services, troubles: list[str], *, scripts: bool
) -> None:
    """From the link of the message one press takes the earlier window, with and without JavaScript."""
    shown = page if scripts else plain_page
    visit = book_late(shown, home, f"taken{scripts:d}@example.com")
    wait_for_earlier(shown, visit)
    a_gap_appears(running)
    shown.goto(f"{visit}/offer")
    expect(shown.get_by_role("heading", level=1)).to_have_text("A time has become free")
    expect(shown.get_by_text(re.compile("which stays yours if you do not take this one"))).to_be_visible()
    offered = shown.get_by_role("region", name="The free time").locator(".choice-title").inner_text()
    enter_on(shown, "button", re.compile("^Take "))
    expect(shown.get_by_text(offered).first).to_be_visible()
    shown.goto(f"{visit}/offer")
    expect(shown.get_by_role("heading", level=1)).to_have_text("This time is no longer free")
    assert troubles == []


def test_every_state_of_an_offer(page: Page, home: Address, running: Services, troubles: list[str]) -> None:
    """Waiting, offered, answered with nothing, refused, run out while it was read: without a fault."""
    found: list[object] = []
    visit = book_late(page, home, "states@example.com")
    wait_for_earlier(page, visit)
    found += faults(page)
    page.locator("input[name=wait]").evaluate("each => { each.value = 'perhaps' }")
    next_page(page, "Leave the waiting list")
    expect(page.locator("#error-summary")).to_be_focused()
    found += faults(page)
    a_gap_appears(running)
    page.goto(f"{visit}/offer")
    found += faults(page)
    take = page.get_by_role("button", name=re.compile("^Take "))
    take.evaluate("each => { each.value = 'both' }")
    next_page(page, re.compile("^Take "))
    expect(page.locator("#error-summary")).to_be_focused()
    found += faults(page)
    enter_on(page, "button", "No, thanks")
    expect(page.get_by_text(re.compile("waiting list")).first).to_be_visible()
    a_gap_appears(running)
    page.goto(f"{visit}/offer")
    running.db.run(run_out)
    next_page(page, re.compile("^Take "))
    expect(page.get_by_role("heading", level=1)).to_have_text("This time is no longer free")
    found += faults(page)
    assert found == []
    assert troubles == []


def test_who_can_wait_no_longer(page: Page, home: Address, running: Services, troubles: list[str]) -> None:
    """A cancelled visit waits for nothing, and says so without a fault."""
    visit = book_late(page, home, "over@example.com")
    wait_for_earlier(page, visit)
    page.goto(f"{visit}/cancel")
    next_page(page, "Cancel the visit")
    page.goto(f"{visit}/earlier")
    assert faults(page) == []
    page.goto(f"{visit}/offer")
    expect(page.get_by_role("heading", level=1)).to_have_text("This time is no longer free")
    assert faults(page) == []
    with running.db.reading() as session:
        entry = session.scalars(select(WaitingEntry).order_by(WaitingEntry.id.desc())).first()
        assert entry is not None
        assert entry.visit.state == VisitState.CANCELLED
    assert troubles == []
