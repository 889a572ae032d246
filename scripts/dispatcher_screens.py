"""Pictures of the board's main states, for docs/dispatchers.md.

    make demo DATA=/tmp/demo PORT=8123              # in another terminal, until it says `ready`
    .venv/bin/python scripts/dispatcher_screens.py --url http://localhost:8123

Somebody is taken ill and plans are accepted, so take a demo that nobody needs, with visits to come.
`--dark` is for looking at the same states in dark; what is kept in the repository is the light desk.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # run by its path, it does not find the tests' code otherwise

from tests.pictures import write_small  # noqa: E402
from tests.services import chromium_path  # noqa: E402

DRAWN_MS = 1500
"""How long a map needs after its last tile has come."""
SEARCH_MS = 60_000


class Tour:
    """A dispatcher's way through a running demo; `take` keeps what is on the screen."""

    def __init__(self, page: Page, url: str, out: Path) -> None:
        self.page, self.url, self.out = page, url, out

    def sign_in(self, email: str, password: str) -> None:
        """Come to the board."""
        self.page.goto(f"{self.url}/login")
        self.page.locator("[name=email]").fill(email)
        self.page.locator("[name=password]").fill(password)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def board(self, query: str = "") -> None:
        """Open the board of the day."""
        self.page.goto(f"{self.url}/board/")
        if query:
            self.page.goto(f"{self.page.url.split('?')[0]}?{query}")

    def take(self, name: str) -> None:
        """Write the screen as a picture with few colours: text stays sharp, and the file small."""
        self.page.wait_for_timeout(DRAWN_MS)
        write_small(self.page.screenshot(), self.out / f"{name}.png")

    def until(self, heading: str) -> None:
        """Wait for a plan."""
        expect(self.page.get_by_role("heading", name=re.compile(heading))).to_be_visible(timeout=SEARCH_MS)


def day(tour: Tour) -> None:
    """The day, a visit with its reasons, the dialog, the list, the link."""
    page = tour.page
    tour.board("about=day")
    tour.take("day")
    bar = page.locator("#timeline a.bar[data-movable]").nth(3)
    bar.click()
    page.locator("#inspector .alternatives").wait_for()
    tour.take("why")
    bar.focus()
    page.keyboard.press("m")
    page.get_by_role("dialog").get_by_role("radio").first.wait_for()
    tour.take("move")
    page.keyboard.press("Escape")
    page.locator("#visit-menu > summary").click()
    page.get_by_role("link", name="Follows another visit…").click()
    tour.take("link")
    tour.board("view=list")
    for box in page.locator("[data-mark]").all()[:2]:
        box.check()
    tour.take("list")


def trouble(tour: Tour) -> None:
    """Somebody is ill: the menu, and the plan with its exceptions first."""
    page = tour.page
    tour.board()
    row = page.get_by_role("group").filter(has=page.locator("a.bar[data-movable]")).first
    row.locator("summary").click()
    tour.take("menu")
    row.get_by_role("button", name="Off sick from now").click()
    tour.until("off sick: plan for")
    tour.board()  # without the words about what was just done
    tour.take("sick")
    page.get_by_role("button", name="Accept all").click()
    page.locator("#toast").wait_for()


def plans(tour: Tour) -> None:
    """Two plans beside each other, and one of them on the timeline and the map."""
    page = tour.page
    tour.board()
    page.locator("#optimise-menu > summary").click()
    page.get_by_role("link", name="Compare, some visits…").click()
    page.locator("label", has_text="Least driving").first.click()
    page.locator("label", has_text="Fair").last.click()
    page.get_by_role("button", name="Look for a plan").click()
    tour.until("Which plan?")
    tour.take("compare")
    page.get_by_role("link", name=re.compile("^Look")).last.click()
    page.locator(".ghost").first.wait_for()
    tour.take("proposal")
    page.get_by_role("button", name="Discard").first.click()


def messages(tour: Tour) -> None:
    """What waits for a person."""
    tour.page.goto(f"{tour.url}/board/inbox")
    tour.take("messages")


def look(browser: Browser, options: argparse.Namespace) -> None:
    """Walk through the demo."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900},
        locale="en-US",
        reduced_motion="reduce",
        color_scheme="dark" if options.dark else "light",
    )
    tour = Tour(context.new_page(), options.url, options.out)
    tour.sign_in(options.email, options.password)
    for part in (day, plans, trouble, messages):
        part(tour)
    context.close()


def main(arguments: list[str] | None = None) -> int:
    """Take the pictures of a running demo."""
    parser = argparse.ArgumentParser(description="Pictures of the board of a running demo.")
    parser.add_argument("--url", default="http://localhost:8000", help="address of the demo")
    parser.add_argument("--email", default="dana@example.com")
    parser.add_argument("--password", default="callout-demo")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots" / "board")
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        look(browser, options)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
