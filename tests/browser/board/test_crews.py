"""A visit of two: made with the keyboard, dragged by either bar, on both rows; its page and that of links."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import faults
from tests.browser.board.conftest import Desk
from tests.browser.board.test_board import drag, require_accessible
from tests.browser.keyboard import enter_on, stop_at, tab_to

pytestmark = pytest.mark.browser


def test_a_crew_by_key_and_by_drag(desk: Desk) -> None:
    """Menu, number, who comes, Save; a bar on each row, and dragging one of them moves both."""
    page = desk.page
    joe, ben = desk.scene.ids["Joe"], desk.scene.ben.id
    desk.open(visit=joe)
    page.locator("#inspector-heading").focus()
    tab_to_menu = page.locator("#visit-menu summary")
    stop_at(page, tab_to_menu)
    page.keyboard.press("Enter")
    enter_on(page, "link", "Needs several people…")
    tab_to(page, "radio", "One")
    page.keyboard.press("ArrowDown")
    tab_to(page, "checkbox", "Ben Okafor")
    page.keyboard.press("Space")
    assert faults(page) == []
    enter_on(page, "button", "Save")
    expect(page.get_by_text(re.compile("Ana Reyes, Ben Okafor begin at"))).to_be_visible()
    both = page.locator(f'.bar[data-visit="{joe}"]')
    expect(both).to_have_count(2)
    expect(page.locator("#inspector")).to_contain_text("Made together by Ana Reyes, Ben Okafor")
    require_accessible(page)
    assert desk.stop("Joe") == ("Ana", "13:00")
    drag(desk, f"#bar-{joe}-{ben}", "Ben Okafor", 14 * 60 + 30)
    expect(page.get_by_text(re.compile("Moved to"))).to_be_visible()
    moved = desk.stop("Joe")
    assert moved
    assert moved[1] == "14:30"
    expect(both).to_have_count(2)
    page.goto(f"{desk.site.url}/board/{desk.site.today}/visits/{joe}/links")
    assert faults(page) == []
