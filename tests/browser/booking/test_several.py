"""Several services and several people in a real browser: with and without script, in both themes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fieldservice.auth.links import approval_token
from fieldservice.geo.address import Address
from fieldservice.models import Approval, ApprovalState, OutboxMessage, Territory
from fieldservice.web import Services
from tests.browser.accessible import faults
from tests.browser.booking.test_booking import next_page
from tests.browser.keyboard import enter_on
from tests.factories import make_technician, number
from tests.fieldservice.booking.electric import WIRING, make_wiring
from tests.fieldservice.booking.tight import AT

pytestmark = pytest.mark.browser
SECRET = "only-for-these-tests"  # noqa: S105
AFTERWARDS = {
    ApprovalState.AGREED: "You agreed",
    ApprovalState.EXPIRED: "It is too late to agree",
    ApprovalState.WITHDRAWN: "Nobody has to agree any more",
}


@pytest.fixture(scope="module")
def written() -> Callable[[Session], object]:
    """Wiring, which only two others can do, and a check-up that those for the heating can do as well."""

    def write(session: Session) -> None:
        territory = session.scalars(select(Territory)).one()
        make_wiring(session)
        make_wiring(session, code="checkup", name="Check-up", skills={}, intake_questions=[], position=3)
        for _ in range(2):
            make_technician(session, territory, skills={WIRING: 2}, home=AT)

    return write


def to_services(page: Page, home: Address) -> None:
    """The heating at home, and on to what else there is to do."""
    page.goto("/book?service=heating")
    next_page(page, "Continue")
    page.get_by_label("Find your address").fill(home.label)
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    next_page(page, "Continue")
    expect(page.get_by_role("heading", level=1)).to_have_text("When suits you?")
    pick(page)
    page.get_by_role("link", name="Add another service").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anything else while we are there?")


def pick(page: Page) -> None:
    """The last window of the shown day, and the last way to go on from it where there are several."""
    for way in page.locator(".choice-more > summary").all():
        way.click()
    page.locator("input[name=window]").last.check()
    page.locator(".action-bar button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check and confirm")


def add_wiring(page: Page) -> None:
    """Wiring, with its one question."""
    page.get_by_role("radio", name="Wiring").check()
    folded = page.get_by_text("Questions about: Wiring")
    if folded.is_visible():  # without script
        folded.click()
    page.get_by_label("How old is it?").fill("12")
    next_page(page, "Add this service")
    expect(page.get_by_role("heading", level=1)).to_have_text("When suits you?")


def confirm(page: Page) -> None:
    """Who asks, and who has to agree."""
    page.get_by_label("Full name").fill("Rosa Whitfield")
    page.locator("#email").fill(f"rosa{number()}@example.com")  # one address books five times a day at most
    page.get_by_text("Someone else is at the address, pays").click()
    page.get_by_label("Name of the person at the address").fill("Jo Porter")
    page.get_by_label("Email of the person who has to agree first").fill("boss@example.com")
    next_page(page, "Confirm booking")
    expect(page.get_by_role("heading", level=1)).to_have_text("We have your request")


def approval_url(newest: Callable[[], str]) -> str:
    """The address in the mail that was written last."""
    return f"/approve/{approval_token(newest(), SECRET)}"


@pytest.mark.parametrize("scripts", [True, False])
def test_two_visits_that_somebody_agrees_to(
    page: Page,
    plain_page: Page,
    home: Address,
    nonce: Callable[[], str],
    troubles: list[str],
    *,
    scripts: bool,
) -> None:
    """A pair of windows, a mail to the approver, and both visits on the page of each."""
    shown = page if scripts else plain_page
    to_services(shown, home)
    add_wiring(shown)
    expect(shown.get_by_text("2 visits, because nobody can do all of it in one go")).to_be_visible()
    expect(shown.get_by_text("Then Wiring: ").first).to_be_visible()
    pick(shown)
    confirm(shown)
    expect(shown.get_by_role("heading", name="All visits of this booking")).to_be_visible()
    private = shown.url
    shown.goto(approval_url(nonce))
    expect(shown.get_by_role("heading", level=1)).to_have_text("Do you agree to this visit?")
    enter_on(shown, "button", "Agree, book it")
    expect(shown.get_by_role("heading", level=1)).to_have_text("You agreed")
    shown.goto(private)
    expect(shown.get_by_role("heading", level=1)).to_have_text("You’re booked")
    shown.get_by_role("link", name=re.compile("^Wiring")).click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Your visit")
    expect(shown.get_by_role("link", name=re.compile("^Heating"))).to_be_visible()
    assert troubles == []


def test_the_keyboard_alone(page: Page, home: Address, nonce: Callable[[], str]) -> None:
    """A service is added and taken off, and the approver declines, without a pointer."""
    to_services(page, home)
    page.get_by_role("radio", name="Check-up").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Add this service").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(
        page.get_by_text("stays about 2 hours").or_(page.get_by_text("stays about 120 min"))
    ).to_be_visible()
    pick(page)
    page.get_by_role("link", name="Add another service").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove Check-up").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove Check-up")).to_have_count(0)
    page.get_by_role("link", name="Back").click()
    pick(page)
    confirm(page)
    page.goto(approval_url(nonce))
    page.get_by_label("Why not?").focus()
    page.keyboard.type("Too dear")
    page.get_by_role("button", name="Decline, book nothing").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You declined")


def test_every_page_is_accessible(
    page: Page, home: Address, nonce: Callable[[], str], running: Services
) -> None:
    """Each new page and state, at three widths and in both themes."""
    to_services(page, home)
    assert faults(page) == []
    next_page(page, "Add this service")
    expect(page.get_by_role("link", name="Choose what needs fixing")).to_be_visible()
    assert faults(page) == []
    add_wiring(page)
    assert faults(page) == []
    pick(page)
    page.get_by_text("Someone else is at the address, pays").click()
    assert faults(page) == []
    page.get_by_text("Someone else is at the address, pays").click()
    confirm(page)
    assert faults(page) == []
    page.get_by_role("link", name="Manage visit").click()
    assert faults(page) == []
    page.goto(approval_url(nonce))
    assert faults(page) == []
    next_page(page, "Decline, book nothing")
    assert faults(page) == []
    for state, heading in AFTERWARDS.items():
        running.db.run(lambda session, state=state: session.execute(update(Approval).values(state=state)))
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert faults(page) == []


@pytest.fixture
def nonce(running: object) -> Callable[[], str]:
    """What the newest approver's link is made from."""

    def newest() -> str:
        with running.db.reading() as session:  # type: ignore[attr-defined]
            asked = (
                select(OutboxMessage)
                .where(OutboxMessage.kind == "approval")
                .order_by(OutboxMessage.id.desc())
            )
            return str(session.scalars(asked.limit(1)).one().payload["nonce"])

    return newest
