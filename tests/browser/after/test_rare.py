"""Pages that customers seldom see: choosing, codes, what was proved, and what says that something failed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask, abort
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from fieldservice.models import BookingDraft, OfferState, Visit, VisitState, WindowOffer
from tests.browser.accessible import faults
from tests.browser.after.conftest import OpenPage, Stage
from tests.browser.after.test_after import press
from tests.browser.keyboard import enter_on
from tests.factories import NOW

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
FAILURES = {
    400: "We could not read that",
    403: "You can’t open this page",
    405: "This page can’t be opened like that",
    409: "Someone else was quicker",
    410: "This link has ended",
    413: "That is too large",
    429: "Too many tries",
    500: "Something went wrong on our side",
    503: "We’ll be back in a moment",
}


def look(page: Page, heading: str) -> list[object]:
    """The page that is expected, and its faults."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    return faults(page)


def offer_two_windows(stage: Stage) -> None:
    """The office offers two times."""

    def work(session: Session) -> None:
        visit = session.get_one(Visit, stage.crew.visits[0])
        begins = [NOW + timedelta(days=1, hours=hours) for hours in (2, 4)]
        windows = [[at.isoformat(), (at + timedelta(hours=2)).isoformat()] for at in begins]
        offer = WindowOffer(
            visit=visit, windows=windows, state=OfferState.OPEN, created_at=NOW, asked_by="test"
        )
        offer.expires_at = NOW + timedelta(hours=1)
        session.add(offer)

    stage.services.db.run(work)


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
def test_none_of_the_offered_times(stage: Stage, open_page: OpenPage, *, scripts: bool) -> None:
    """By keyboard alone; what was not possible is named, and afterwards the link says that it is over."""
    offer_two_windows(stage)
    page, found = open_page(scripts=scripts), []
    page.goto(f"{stage.link}/choose")
    if scripts:
        found += look(page, "Which time suits you?")
        first = page.locator("button[name=answer]").first
        first.evaluate("each => { each.value = 'both' }")
        with page.expect_navigation():
            first.click()
        expect(page.locator("#error-summary")).to_be_focused()
        found += look(page, "Which time suits you?")
    enter_on(page, "button", "None of these suits me")
    page.goto(f"{stage.link}/choose")
    expect(page.get_by_role("heading", level=1)).to_have_text("These times are no longer reserved")
    if scripts:
        found += faults(page)
    assert found == []


def test_what_was_saved_proved_and_said(stage: Stage, open_page: OpenPage, troubles: list[str]) -> None:
    """Corrected details, saved consents, data behind a code, a complaint that somebody looks after."""
    page = open_page()
    page.goto(f"{stage.link}/details")
    page.get_by_label("Entry notes").fill("Use the back door")
    press(page, re.compile("^Save$"))
    found = look(page, "Your visit")
    page.goto(f"{stage.link}/data")
    page.get_by_role("checkbox", name="Reminders before the visit").uncheck()
    press(page, re.compile("^Save$"))
    press(page, "Send me a code")
    found += look(page, "Your data")
    page.get_by_label("Code from the message").fill(stage.code())
    press(page, "Continue")
    expect(page.get_by_role("link", name="Download my data")).to_be_visible()
    found += look(page, "Your data")
    stage.enter(VisitState.DONE)
    page.goto(f"{stage.link}/feedback")
    press(page, "2 stars: bad")
    page.get_by_label("Anything else?").fill("Two hours late.")
    page.get_by_role("radio", name="A complaint").check()
    press(page, "Send feedback")
    expect(page.get_by_text("A person looks after your complaint")).to_be_visible()
    found += faults(page)
    assert found == []
    assert troubles == []


def test_too_many_codes_and_a_draft_of_yesterday(stage: Stage, open_page: OpenPage) -> None:
    """Each says what to do now."""
    page, found = open_page(), []
    for _ in range(4):
        page.goto("/book/returning")
        page.get_by_label("Email or mobile number").fill("rosa@example.com")
        press(page, "Send me a code")
    found += look(page, "Too many codes")
    yesterday = NOW - timedelta(days=1)
    draft = BookingDraft(token="of-yesterday" * 3, created_at=yesterday, expires_at=NOW - timedelta(hours=1))
    stage.services.db.run(lambda session: session.add(draft))
    page.goto(f"/book/{'of-yesterday' * 3}/time")
    found += look(page, "Please start again")
    assert found == []


def test_what_says_that_something_failed(
    stage: Stage, app: Flask, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page of a failure, and of a form that was open too long."""
    page, found = open_page(), []
    page.goto(f"{stage.link}/messages")
    page.locator("[name=csrf_token]").evaluate_all("all => all.forEach(each => { each.value = 'old' })")
    page.get_by_label("Your message").fill("Which door?")
    press(page, "Send")
    found += look(page, "This page was open too long")
    for code, heading in FAILURES.items():
        monkeypatch.setitem(app.view_functions, "booking.visit.show", lambda *, code=code, **_: abort(code))
        page.goto(stage.link)
        found += look(page, heading)
    assert found == []
