"""A page used by its keyboard alone: whatever no Tab reaches is not there."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page

MOST_TABS = 150


def tab_to(page: Page, role: Any, name: str | re.Pattern[str]) -> None:
    """Press Tab until it is there; something that has no stop of the keyboard fails."""
    stop_at(page, page.get_by_role(role, name=name).first)


def stop_at(page: Page, what: Locator) -> None:
    """As `tab_to`, for what has no name of its own; a page may bring it anew meanwhile."""
    for _ in range(MOST_TABS):
        if what.evaluate("element => element === document.activeElement", timeout=5_000):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {what} by keyboard on {page.url}")


def enter_on(page: Page, role: Any, name: str | re.Pattern[str]) -> None:
    """Go there and press Enter, which leads to another page."""
    tab_to(page, role, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def type_into(page: Page, name: str, text: str) -> None:
    """Go to a field and replace what is in it."""
    tab_to(page, "textbox", name)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


def tick(page: Page, role: Any, name: str | re.Pattern[str]) -> None:
    """Go to a choice and press the space bar."""
    tab_to(page, role, name)
    page.keyboard.press("Space")
