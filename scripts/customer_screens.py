"""Pictures of what customers see, for docs/customers.md: every main screen, two of them in each language.

    make demo DATA=/tmp/demo PORT=8123              # in another terminal, until it says `ready`
    .venv/bin/python scripts/customer_screens.py --data /tmp/demo --url http://localhost:8123

Books a visit of the demo and lets it happen, so take a demo that nobody needs. `--width` and `--dark` are for
looking at the same screens in other ways; what is kept in the repository is the phone in light.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select
from sqlalchemy.orm import Session

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # run by its path, it finds neither the product's nor the tests' code otherwise

from fieldservice import clock  # noqa: E402
from fieldservice.app import make_services  # noqa: E402
from fieldservice.auth import codes, links  # noqa: E402
from fieldservice.config import Settings  # noqa: E402
from fieldservice.dispatch import inbox  # noqa: E402
from fieldservice.models import (  # noqa: E402
    ServicePlan,
    Site,
    User,
    Visit,
    VisitorCode,
    VisitState,
)
from fieldservice.notify.translations import languages  # noqa: E402
from fieldservice.web import Services  # noqa: E402
from tests.pictures import write_small  # noqa: E402
from tests.services import chromium_path  # noqa: E402

TALLEST = 1500
EMAIL = "rosa.whitfield@example.com"


class Tour:
    """One customer's way through a running demo; `take` keeps what is on the screen."""

    def __init__(self, page: Page, services: Services, url: str, out: Path) -> None:
        self.page, self.services, self.url, self.out = page, services, url, out

    def open(self, path: str) -> None:
        """Open one of the demo's pages."""
        self.page.goto(path if path.startswith("http") else f"{self.url}{path}")

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press a button and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name).first.click()

    def take(self, name: str) -> None:
        """Write the page as a picture with few colours: text stays sharp, and the file small."""
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(700)  # a map is drawn after its last tile has come
        before = self.page.viewport_size or {"width": 390, "height": 844}
        height = self.page.evaluate("document.documentElement.scrollHeight")
        # as high as the page, so that the bar with its button stands at the end and not across the middle
        self.page.set_viewport_size({"width": before["width"], "height": min(height, TALLEST)})
        self.page.evaluate("scrollTo(0, 0)")
        drawn = self.page.screenshot()
        self.page.set_viewport_size(before)
        write_small(drawn, self.out / f"{name}.png")

    def in_every_language(self, name: str, path: str) -> None:
        """The same page once in each language."""
        for language in languages():
            self.open(f"{path}{'&' if '?' in path else '?'}lang={language}")
            self.take(f"{name}-{language}")
        self.open(f"{path}{'&' if '?' in path else '?'}lang=en")

    def come(self, visit_id: int) -> None:
        """The window of a visit begins with this hour, whatever the demo's plan says."""
        begins = clock.now().replace(minute=0, second=0, microsecond=0)

        def work(session: Session) -> None:
            visit = session.get_one(Visit, visit_id)
            visit.window_starts_at, visit.window_ends_at = begins, begins + timedelta(hours=2)

        self.services.db.run(work)

    def enter(self, visit_id: int, state: VisitState) -> None:
        """Let a visit go on."""
        now = clock.now()

        def work(session: Session) -> None:
            session.get_one(Visit, visit_id).advance(state, occurred_at=now, now=now, actor="technician:1")

        self.services.db.run(work)


def type_plate() -> bytes:
    """A photo as customers send it: the type plate of a boiler."""
    plate = Image.new("RGB", (900, 700), (196, 202, 206))
    draw = ImageDraw.Draw(plate)
    draw.rounded_rectangle((90, 110, 810, 590), 24, fill=(238, 240, 241), outline=(90, 96, 100), width=6)
    for row, width in enumerate((420, 300, 520, 260, 380)):
        draw.rectangle((140, 170 + row * 80, 140 + width, 200 + row * 80), fill=(70, 78, 84))
    out = BytesIO()
    plate.save(out, "JPEG")
    return out.getvalue()


def book(tour: Tour) -> str:
    """From the first screen to the confirmation; returns the path of the private page."""
    page = tour.page
    tour.open("/book?lang=en")
    tour.take("service")
    page.locator(".service-cards .choice").first.click()
    page.locator("#questions .chip").first.click()
    chooser = {"name": "type plate.jpg", "mimeType": "image/jpeg", "buffer": type_plate()}
    page.locator("input[type=file]").first.set_input_files(chooser)  # type: ignore[arg-type]
    page.locator(".thumbs img").first.wait_for()
    tour.take("questions")
    tour.press("Continue")
    with tour.services.db.reading() as session:
        known = session.scalars(select(Site).where(Site.geocode_match == "exact").order_by(Site.id)).first()
        assert known is not None
        address = f"{known.address}, {known.city}"
    page.locator("#q").fill(address)
    page.locator("#find").click()
    page.locator("input[name=access_kind]").first.check(force=True)
    tour.take("address")
    tour.press("Continue")
    draft = urlsplit(page.url).path.removesuffix("/time")
    tour.in_every_language("windows", f"{draft}/time")
    later = page.locator("a.day:not([aria-current])").nth(2)  # of which everything can still be changed
    wanted = later.get_attribute("href") or ""
    later.click()
    page.wait_for_url(f"**{wanted}")
    page.locator("#windows .choice").last.click()
    tour.press("Continue")
    for field, value in (("name", "Rosa Whitfield"), ("phone", "410 555 0187"), ("email", EMAIL)):
        page.locator(f"#{field}").fill(value)
    tour.take("confirm")
    tour.press("Confirm booking")
    tour.take("booked")
    return urlsplit(page.url).path.removesuffix("/booked")


def afterwards(tour: Tour, link: str) -> None:
    """The private page and what is behind it, until the visit is over."""
    with tour.services.db.reading() as session:
        visit = links.find_visit(session, link.rpartition("/")[2], now=clock.now())
        visit_id, user = visit.id, session.scalars(select(User).order_by(User.id)).first()
        assert user is not None
        user_id = user.id
    tour.in_every_language("visit", link)
    tour.open(f"{link}/photos")
    tour.take("photos")
    tour.open(f"{link}/messages")
    tour.page.get_by_label("Your message").fill("Shall I move my car out of the drive?")
    tour.press("Send")
    said = "Yes, please. We bring a ladder."
    tour.services.db.run(
        lambda session: inbox.answer(
            session, session.get_one(Visit, visit_id), said, user_id=user_id, now=clock.now()
        )
    )
    tour.open(f"{link}/messages")
    tour.take("conversation")
    tour.open(f"{link}/earlier")
    tour.take("waiting-list")
    tour.come(visit_id)
    for state, path, name in (
        (VisitState.DISPATCHED, "", ""),
        (VisitState.EN_ROUTE, "/track", "track"),
        (VisitState.ON_SITE, "", ""),
        (VisitState.DONE, "/feedback", "feedback"),
    ):
        tour.enter(visit_id, state)
        if name:
            tour.open(f"{link}{path}")
            if state == VisitState.DONE:
                tour.press(re.compile("^4 stars"))
            tour.take(name)


def plans(tour: Tour) -> None:
    """A service plan, and the windows of the visit that is due."""
    with tour.services.db.reading() as session:
        found = [plan.latest_visit for plan in session.scalars(select(ServicePlan))]
        visit = next(visit for visit in found if visit is not None and visit.links)
        link = f"/visit/{links.token_of(visit.links[-1], tour.services.settings.secret_key)}"
    tour.open(f"{link}/plan")
    tour.take("plan")


def returning(tour: Tour) -> None:
    """Who has booked before: the code, and the windows at once."""
    tour.open("/book/returning")
    tour.page.locator("[name=known]").fill(EMAIL)
    tour.take("returning")
    tour.press("Send me a code")
    with tour.services.db.reading() as session:
        code = session.scalars(select(VisitorCode).order_by(VisitorCode.id.desc())).first()
        assert code is not None
        digits = codes.code_of(code.nonce, tour.services.settings.secret_key)
    tour.page.locator("[name=code]").fill(digits)
    tour.take("returning-code")
    tour.press("Continue")
    tour.take("returning-problem")


@contextmanager
def phone(browser: Browser, width: int, *, dark: bool) -> Iterator[Page]:
    """A page of a browser that has no cookies yet."""
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        locale="en-US",
        reduced_motion="reduce",
        color_scheme="dark" if dark else "light",
    )
    yield context.new_page()
    context.close()


def main(arguments: list[str] | None = None) -> int:
    """Take the pictures of a running demo."""
    parser = argparse.ArgumentParser(description="Pictures of the customers' screens of a running demo.")
    parser.add_argument("--url", default="http://localhost:8000", help="address of the demo")
    parser.add_argument("--data", type=Path, default=Path("var"), help="data folder of the demo")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots" / "customers")
    parser.add_argument("--width", type=int, default=390)
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    services = make_services(Settings(data_dir=options.data))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        with phone(browser, options.width, dark=options.dark) as page:
            tour = Tour(page, services, options.url, options.out)
            afterwards(tour, book(tour))
            plans(tour)
            returning(tour)
        browser.close()
    services.db.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
