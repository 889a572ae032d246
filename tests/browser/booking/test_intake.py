"""Questions, first checks and common questions in a real browser: with and without script, in both themes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from fieldservice.geo.address import Address
from tests.browser.accessible import faults
from tests.browser.booking.test_booking import next_page
from tests.factories import HEATING, ask
from tests.fieldservice.booking.demoville import heating

pytestmark = pytest.mark.browser
GAS = "Leave the building. Call 911 from outside, then call us."


@pytest.fixture(scope="module")
def written() -> Callable[[Session], object]:
    """What the office wrote about heating: one question of each kind, two checks, two common questions."""
    symptoms = ["No heat", {"code": "gas", "label": "Smell of gas", "effects": [{"call_us": GAS}]}]
    questions = [
        {"code": "symptoms", "kind": "chips", "label": "What is happening?", "options": symptoms},
        {"code": "fuel", "kind": "choice", "label": "What does it burn?", "options": ["Gas", "Oil", "Wood"]},
        {"code": "flat", "kind": "yesno", "label": "Is it a flat?", "hint": "Or a room in one."},
        {
            "code": "radiators",
            "kind": "number",
            "label": "How many radiators?",
            "unit": "radiators",
            "most": 99,
            "effects": [{"from": 13, "more_time": 30}, {"from": 50, "skill": HEATING, "level": 1}],
        },
        {"code": "model", "kind": "text", "label": "Which model is it?"},
    ]
    checks = [
        {"code": "thermostat", "title": "Turn the thermostat up", "text": "Wait.", "question": "Is it warm?"},
        {"code": "power", "title": "Look at the breaker", "question": "Does it run?", "no": "book"},
    ]
    faq = [{"question": f"Common question {number}?", "answer": "An answer."} for number in (1, 2)]
    return lambda session: ask(session, heating(session), questions, first_checks=checks, faq=faq)


def test_every_page_is_accessible(page: Page) -> None:
    """Each new page and state, at three widths and in both themes."""
    page.goto("/book?service=heating")
    page.get_by_text("Common question 1?").click()
    assert faults(page) == []
    page.get_by_label("How many radiators?").fill("many")
    next_page(page, "Continue")
    expect(page.get_by_role("link", name="Enter a whole number, like 12")).to_be_visible()
    assert faults(page) == []
    page.get_by_label("How many radiators?").fill("12")
    next_page(page, re.compile("^Try it step by step"))
    assert faults(page) == []
    next_page(page, "No")
    next_page(page, "Yes")
    expect(page.get_by_role("heading", level=1)).to_have_text("Good that it works again")
    assert faults(page) == []
    page.get_by_role("link", name="Book a visit anyway").click()
    expect(page.get_by_role("heading", name="You tried", exact=True)).to_be_visible()
    assert faults(page) == []
    page.get_by_role("checkbox", name="Smell of gas").check()
    next_page(page, "Continue")
    expect(page.get_by_role("heading", level=1)).to_have_text("Please call us now")
    assert faults(page) == []


def test_the_keyboard_alone(page: Page, troubles: list[str]) -> None:
    """Arrows move between the cards, which fetch what belongs to them; Enter in a line goes on, not back."""
    page.goto("/book")
    page.get_by_role("radio", name="Advice visit").focus()
    page.keyboard.press("Space")
    expect(page.locator("#help section")).to_have_count(0)
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("radio", name="Heating")).to_be_checked()
    expect(page.locator("#questions")).to_contain_text("What does it burn?")
    expect(page.locator("#help")).to_contain_text("Common question 2?")
    page.get_by_text("Common question 2?").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("An answer.").last).to_be_visible()
    page.get_by_label("Which model is it?").fill("X1")
    with page.expect_navigation(wait_until="commit"):
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Where should we come?")
    page.go_back()
    page.get_by_role("button", name="Try it step by step").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Turn the thermostat up")
    page.get_by_role("button", name="No").focus()
    with page.expect_navigation():
        page.keyboard.press("Space")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look at the breaker")
    assert troubles == []


def test_without_script_checks_lead_to_a_visit(plain_page: Page, home: Address) -> None:
    """No card is picked before: the button beside the questions says which service is meant."""
    page = plain_page
    page.goto("/book")
    page.get_by_text("Questions about: Heating").click()
    page.get_by_role("checkbox", name="No heat").check()
    page.get_by_label("How many radiators?").fill("20")
    next_page(page, re.compile("^Try it step by step"))
    next_page(page, "No")
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Turn the thermostat up")
    next_page(page, "No")
    next_page(page, "No")
    page.get_by_label("Find your address").fill(home.label)
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    next_page(page, "Continue")
    expect(page.get_by_text("stays about 90 minutes")).to_be_visible()
    page.get_by_role("radio").first.check()
    next_page(page, "Continue")
    expect(page.get_by_text("Turn the thermostat up: Is it warm? no")).to_be_visible()
    page.get_by_label("Full name").fill("Ann Other")
    page.get_by_label("Email").first.fill("ann@example.com")
    next_page(page, "Confirm booking")
    page.get_by_role("link", name="Manage visit").click()
    expect(page.get_by_text("How many radiators? 20 radiators")).to_be_visible()


def test_a_known_problem_takes_four_screens_and_few_taps(page: Page, home: Address) -> None:
    """Card, chip, address, entry, window and contact: nothing more is asked of who knows what is wrong."""
    screens, taps = [], 0

    def tap(role: str, name: str | re.Pattern[str]) -> None:
        nonlocal taps
        taps += 1
        element = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
        if role != "button":
            element.check()
            return
        screens.append(page.get_by_role("heading", level=1).inner_text())
        with page.expect_navigation():
            element.click()

    page.goto("/book")
    tap("radio", "Heating")
    tap("checkbox", "No heat")
    tap("button", re.compile("^Continue$"))
    page.get_by_role("combobox").fill(home.label)  # and Continue looks it up
    tap("radio", "Someone over 18 will be home")
    tap("button", re.compile("^Continue$"))
    tap("radio", re.compile(" – "))
    tap("button", re.compile("^Continue with"))
    page.get_by_label("Full name").fill("Ann Other")
    page.get_by_label("Mobile number", exact=True).fill("410 555 0187")
    tap("button", "Confirm booking")
    assert screens == ["What needs fixing?", "Where should we come?", "When suits you?", "Check and confirm"]
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    assert taps == 8
