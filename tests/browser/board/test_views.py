"""The list, the chips and the keys of the board, with mouse, keyboard and without JavaScript."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import require_accessible
from tests.browser.board.conftest import Desk

pytestmark = pytest.mark.browser


def query(desk: Desk) -> dict[str, list[str]]:
    """What stands behind the question mark."""
    return parse_qs(urlsplit(desk.page.url).query)


def test_the_list_on_a_desk(desk: Desk) -> None:
    """L opens it; it sorts, filters and selects in place; M moves, and one is still in the list."""
    desk.open()
    page = desk.page
    page.keyboard.press("l")
    expect(page.get_by_role("heading", name="5 visits")).to_be_visible()
    page.get_by_role("link", name="Customer").click()
    expect(page.get_by_role("columnheader", name="Customer")).to_have_attribute("aria-sort", "ascending")
    page.get_by_label("Show").select_option("unassigned")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("heading", name="2 visits")).to_be_visible()
    line = page.locator(f"#line-link-{desk.scene.ids['Lea']}")
    line.click()
    expect(page.locator("#inspector")).to_contain_text("Lea Park")
    require_accessible(page)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    line.focus()
    page.keyboard.press("x")
    page.get_by_role("button", name="Optimize what is ticked…").click()
    assert query(desk)["visits"] == [str(desk.scene.ids["Lea"])]
    expect(page.get_by_role("checkbox", name=re.compile("Lea Park"))).to_be_checked()
    page.go_back()
    line.focus()
    page.keyboard.press("m")
    page.get_by_role("dialog", name="Move visit").get_by_role("button", name="Place").click()
    expect(page.get_by_text(re.compile("Moved to"))).to_be_visible()
    assert query(desk)["view"] == ["list"]
    assert query(desk)["show"] == ["unassigned"]


def test_the_list_is_the_only_view_on_a_phone(phone: Desk) -> None:
    """The board becomes the list by itself; axe is content with it at 390 and 320 px, light and dark."""
    phone.open(visit=phone.scene.ids["Ida"])
    phone.page.wait_for_url("**view=list**")
    expect(phone.page.locator("#visit-list")).to_be_visible()
    assert query(phone)["visit"] == [str(phone.scene.ids["Ida"])]
    require_accessible(phone.page, 390, 320)
    require_accessible(phone.page, 320, 390)


def test_the_list_without_javascript(plain: Desk) -> None:
    """Filter, sort and select by links and a form."""
    plain.open()
    plain.page.get_by_role("link", name="List").click()
    plain.page.get_by_label("Technician").select_option("Ana Reyes")
    plain.page.get_by_role("button", name="Filter").click()
    expect(plain.page.get_by_role("heading", name="2 visits")).to_be_visible()
    plain.page.click(f"#line-link-{plain.scene.ids['Joe']}")
    expect(plain.page.locator("#inspector")).to_contain_text("Joe Park")
    expect(plain.page.get_by_role("heading", name="2 visits")).to_be_visible()
    plain.page.get_by_role("link", name="Timeline").click()
    plain.page.get_by_role("link", name="2 unassigned").click()
    expect(plain.page.locator("#inspector")).to_contain_text("Lea Park")


def test_chips_and_keys(desk: Desk) -> None:
    """N steps through the first problem, a chip through its own, without a new page; ? names the keys."""
    desk.open()
    page = desk.page
    page.evaluate("window.sameDocument = true")
    page.keyboard.press("n")
    expect(page.locator("#inspector")).to_contain_text("Max Park")
    page.get_by_role("link", name="2 unassigned").click()
    expect(page.locator("#inspector")).to_contain_text("Lea Park")
    page.keyboard.press("n")
    expect(page.locator("#inspector")).to_contain_text("Max Park")
    expect(page.locator(f"#card-link-{desk.scene.ids['Max']}")).to_be_focused()
    page.locator(desk.bar("Kim")).focus()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    require_accessible(page)
    keys.get_by_label(re.compile("Single letters")).uncheck()
    keys.get_by_role("button", name="Close").click()
    page.keyboard.press("l")
    assert page.evaluate("window.sameDocument") is True
    page.get_by_role("button", name="Keys").click()
    keys.get_by_label(re.compile("Single letters")).check()
    keys.get_by_role("button", name="Close").click()
    page.locator(desk.bar("Kim")).focus()
    for told in ("Pinned", "Unpinned"):
        page.keyboard.press("p")
        expect(page.locator("#toast")).to_contain_text(told)
        page.locator(desk.bar("Kim")).focus()
    page.keyboard.press("u")
    expect(page.get_by_text(re.compile("Unassigned. The promise stands"))).to_be_visible()
    assert desk.stop("Kim") is None
    page.keyboard.press("Control+z")
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert desk.stop("Kim") == ("Ben", "10:00")


def test_week_history_and_search(plain: Desk) -> None:
    """By links and forms alone."""
    page = plain.page
    plain.open()
    page.click(plain.bar("Kim"))
    page.locator("#inspector").get_by_role("button", name="Pin", exact=True).click()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("Kim Park pinned")).to_be_visible()
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.get_by_role("button", name="Redo")).to_be_visible()
    plain.open()
    page.get_by_role("link", name="Week").click()
    expect(page.get_by_role("table", name="Load by technician and day")).to_be_visible()
    page.get_by_role("search").get_by_role("searchbox").fill("kim park")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=re.compile("Kim Park"))).not_to_have_count(0)


def test_week_history_and_search_are_accessible(desk: Desk) -> None:
    """axe is content with each at 1280, 390 and 320 px, light and dark."""
    day = f"{desk.site.url}/board/{desk.site.today}"
    for path in (f"{day}/week", f"{day}/hours", f"{day}/history", f"{desk.site.url}/board/search?q=park"):
        desk.page.goto(path)
        require_accessible(desk.page, 1280, 390, 320)


def test_the_hint_while_dragging(desk: Desk) -> None:
    """Before the drop the panel says what it would do and the row has its colour; then both are gone."""
    desk.open()
    page = desk.page
    card = page.locator(f"#card-{desk.scene.ids['Lea']}").bounding_box()
    assert card
    page.mouse.move(card["x"] + 12, card["y"] + 12)
    page.mouse.down()
    for name, verdict, text in (
        ("Ana Reyes", "fine", "driving."),
        ("Carl Moss", "refused", "Needs Heating level 1, has none."),
    ):
        lane = page.get_by_role("group", name=name).locator(".lane")
        box = lane.bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 30, steps=5)
        page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20, steps=5)
        expect(page.locator("#drop-hint")).to_contain_text(text)
        expect(lane).to_have_class(re.compile(f"drop-{verdict}"))
    page.mouse.move(700, 700, steps=3)
    page.mouse.up()
    expect(page.locator("#drop-hint")).to_be_hidden()
    assert desk.stop("Lea") is None
