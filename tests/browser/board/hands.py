"""One way to use the board by hand, twice: with the mouse, where presses are counted, and by keyboard alone.

A flow is written once and means the same for both. What no Tab reaches fails the keyboard, what takes one
press more than promised fails the mouse.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import time

from playwright.sync_api import Locator, expect

from tests.browser.accessible import require_accessible
from tests.browser.board.conftest import Desk
from tests.browser.keyboard import stop_at

Words = str | re.Pattern[str]
NARROW, WIDE = 320, 1440


class Hand(ABC):
    """What a dispatcher does with a board; `presses` counts all but the typing of words."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page, self.presses = desk, desk.page, 0

    @abstractmethod
    def press(self, target: Locator) -> None:
        """Press a button, a link or a menu."""

    @abstractmethod
    def tick(self, target: Locator) -> None:
        """Take a choice."""

    @abstractmethod
    def visit(self, name: str) -> None:
        """Open the visit of a customer."""

    def write(self, label: Words, text: str) -> None:
        """Fill in a field, which is no press."""
        self.page.get_by_label(label).first.fill(text)

    def take(self, label: Words, words: str) -> None:
        """Take an entry of a list that opens."""
        self.presses += 1
        field = self.page.get_by_label(label)
        entry = field.locator("option", has_text=words).first
        field.select_option(value=entry.get_attribute("value"))

    def button(self, name: Words) -> None:
        """Press the first button of this name."""
        self.press(self.page.get_by_role("button", name=name).locator("visible=true").first)

    def link(self, name: Words) -> None:
        """Follow the first link of this name."""
        self.press(self.page.get_by_role("link", name=name).locator("visible=true").first)

    def row(self, technician: str, what: Words) -> None:
        """Open the menu of a row and take one of its entries."""
        row = self.page.get_by_role("group", name=technician)
        self.press(row.locator("summary"))
        entries = row.locator(".menu-list")
        self.press(entries.get_by_role("link", name=what).or_(entries.get_by_role("button", name=what)).first)

    def more(self, name: str, what: Words) -> None:
        """Open a visit, then its menu, and take one of the entries."""
        self.visit(name)
        self.press(self.page.locator("#visit-menu > summary"))
        self.press(self.page.locator("#visit-menu").get_by_role("link", name=what))

    def _item(self, name: str) -> Locator:
        number = self.desk.scene.ids[name]
        return self.page.locator(f"#bar-{number}, #card-link-{number}")

    def _opened(self, name: str) -> None:
        expect(self.page.locator("#inspector header")).to_contain_text(f"{name} Park")


class Mouse(Hand):
    """Clicks; looks with axe at every state that was not there yet, in light and dark."""

    seen: set[str]

    def __init__(self, desk: Desk, seen: set[str]) -> None:
        super().__init__(desk)
        self.seen = seen

    def press(self, target: Locator) -> None:
        """One click, on the page where it is: the one before may still be on its way out."""
        expect(target).to_be_visible()
        self._look()
        target.click()
        self.presses += 1

    def tick(self, target: Locator) -> None:
        """One click on the choice, whose box is below its words."""
        self.press(target.locator("xpath=ancestor-or-self::label"))

    def visit(self, name: str) -> None:
        """A click on its bar or card."""
        self.press(self._item(name))
        self._opened(name)

    def done(self) -> None:
        """The last state of a flow."""
        self._look()

    def _look(self) -> None:
        state = self.page.evaluate(STATE)
        if state not in self.seen:
            self.seen.add(state)
            plain = self.page.locator(".staff-main").count()
            require_accessible(self.page, *((NARROW, WIDE) if plain else (WIDE,)))


class Keys(Hand):
    """Tab, arrows, space bar and Enter; nothing else."""

    def press(self, target: Locator) -> None:
        """Tab to it, then Enter."""
        expect(target).to_be_visible()
        stop_at(self.page, target)
        self.page.keyboard.press("Enter")
        self.presses += 1

    def tick(self, target: Locator) -> None:
        """Tab to the choice, or to its neighbour and the arrows from there, then the space bar."""
        group = target.get_attribute("name")
        checked = self.page.locator(f"input[name='{group}']:checked")
        if target.get_attribute("type") == "radio" and checked.count():
            stop_at(self.page, checked)
            for _ in range(self.page.locator(f"input[name='{group}']").count()):
                if target.is_checked():
                    break
                self.page.keyboard.press("ArrowDown")
        else:
            stop_at(self.page, target)
            self.page.keyboard.press("Space")
        expect(target).to_be_checked()
        self.presses += 1

    def write(self, label: Words, text: str) -> None:
        """Tab to the field, and type."""
        field = self.page.get_by_label(label).first
        stop_at(self.page, field)
        self.page.keyboard.press("ControlOrMeta+a")
        if field.get_attribute("type") == "time":
            text = time.fromisoformat(text).strftime("%I%M%p")
        self.page.keyboard.type(text)

    def take(self, label: Words, words: str) -> None:
        """The list takes the entry whose first letters are typed."""
        stop_at(self.page, self.page.get_by_label(label))
        self.page.keyboard.type(words)
        self.presses += 1

    def visit(self, name: str) -> None:
        """Tab to the card, or to the row and the arrows from there; Enter opens it."""
        item = self._item(name)
        if item.evaluate("item => item.matches('.bar')"):
            lane = self.page.locator(".lane", has=item)
            stop_at(self.page, lane.locator(".bar[tabindex='0']"))
            for _ in range(lane.locator(".bar").count()):
                if item.evaluate("item => item === document.activeElement"):
                    break
                self.page.keyboard.press("ArrowRight")
        else:
            stop_at(self.page, item)
        self.page.keyboard.press("Enter")
        self.presses += 1
        self._opened(name)


STATE = r"""() => {
    const parts = "main h1, #inspector h3, dialog[open] h2, details[open] > .menu-list";
    const words = (part) => part.textContent.replace(/[^a-z ]/gi, "").slice(0, 24);
    const found = [...document.querySelectorAll(parts)];
    const names = found.map((part) => part.closest("details")?.className || words(part));
    return [location.pathname.replace(/\d+/g, "0"), ...names].join(" | ");
}"""
"""What tells one state of a page from another: where it is, what its headings say, which menu is open."""
