"""Pictures of a running demo for the README: one of each face.

    make demo DATA=var                                    # in another terminal, until it says `ready`
    .venv/bin/python scripts/screenshots.py --data var    # writes docs/screenshots/*.png

Needs Chromium, as the browser tests do. Nothing is booked: the customer stops before picking a window.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from icalendar import Calendar
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # run by its path, it finds neither the product's nor the tests' code otherwise

from fieldservice.supervisor import URL_MARK, WELCOME  # noqa: E402
from tests.services import chromium_path  # noqa: E402

DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
LETTER: ViewportSize = {"width": 600, "height": 560}
LOGIN = re.compile(r"(http\S+)/(board|day)/ +(\S+) +(\S+)$", re.MULTILINE)
DRAWN_MS = 2000
"""How long a map needs after its last tile has come."""


class NothingToShow(Exception):
    """The demo lacks something that a picture is to show; the text says what."""


class Demo:
    """A running demo, as its data folder describes it."""

    def __init__(self, data: Path, url: str) -> None:
        self.data, self.url = data, url
        self.logins: dict[str, list[tuple[str, str]]] = {"board": [], "day": []}
        welcome = (data / WELCOME).read_text(encoding="utf-8").replace(URL_MARK, url)
        for _, face, *account in LOGIN.findall(welcome):
            self.logins[face].append((account[0], account[1]))

    def confirmation(self) -> EmailMessage:
        """The newest confirmation that was written for a customer whom a technician visits."""
        letters = sorted(
            self.data.glob("outbox/*_confirmation_email.eml"), key=lambda path: path.stat().st_mtime
        )
        for path in reversed(letters):
            letter = message_from_bytes(path.read_bytes(), policy=policy.default)
            if address_in(letter):
                return letter
        raise NothingToShow(f"no confirmation in {self.data / 'outbox'}; wait until the worker has sent some")


def address_in(letter: EmailMessage) -> str:
    """Where the visit of a confirmation takes place; empty for a phone or video call."""
    for part in letter.iter_attachments():
        if part.get_content_type() == "text/calendar":
            (event,) = Calendar.from_ical(part.get_content()).walk("VEVENT")
            return str(event.get("location", ""))
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Take the pictures; one sentence and exit code 2 when the demo lacks what they show."""
    parser = argparse.ArgumentParser(description="Pictures of a running demo.")
    parser.add_argument("--url", default="http://localhost:8000", help="address of the demo")
    parser.add_argument("--data", type=Path, default=Path("var"), help="data folder of the demo")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        demo = Demo(options.data, options.url)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
            for name, take in (
                ("booking", booking),
                ("board", board),
                ("phone", phone),
                ("messages", messages),
            ):
                take(browser, demo, options.out / f"{name}.png")
            browser.close()
    except (NothingToShow, OSError) as error:
        sys.stderr.write(f"screenshots: {error}\n")
        return 2
    return 0


def booking(browser: Browser, demo: Demo, out: Path) -> None:
    """The windows that can be kept at an address of the map."""
    with opened(browser, PHONE) as page:
        page.goto(f"{demo.url}/book")
        page.locator(".service-cards .choice").first.click()
        page.locator("#questions .chip").first.click()
        page.get_by_role("button", name="Continue").click()
        page.locator("#q").fill(address_in(demo.confirmation()))
        page.locator("#find").click()
        page.locator("input[name=access_kind]").first.check(force=True)
        page.get_by_role("button", name="Continue").click()
        page.locator("#windows .choice").first.click()
        save(page, out)


def board(browser: Browser, demo: Demo, out: Path) -> None:
    """The day, with one visit opened: why this technician, why then."""
    with opened(browser, DESK) as page:
        sign_in(page, demo, *demo.logins["board"][0])
        bars = page.locator(".bar[data-movable]")
        if not bars.count():
            raise NothingToShow("the day is over: no visit on the board is still to come")
        page.goto(demo.url + str(bars.nth(bars.count() // 2).get_attribute("href")))
        save(page, out)


def phone(browser: Browser, demo: Demo, out: Path) -> None:
    """The day of the first technician who still has a visit."""
    for account in demo.logins["day"]:
        with opened(browser, PHONE) as page:
            sign_in(page, demo, *account)
            if page.locator(".next-visit").count():
                save(page, out)
                return
    raise NothingToShow("the day is over: no technician who can sign in has a visit left")


def messages(browser: Browser, demo: Demo, out: Path) -> None:
    """The confirmation that a customer gets."""
    body = demo.confirmation().get_body(("html",))
    if body is None:
        raise NothingToShow("the confirmation has no HTML part")
    with opened(browser, LETTER) as page:
        page.set_content(body.get_content())
        save(page, out)


@contextmanager
def opened(browser: Browser, size: ViewportSize) -> Iterator[Page]:
    """A page of a browser that has no cookies yet."""
    context = browser.new_context(viewport=size, locale="en-US", reduced_motion="reduce")
    yield context.new_page()
    context.close()


def sign_in(page: Page, demo: Demo, email: str, password: str) -> None:
    """Sign in; the product then opens the person's own first page."""
    page.goto(f"{demo.url}/login")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def save(page: Page, out: Path) -> None:
    """Write the picture when nothing is on its way any more."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(DRAWN_MS)
    page.screenshot(path=out)


if __name__ == "__main__":
    sys.exit(main())
