"""The technician's pages on a real server, seen with a real Chromium at the size of a phone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from werkzeug.serving import make_server

from fieldservice.db import Database
from tests.fieldservice.field.crew import Crew
from tests.services import chromium_path
from tests.signing_in import signed_in

PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def crew(db: Database) -> Crew:
    """Three visits of today on one technician's route."""
    return Crew(db)


@pytest.fixture
def site(app: Flask, clock_at_now: time_machine.Traveller) -> Iterator[str]:
    """The address of a running server, on which it is 8:00."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def troubles() -> list[str]:
    """What the browser complained about: errors of scripts and of the content security policy."""
    return []


@pytest.fixture(params=[True])
def page(
    request: pytest.FixtureRequest, chromium: Browser, app: Flask, crew: Crew, site: str, troubles: list[str]
) -> Iterator[Page]:
    """The technician's phone, signed in; without JavaScript for a parameter that is false."""
    context = chromium.new_context(
        viewport=PHONE, java_script_enabled=request.param, base_url=site, reduced_motion="reduce"
    )
    cookie = signed_in(app, crew.db, crew.account).get_cookie("fieldservice")
    assert cookie
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
    page = context.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
