"""After booking in a real browser: with and without JavaScript, by keyboard, free of accessibility faults."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from fieldservice.models import VisitState
from tests.browser.accessible import faults
from tests.browser.after.conftest import OpenPage, Stage
from tests.browser.keyboard import enter_on, tab_to, tick, type_into
from tests.pictures import PDF, SVG, photo

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


def press(page: Page, name: str | re.Pattern[str]) -> None:
    """Press a button and wait for the page that it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def test_an_answer_appears_by_itself(stage: Stage, open_page: OpenPage, troubles: list[str]) -> None:
    """The customer asks, somebody answers, and the open page shows and says it within three seconds."""
    page = open_page()
    page.goto(f"{stage.link}/messages")
    page.get_by_label("Your message").fill("Which door do you take?")
    press(page, "Send")
    expect(page.get_by_text("Which door do you take?")).to_be_visible()
    page.get_by_label("Your message").fill("And one more thing")
    stage.answer("The side door.")
    expect(page.get_by_text("The side door.")).to_be_visible(timeout=15_000)
    expect(page.locator("#status")).to_have_text("New message from Dana Reyes")
    expect(page.get_by_label("Your message")).to_have_value("And one more thing")
    assert troubles == []


def test_the_office_sees_a_question_by_itself(stage: Stage, open_page: OpenPage, troubles: list[str]) -> None:
    """The number beside the link of the board, the open conversation, and the answer back to the customer."""
    customer, staff = open_page(scripts=False), open_page(width=1280, staff=True)
    staff.goto("/board/inbox")
    expect(staff.get_by_text("Nobody waits.")).to_be_visible()
    customer.goto(f"{stage.link}/messages")
    customer.get_by_label("Your message").fill("Shall I move my car?")
    press(customer, "Send")
    staff.reload()
    expect(staff.locator(".count-badge")).to_contain_text("1")
    staff.get_by_role("link", name=re.compile("Shall I move my car")).click()
    staff.get_by_label("Your answer").fill("Yes, please.")
    customer.get_by_label("Your message").fill("It is the red one.")
    press(customer, "Send")
    expect(staff.get_by_text("It is the red one.")).to_be_visible(timeout=15_000)
    press(staff, "Send the answer")
    customer.reload()
    expect(customer.get_by_text("Yes, please.")).to_be_visible()
    assert troubles == []


def test_stars_with_the_keyboard_and_a_complaint_without_script(stage: Stage, open_page: OpenPage) -> None:
    """Tab to a star and Enter is one tap; the rest is a plain form."""
    stage.enter(VisitState.DONE)
    page = open_page(scripts=False)
    page.goto(f"{stage.link}/feedback")
    star = page.get_by_role("button", name="2 stars: bad")
    page.get_by_role("button", name="1 star: very bad").focus()
    page.keyboard.press("Tab")
    expect(star).to_be_focused()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("2 of 5: bad")).to_be_visible()
    page.get_by_role("checkbox", name="Had to wait").check()
    page.get_by_label("Anything else?").fill("Two hours late.")
    page.get_by_role("radio", name="A complaint").check()
    press(page, "Send feedback")
    expect(page.get_by_text("A person looks after your complaint")).to_be_visible()
    task = stage.complaint()
    assert task is not None
    staff = open_page(width=1280, scripts=False, staff=True)
    staff.goto("/board/inbox")
    expect(staff.get_by_text("Two hours late.")).to_be_visible()
    press(staff, re.compile("^Done"))
    expect(staff.get_by_text("No task is open.")).to_be_visible()
    assert stage.complaint() is None


def test_details_and_decisions_without_script(stage: Stage, open_page: OpenPage) -> None:
    """A correction is told on the page that follows."""
    page = open_page(scripts=False)
    page.goto(stage.link)
    page.get_by_role("link", name=re.compile("Contact and notes")).click()
    page.get_by_label("Entry notes").fill("Use the back door")
    press(page, re.compile("^Save$"))
    expect(page.get_by_text("Saved: entry notes.")).to_be_visible()
    page.get_by_role("link", name=re.compile("Your data")).click()
    page.get_by_role("checkbox", name="Reminders before the visit").uncheck()
    press(page, re.compile("^Save$"))
    expect(page.get_by_role("checkbox", name="Reminders before the visit")).not_to_be_checked()


def test_download_and_erase_without_script(stage: Stage, open_page: OpenPage) -> None:
    """Code, file, a page that says what stays, and the end, by keyboard alone."""
    stage.enter(VisitState.DONE)
    page = open_page(scripts=False)
    page.goto(f"{stage.link}/data")
    enter_on(page, "button", "Send me a code")
    type_into(page, "Code from the message", stage.code())
    enter_on(page, "button", "Continue")
    tab_to(page, "link", "Download my data")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "my-data.zip"
    enter_on(page, "link", re.compile("Erase my data"))
    tick(page, "checkbox", re.compile(""))
    enter_on(page, "button", "Erase my data")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your data is erased")


def test_following_ends_by_itself(stage: Stage, open_page: OpenPage, troubles: list[str]) -> None:
    """From "on the way" to "arrived" to the end, without a reload, by a clock that the test moves."""
    stage.enter(VisitState.EN_ROUTE)
    page = open_page()
    page.clock.install()
    page.goto(f"{stage.link}/track")
    expect(page.get_by_text("is on the way")).to_be_visible()
    stage.enter(VisitState.ON_SITE)
    page.clock.fast_forward(15_000)
    expect(page.get_by_text("is with you")).to_be_visible(timeout=60_000)
    stage.enter(VisitState.DONE)
    page.clock.fast_forward(15_000)
    expect(page.get_by_text("Your visit is over")).to_be_visible(timeout=60_000)
    assert page.locator("#track").get_attribute("hx-get") is None
    assert troubles == []


# --- accessibility: every page and state


def nothing(_stage: Stage, _page: Page) -> None:
    """The page as it is."""


def write(stage: Stage, page: Page) -> None:
    """Both sides wrote; an empty message was refused."""
    stage.answer("We come at ten.\nPlease move your car.")
    page.reload()
    press(page, re.compile("^Send"))


def empty_details(_stage: Stage, page: Page) -> None:
    """Everything that is required is missing."""
    for label in ("Full name", "Mobile number", "Email"):
        page.get_by_label(label).fill("")
    press(page, re.compile("^Save$"))


def rate(_stage: Stage, page: Page) -> None:
    """Four stars, and a complaint without words."""
    press(page, "4 stars: good")
    page.get_by_role("radio", name="A complaint").check()
    press(page, "Send feedback")


def send_files(_stage: Stage, page: Page) -> None:
    """A photo and a document were added, a drawing refused."""
    page.locator("input[type=file]").set_input_files(
        [
            {"name": "boiler.jpg", "mimeType": "image/jpeg", "buffer": photo(800, 600)},
            {"name": "drawing.svg", "mimeType": "image/svg+xml", "buffer": SVG},
            {"name": "The bill of last year.pdf", "mimeType": "application/pdf", "buffer": PDF},
        ]
    )
    expect(page.get_by_role("link", name="The bill of last year.pdf")).to_be_visible(timeout=30_000)


def wrong_code(_stage: Stage, page: Page) -> None:
    """A code was sent and another one entered."""
    press(page, "Send me a code")
    page.get_by_label("Code from the message").fill("12")
    press(page, "Continue")


def to_erase(stage: Stage, page: Page) -> None:
    """As far as the last question, unanswered."""
    if page.get_by_role("button", name="Send me a code").is_visible():
        press(page, "Send me a code")
    page.get_by_label("Code from the message").fill(stage.code())
    press(page, "Continue")
    page.get_by_role("link", name=re.compile("Erase my data")).click()
    press(page, "Erase my data")


def complain(stage: Stage, page: Page) -> None:
    """A question and a complaint wait."""
    customer = page.context.browser.new_page(base_url=stage.url)  # type: ignore[union-attr]
    customer.goto(f"{stage.link}/messages")
    customer.get_by_label("Your message").fill("Where are you?")
    press(customer, "Send")
    stage.enter(VisitState.DONE)
    customer.goto(f"{stage.link}/feedback")
    press(customer, "1 star: very bad")
    customer.get_by_label("Anything else?").fill("Nobody came")
    customer.get_by_role("radio", name="A complaint").check()
    press(customer, "Send feedback")
    customer.close()
    page.reload()


type Happening = Callable[[Stage, Page], None]

STATES: list[tuple[str, VisitState | None, Happening]] = [
    ("", None, nothing),
    ("/messages", None, write),
    ("/details", None, empty_details),
    ("/photos", None, send_files),
    ("/calendar", None, nothing),
    ("/feedback", None, nothing),
    ("/cancel", None, nothing),
    ("/data", None, wrong_code),
    ("/track", None, nothing),
    ("/track", VisitState.DISPATCHED, nothing),
    ("", None, nothing),
    ("/track", VisitState.EN_ROUTE, nothing),
    ("/time", None, nothing),
    ("", None, nothing),
    ("/track", VisitState.ON_SITE, nothing),
    ("/track", VisitState.DONE, nothing),
    ("", None, nothing),
    ("/photos", None, nothing),
    ("/feedback", None, nothing),
    ("/feedback", None, rate),
    ("/data", None, to_erase),
]
"""Pages of one visit from the booking to its end; a named state is entered before its page is opened."""


def test_nothing_of_a_visit_is_inaccessible(stage: Stage, open_page: OpenPage, troubles: list[str]) -> None:
    """axe finds nothing on any page in any state of a visit, in light and dark, at three widths."""
    page, found = open_page(), []
    for path, state, happen in STATES:
        if state is not None:
            stage.enter(state)
        page.goto(f"{stage.link}{path}")
        happen(stage, page)
        found += faults(page)
    page.get_by_role("checkbox").check()
    press(page, "Erase my data")
    found += faults(page)
    for gone in (stage.link, "/visit/unknown", "/book/unknown/time", "/no-such-page"):
        page.goto(gone)
        found += faults(page)
    assert found == []
    assert troubles == []


def test_nothing_of_the_inbox_is_inaccessible(stage: Stage, open_page: OpenPage) -> None:
    """axe finds nothing where a question and a complaint wait, nor in the conversation."""
    page = open_page(staff=True)
    page.goto("/board/inbox")
    complain(stage, page)
    assert faults(page) == []
    page.goto(f"/board/inbox/{stage.crew.visits[0]}")
    assert faults(page) == []
