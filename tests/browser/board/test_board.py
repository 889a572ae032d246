"""The dispatcher's board with mouse, with keyboard alone, and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import require_accessible
from tests.browser.board.conftest import Desk

pytestmark = pytest.mark.browser


def drag(desk: Desk, source: str, technician: str, minutes_after_midnight: int, grab_px: int = 12) -> None:
    """Drag something so that its left edge comes to a time of a technician's row."""
    page = desk.page
    lane = page.get_by_role("group", name=technician).locator(".lane")
    box, target = page.locator(source).bounding_box(), lane.bounding_box()
    assert box
    assert target
    first, span = page.evaluate(
        """() => {
            const style = getComputedStyle(document.querySelector(".timeline"));
            const value = (name) => Number(style.getPropertyValue(`--${name}`));
            return [value("from-h") + value("from-m"), value("span-h") + value("span-m")];
        }"""
    )
    x = target["x"] + (minutes_after_midnight - first) / span * target["width"]
    page.mouse.move(box["x"] + grab_px, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(x + 30, target["y"] + 20, steps=8)
    page.mouse.move(x + (grab_px if "bar" in source else 0), target["y"] + 20, steps=4)
    page.mouse.up()


def test_a_click_selects_without_loading_the_board(desk: Desk) -> None:
    """The inspector comes alone, the address keeps the selection, and going back leaves it."""
    desk.open()
    desk.page.evaluate("window.sameDocument = true")
    desk.page.click(desk.bar("Ida"))
    expect(desk.page.get_by_role("heading", name=re.compile("Why Ana Reyes"))).to_be_visible()
    expect(desk.page.locator(desk.bar("Ida"))).to_have_class(re.compile("selected"))
    assert f"visit={desk.scene.ids['Ida']}" in desk.page.url
    assert desk.page.evaluate("window.sameDocument") is True


def test_moving_with_the_dialog(desk: Desk) -> None:
    """Move… lists the places, the best first; the move is stored and told with Undo."""
    desk.open(visit=desk.scene.ids["Kim"])
    desk.page.get_by_role("link", name="Move…").click()
    dialog = desk.page.get_by_role("dialog", name="Move visit")
    expect(dialog.get_by_text("Needs Heating level 1, has none.")).to_be_visible()
    dialog.get_by_role("radio", name=re.compile("Ana Reyes")).check()
    dialog.get_by_role("button", name="Move").click()
    expect(desk.page.get_by_text(re.compile("Moved to Ana Reyes"))).to_be_visible()
    moved = desk.stop("Kim")
    assert moved
    assert moved[0] == "Ana"
    desk.page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(desk.page.get_by_text("Undone.")).to_be_visible()
    assert desk.stop("Kim") == ("Ben", "10:00")


def test_the_dialog_is_called_what_it_does(desk: Desk) -> None:
    """It says that a waiting visit is placed, and afterwards that a planned one is moved."""
    desk.open(visit=desk.scene.ids["Lea"])
    inspector = desk.page.locator("#inspector")
    inspector.get_by_role("link", name="Place…").click()
    dialog = desk.page.get_by_role("dialog", name="Place visit")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    desk.open(visit=desk.scene.ids["Kim"])
    inspector.get_by_role("link", name="Move…").click()
    expect(desk.page.get_by_role("dialog", name="Move visit")).to_be_visible()


def test_moving_with_the_keyboard_alone(desk: Desk) -> None:
    """Tab to the timeline, arrows between visits and rows, M, arrows among the places, Enter."""
    desk.open()
    page = desk.page
    page.locator("#timeline .bar").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(desk.bar("Joe"))).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(page.locator(desk.bar("Kim"))).to_be_focused()
    assert page.locator("#timeline .bar[tabindex='0']").count() == 2
    page.keyboard.press("m")
    dialog = page.get_by_role("dialog", name="Move visit")
    expect(dialog.get_by_role("radio", checked=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("Moved to Ana Reyes"))).to_be_visible()
    page.keyboard.press("Escape")


def test_dragging_a_card_to_a_row(desk: Desk) -> None:
    """A card that is dropped on a row at 1:30 pm starts there."""
    desk.open()
    drag(desk, f"#card-{desk.scene.ids['Lea']}", "Ben Okafor", 13 * 60 + 30)
    expect(desk.page.get_by_text("Moved to Ben Okafor, 1:30 pm.")).to_be_visible()
    assert desk.stop("Lea") == ("Ben", "13:30")


def test_a_refused_drop_says_why_and_changes_nothing(desk: Desk) -> None:
    """A technician without the skill: the dialog opens with the rule, the bar stays where it was."""
    desk.open()
    drag(desk, desk.bar("Kim"), "Carl Moss", 11 * 60)
    dialog = desk.page.get_by_role("dialog", name="Move visit")
    expect(dialog.get_by_role("alert")).to_contain_text("Needs Heating level 1, has none.")
    expect(dialog.get_by_role("alert")).to_be_focused()
    require_accessible(desk.page)
    assert desk.stop("Kim") == ("Ben", "10:00")


def test_a_broken_promise_takes_one_more_click(desk: Desk) -> None:
    """A drop outside the promise asks, and moves after the second click."""
    desk.open()
    drag(desk, desk.bar("Kim"), "Ben Okafor", 14 * 60)
    dialog = desk.page.get_by_role("dialog", name="Move visit")
    expect(dialog.get_by_role("alert")).to_contain_text("outside the promised 10:00 am to 12:00 pm")
    again = dialog.get_by_role("button", name="Move anyway to Ben Okafor, 2:00 pm")
    again.click()
    expect(dialog.get_by_role("link", name="Say why, so that others understand it later.")).to_be_visible()
    dialog.get_by_label("Why is the rule broken?").fill("Agreed by phone")
    again.click()
    expect(desk.page.get_by_text("Moved to Ben Okafor, 2:00 pm, outside the promise.")).to_be_visible()
    assert desk.stop("Kim") == ("Ben", "14:00")


def test_the_board_follows_others(desk: Desk) -> None:
    """What another window changes appears by itself, and the focus stays where it was."""
    desk.open()
    other = desk.page.context.new_page()
    other.goto(desk.page.url)
    desk.page.locator(desk.bar("Joe")).focus()
    with other.expect_navigation():
        other.get_by_role("link", name=re.compile("Lea Park: Place")).click()
        other.get_by_role("dialog").get_by_role("button", name="Place").click()
    expect(desk.page.locator(desk.bar("Lea"))).to_be_visible(timeout=15_000)
    expect(desk.page.locator(desk.bar("Joe"))).to_be_focused()


def test_nothing_scrolls_on_a_desk(desk: Desk) -> None:
    """At 1440 × 900 the page fits, with and without a selected visit, light and dark; axe finds nothing.

    From 1280 px on the sections stand in one line, and what the day bar counts beside or below its figures.
    """
    for query in ({}, {"visit": desk.scene.ids["Ida"]}, {"visit": desk.scene.ids["Max"]}):
        desk.open(**query)
        assert desk.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        require_accessible(desk.page)
    desk.page.set_viewport_size({"width": 1440, "height": 640})
    for query in ({"visit": desk.scene.ids["Ida"]}, {"visit": desk.scene.ids["Lea"]}):
        desk.open(**query)
        assert desk.page.evaluate("document.documentElement.scrollHeight <= innerHeight"), query
    for width in (1280, 1440, 1920):
        desk.page.set_viewport_size({"width": width, "height": 900})
        assert desk.page.evaluate(BARS_FIT), width


BARS_FIT = """() => {
    const box = (selector) => document.querySelector(selector).getBoundingClientRect();
    const chips = [...document.querySelectorAll(".problem")].map((chip) => chip.getBoundingClientRect());
    const figures = box(".figures");
    const inside = [...document.querySelectorAll(".topbar a, .topbar button")].every(
        (each) => each.getBoundingClientRect().bottom <= box(".topbar").bottom);
    return inside && box(".topbar").height <= 54 && document.documentElement.scrollWidth <= innerWidth
        && chips.every((chip) => chip.right <= figures.left || chip.top >= figures.bottom);
}"""


def test_the_list_on_a_phone(phone: Desk) -> None:
    """Below 1024 px the same visits are a list per technician; axe finds nothing there and on plain pages."""
    phone.open(visit=phone.scene.ids["Ida"])
    phone.page.wait_for_url("**view=list**")
    require_accessible(phone.page)
    phone.page.locator("#inspector").get_by_role("link", name="Move…").click()
    expect(phone.page.get_by_role("dialog", name="Move visit")).to_be_visible()
    require_accessible(phone.page)
    for path in (f"visits/{phone.scene.ids['Ida']}/move", f"visits/{phone.scene.ids['Max']}/locate"):
        phone.page.goto(f"{phone.site.url}/board/{path}")
        require_accessible(phone.page)


def test_without_javascript(plain: Desk) -> None:
    """Select by link, move on a page of its own, undo."""
    plain.open()
    plain.page.click(plain.bar("Kim"))
    plain.page.get_by_role("link", name="Move…").click()
    expect(plain.page.get_by_role("heading", name="Move visit")).to_be_visible()
    plain.page.get_by_role("radio", name=re.compile("Ana Reyes")).check()
    plain.page.get_by_role("button", name="Move").click()
    expect(plain.page.get_by_text(re.compile("Moved to Ana Reyes"))).to_be_visible()
    plain.page.locator("#toast").get_by_role("button", name="Undo").click()
    assert plain.stop("Kim") == ("Ben", "10:00")
