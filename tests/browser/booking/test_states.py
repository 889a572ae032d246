"""The whole way by keyboard alone, with and without JavaScript; refusals and late states without a fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import clock
from fieldservice.geo.address import Address
from fieldservice.models import Technician, Territory, Visit
from fieldservice.web import Services
from tests.browser.accessible import faults
from tests.browser.booking.test_booking import next_page
from tests.browser.keyboard import enter_on, stop_at, tab_to, tick, type_into
from tests.fieldservice.booking.demoville import heating

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def written() -> Callable[[Session], object]:
    """Cancelling the heating late costs something."""

    def write(session: Session) -> None:
        heating(session).late_fee = "$49 for the trip"

    return write


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
def test_everything_by_keyboard(
    page: Page, plain_page: Page, home: Address, troubles: list[str], *, scripts: bool
) -> None:
    """Book, correct, ask, wait for an earlier time, refuse reminders, change the time and cancel."""
    shown = page if scripts else plain_page
    shown.goto("/book")
    tab_to(shown, "radio", "Heating")
    shown.keyboard.press("Space")
    enter_on(shown, "button", "Continue")
    stop_at(shown, shown.get_by_label("Find your address"))
    shown.keyboard.type(home.label)
    tick(shown, "radio", "Someone over 18 will be home")
    enter_on(shown, "button", "Continue")
    expect(shown.get_by_role("heading", level=1)).to_have_text("When suits you?")
    day = shown.locator("a.day:not([aria-current])").nth(2)
    wanted = day.get_attribute("href") or ""
    stop_at(shown, day)
    shown.keyboard.press("Enter")
    expect(shown).to_have_url(re.compile(re.escape(wanted)))
    tick(shown, "radio", re.compile(" – "))
    enter_on(shown, "button", re.compile("^Continue"))
    type_into(shown, "Full name", "Rosa Whitfield")
    tab_to(shown, "textbox", re.compile("^Email"))
    shown.keyboard.type(f"rosa{scripts:d}@example.com")
    enter_on(shown, "button", "Confirm booking")
    expect(shown.get_by_role("heading", level=1)).to_have_text("You’re booked")
    expect(shown.get_by_text("After that it costs: $49 for the trip.")).to_be_visible()
    enter_on(shown, "link", "Manage visit")
    visit = shown.url
    enter_on(shown, "link", re.compile("Contact and notes"))
    type_into(shown, "Entry notes", "Back door")
    enter_on(shown, "button", re.compile("^Save$"))
    expect(shown.get_by_text("Saved: entry notes.")).to_be_visible()
    enter_on(shown, "link", re.compile("Ask a question"))
    type_into(shown, "Your message", "Which door?")
    enter_on(shown, "button", "Send")
    expect(shown.get_by_text("Which door?")).to_be_visible()
    shown.goto(visit)
    enter_on(shown, "link", "I want an earlier time")
    enter_on(shown, "button", re.compile("^Join the waiting list"))
    enter_on(shown, "button", "Leave the waiting list")
    shown.goto(visit)
    enter_on(shown, "link", re.compile("Your data"))
    tick(shown, "checkbox", "Reminders before the visit")
    enter_on(shown, "button", re.compile("^Save$"))
    expect(shown.get_by_role("checkbox", name="Reminders before the visit")).not_to_be_checked()
    shown.goto(visit)
    enter_on(shown, "link", "Change time")
    tab_to(shown, "radio", re.compile(" – "))
    shown.keyboard.press("Space")
    shown.keyboard.press("ArrowDown")
    enter_on(shown, "button", re.compile("^Change"))
    enter_on(shown, "link", "Cancel visit")
    expect(shown.get_by_text("Cancelling is free until")).to_be_visible()
    enter_on(shown, "button", "Cancel the visit")
    expect(shown.get_by_text("Cancelling cost nothing.")).to_be_visible()
    assert troubles == []


def to_time(page: Page, home: Address) -> None:
    """From the first screen to what follows the address."""
    page.goto("/book?service=heating")
    next_page(page, "Continue")
    page.get_by_label("Find your address").fill(home.label)
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    next_page(page, "Continue")


@contextmanager
def changed(
    running: Services, change: Callable[[Session], object], back: Callable[[Session], object]
) -> Iterator[None]:
    """The company is another one for a while."""
    running.db.run(change)
    yield
    running.db.run(back)


def radius(metres: int) -> Callable[[Session], None]:
    """How far the company goes."""

    def change(session: Session) -> None:
        session.scalars(select(Territory)).one().radius_m = metres

    return change


def at_work(active: bool) -> Callable[[Session], None]:
    """Whether anybody works there."""

    def change(session: Session) -> None:
        for technician in session.scalars(select(Technician)):
            technician.active = active

    return change


def changeable(ahead: timedelta) -> Callable[[Session], None]:
    """Until when a time can be changed."""

    def change(session: Session) -> None:
        heating(session).reschedule_cutoff = ahead

    return change


def charge(session: Session) -> None:
    """The newest visit can no longer be cancelled for nothing."""
    newest = session.scalars(select(Visit).order_by(Visit.id.desc()).limit(1)).one()
    newest.free_until = clock.now() - timedelta(minutes=1)


def test_nobody_can_come(page: Page, home: Address, running: Services, troubles: list[str]) -> None:
    """Outside the area, with and without an address left; no window at all, and the waiting list for it."""
    found: list[object] = []
    with changed(running, radius(10), radius(20_000)):
        to_time(page, home)
        expect(page.get_by_role("heading", level=1)).to_have_text("We don’t come there yet")
        next_page(page, "Tell me when you come here")
        found += faults(page)
        page.get_by_label("Email").first.fill("far@example.com")
        next_page(page, "Tell me when you come here")
        found += faults(page)
    with changed(running, at_work(active=False), at_work(active=True)):
        to_time(page, home)
        found += faults(page)
        page.get_by_role("link", name=re.compile("waiting list")).first.click()
        next_page(page, re.compile("^Join the waiting list"))
        expect(page.locator("#error-summary")).to_be_focused()
        found += faults(page)
    for gone in ("/book/unknown/time", "/visit/unknown", "/approve/unknown"):
        page.goto(gone)
        found += faults(page)
    assert found == []
    assert troubles == []


def test_refusals_before_and_after_booking(
    page: Page, home: Address, running: Services, troubles: list[str]
) -> None:
    """Nothing chosen, taken, no name; afterwards too late to change, and cancelling that costs by now."""
    found: list[object] = []
    page.goto("/book?service=heating")
    next_page(page, "Continue")
    for way in ("", "?by=hand"):
        page.goto(page.url.partition("?")[0] + way)
        next_page(page, "Continue")
        expect(page.locator("#error-summary")).to_be_focused()
        found += faults(page)
    to_time(page, home)
    with page.expect_navigation():
        page.locator(".action-bar button").click()
    expect(page.locator("#error-summary")).to_be_focused()
    found += faults(page)
    first = page.locator("input[name=window]").first
    first.evaluate("each => { each.value = '2026-03-04T03:00:00+00:00'; each.checked = true }")
    with page.expect_navigation():
        page.locator(".action-bar button").click()
    expect(page.get_by_text("That time was just taken")).to_be_visible()
    found += faults(page)
    page.locator("input[name=window]").last.check()
    next_page(page, re.compile("^Continue"))
    next_page(page, "Confirm booking")
    expect(page.locator("#error-summary")).to_be_focused()
    found += faults(page)
    page.get_by_label("Full name").fill("Rosa Whitfield")
    page.get_by_label("Email").first.fill("late@example.com")
    next_page(page, "Confirm booking")
    found += faults(page)
    visit = page.url.removesuffix("/booked")
    with changed(running, changeable(timedelta(days=60)), changeable(timedelta(0))):
        page.goto(f"{visit}/time")
        expect(page.get_by_text("This was possible online until")).to_be_visible()
        found += faults(page)
    page.goto(f"{visit}/time")
    page.locator(".action-bar button").click()
    expect(page.locator("#error-summary")).to_be_focused()
    found += faults(page)
    page.goto(f"{visit}/cancel")
    running.db.run(charge)
    next_page(page, "Cancel the visit")
    expect(page.get_by_text("Nothing is cancelled yet.")).to_be_visible()
    found += faults(page)
    next_page(page, "Cancel for a fee")
    expect(page.get_by_text("It was cancelled late, which costs: $49 for the trip.").first).to_be_visible()
    found += faults(page)
    assert found == []
    assert troubles == []
