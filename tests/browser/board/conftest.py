"""The board on a real server that lives on a coming Tuesday, seen with a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from fieldservice import migrate
from fieldservice.app import make_services
from fieldservice.config import Settings
from fieldservice.models import Stop
from fieldservice.planning.jobs import Work, run_next_job
from fieldservice.web import Services
from tests.browser.board.serve import STARTS_AT
from tests.fieldservice.dispatch.scene import Scene, set_up
from tests.running import process, ready
from tests.services import chromium_path, free_port
from tests.signing_in import PASSWORD, make_user

EMAIL, OTHER_EMAIL = "dana@example.com", "omar@example.com"
ZONE = ZoneInfo("America/New_York")


@dataclass
class Site:
    """A running server, the services on its database, and the day on which it lives."""

    url: str
    services: Services
    today: date
    now: datetime


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server; each test has a territory of its own on it."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"), secret_key="only-for-these-tests", port=free_port()
    )
    settings = replace(settings, public_url=f"http://localhost:{settings.port}")
    services = make_services(settings)
    migrate.upgrade(services.db.engine)
    for email in (EMAIL, OTHER_EMAIL):
        services.db.run(lambda session, email=email: make_user(session, email=email))
    monday = datetime.now(UTC).date() - timedelta(days=datetime.now(UTC).weekday())
    today = monday + timedelta(weeks=3, days=1)
    now = datetime.combine(today, time(8), ZONE).astimezone(UTC)
    log = settings.data_dir / "web.log"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(STARTS_AT, now.isoformat())
        with process(settings, "tests.browser.board.serve", log=log) as running:
            ready(settings, running, log)
            yield Site(settings.public_url, services, today, now)
    services.db.dispose()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield browser
        browser.close()


def sign_in(chromium: Browser, site: Site, email: str) -> StorageState:
    """What a browser keeps after somebody signed in."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/login")
    page.fill("[name=email]", email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/board/**")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, site: Site) -> Callable[..., BrowserContext]:
    """Makes windows of a browser in which the dispatcher has signed in once."""
    state = sign_in(chromium, site, EMAIL)
    return lambda **options: chromium.new_context(storage_state=state, **options)


@dataclass
class Desk:
    """A dispatcher's board of the test's own territory."""

    page: Page
    site: Site
    scene: Scene

    def open(self, **query: int) -> None:
        """Open the board of the day."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        self.page.goto(f"{self.site.url}/board/{self.site.today}?territory={self.scene.territory.id}&{asked}")

    def bar(self, name: str) -> str:
        """The selector of a customer's bar."""
        return f"#bar-{self.scene.ids[name]}"

    def stop(self, name: str) -> tuple[str, str] | None:
        """Technician and local start of a customer's visit, as they are stored."""
        with self.site.services.db.reading() as session:
            found = session.query(Stop).filter_by(visit_id=self.scene.ids[name]).one_or_none()
            if found is None:
                return None
            return found.technician.name.split()[0], f"{found.starts_at.astimezone(ZONE):%H:%M}"

    def search(self) -> None:
        """What the planning worker does: all that waits."""
        services = self.site.services
        work = Work(services.db, services.tables, 0.3, lambda: self.site.now)
        while run_next_job(work, owner="test"):
            pass


def _desk(site: Site, context: BrowserContext, troubles: list[str]) -> Desk:
    with site.services.db.transaction() as session:
        scene = set_up(session, site.today)
    page = context.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    return Desk(page, site, scene)


@pytest.fixture
def troubles() -> Iterator[list[str]]:
    """What the browser complained about; a refused move is an answer of 422 or 409, not a trouble."""
    found: list[str] = []
    yield found
    assert [text for text in found if "409" not in text and "422" not in text] == []


@pytest.fixture
def desk(site: Site, signed_in: Callable[..., BrowserContext], troubles: list[str]) -> Iterator[Desk]:
    """A board on a desk, 1440 × 900."""
    context = signed_in(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    yield _desk(site, context, troubles)
    context.close()


@pytest.fixture
def phone(site: Site, signed_in: Callable[..., BrowserContext], troubles: list[str]) -> Iterator[Desk]:
    """A board on a phone, 390 × 844."""
    context = signed_in(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    yield _desk(site, context, troubles)
    context.close()


@pytest.fixture
def plain(site: Site, signed_in: Callable[..., BrowserContext], troubles: list[str]) -> Iterator[Desk]:
    """A board in a browser without JavaScript."""
    context = signed_in(viewport={"width": 1440, "height": 900}, java_script_enabled=False)
    yield _desk(site, context, troubles)
    context.close()
