"""The booking pages on a real server, seen with a real Chromium at the size of a phone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from fieldservice import migrate
from fieldservice.app import create_app, make_services
from fieldservice.config import Settings
from fieldservice.geo.address import Address
from fieldservice.web import Services
from tests.fieldservice.booking import demoville
from tests.services import chromium_path

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def town_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map of the synthetic town."""
    return demoville.build_map(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="module")
def home(town_map: Path) -> Address:
    """Where the customer lives."""
    return demoville.an_address(town_map, 1)


@pytest.fixture(scope="module")
def written() -> Callable[[Session], object]:
    """What a file of tests adds to the company."""
    return lambda _session: None


@pytest.fixture(scope="module")
def running(
    town_map: Path, tmp_path_factory: pytest.TempPathFactory, written: Callable[[Session], object]
) -> Iterator[Services]:
    """A company with ten technicians; the tests of a file share it."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"), map_dir=town_map, secret_key="only-for-these-tests"
    )
    services = make_services(settings)
    migrate.upgrade(services.db.engine)
    with services.db.transaction() as session:
        demoville.open_company(session, technicians=10)
        written(session)
    yield services
    services.db.dispose()


@pytest.fixture(scope="module")
def site(running: Services) -> Iterator[str]:
    """The address of a running server of the company."""
    app = create_app(running.settings, replace(running))
    app.config.update(LIMIT_BOOKING="1000/minute", LIMIT_FORM="1000/minute", LIMIT_LOOKUP="1000/minute")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def troubles() -> list[str]:
    """What the browser complained about: errors of scripts and of the content security policy."""
    return []


@pytest.fixture
def page(chromium: Browser, site: str, troubles: list[str]) -> Iterator[Page]:
    """A phone with JavaScript."""
    yield from _page(chromium, site, troubles, scripts=True)


@pytest.fixture
def plain_page(chromium: Browser, site: str, troubles: list[str]) -> Iterator[Page]:
    """A phone without JavaScript."""
    yield from _page(chromium, site, troubles, scripts=False)


def _page(chromium: Browser, site: str, troubles: list[str], *, scripts: bool) -> Iterator[Page]:
    context = chromium.new_context(
        viewport=PHONE, java_script_enabled=scripts, base_url=site, reduced_motion="reduce"
    )
    page = context.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "console",
        lambda message: (
            troubles.append(message.text)
            if message.type == "error" and "status of 4" not in message.text
            else None
        ),
    )
    yield page
    context.close()
