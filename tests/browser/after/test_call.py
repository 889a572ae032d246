"""A known customer calls: booked before a minute is over, counted in clicks, screens and letters."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import func, select

from fieldservice.models import Visit
from tests.browser.after.conftest import OpenPage, Stage

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
CLICK_S, LETTER_S, LOOK_S, LISTEN_S = 1.35 + 0.6, 0.28, 5.0, 10.0
"""Keystroke-level model: decide and point, type, read a screen; and the caller answers a question."""


def test_a_known_caller_is_booked_within_a_minute(
    stage: Stage, open_page: OpenPage, troubles: list[str]
) -> None:
    """Part of the name, four clicks, two screens: the rest is known, and the times come by themselves."""
    page, clicks, typed = open_page(width=1280, staff=True), 0, "custom"
    page.goto("/board/phone")

    def click(part: Locator) -> None:
        nonlocal clicks
        part.click()
        clicks += 1

    page.keyboard.type(typed)  # the search has the focus
    click(page.locator("#found a").first)
    expect(page.get_by_label("Full name")).not_to_have_value("")
    page.wait_for_load_state()  # the program that fetches the times is there
    click(page.locator("#service-choice label").first)
    window = page.locator("#times label").first
    expect(window).to_be_visible(timeout=15_000)
    click(window)
    with page.expect_navigation():
        click(page.get_by_role("button", name="Book", exact=True))
    expect(page.get_by_text(re.compile("^Booked: "))).to_be_visible()
    with stage.services.db.reading() as session:
        assert session.scalar(select(func.count()).where(Visit.id > stage.crew.visits[-1])) == 1
    screens, questions = 2, 2  # what is broken, and which window
    assert clicks == 4
    assert clicks * CLICK_S + len(typed) * LETTER_S + screens * LOOK_S + questions * LISTEN_S < 45
    assert troubles == []
