"""The booking on another company's site: another origin with a strict policy of its own, and no cookies."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright
from werkzeug.serving import make_server

from fieldservice.app import create_app
from fieldservice.geo.address import Address
from fieldservice.web import Services
from tests.browser.booking.conftest import PHONE
from tests.browser.booking.test_booking import assert_accessible
from tests.services import chromium_path, free_port

pytestmark = pytest.mark.browser
HEAD = "<!doctype html><html lang=en><title>Host</title><h1>Host</h1>"


@dataclass(frozen=True)
class Sites:
    """Ours, one that may frame it, and one that may not."""

    ours: str
    host: str
    stranger: str


def served(app: Flask, port: int) -> Iterator[None]:
    """A running server."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


def host_app(ours: str) -> Flask:
    """Another company's site: nothing is allowed there but our script and our frame."""
    app = Flask("host")
    link = f'<a href="{ours}/book?service=heating">Book a visit</a>'

    @app.get("/")
    def page() -> str:
        script = f'<script src="{ours}/widget.js" data-service="heating" data-title="Book us" defer></script>'
        return f"{HEAD}{script}<noscript>{link}</noscript>"

    @app.get("/plain")
    def plain() -> str:
        frame = f'<iframe src="{ours}/embed/book?service=heating" title="Book us" height=900></iframe>'
        return f"{HEAD}{frame}{link}"

    @app.after_request
    def strict(response):  # type: ignore[no-untyped-def]
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src {ours}; frame-src {ours}"
        )
        return response

    return app


@pytest.fixture(scope="module")
def sites(running: Services) -> Iterator[Sites]:
    """Three origins of two sites: for a browser `localhost` is another site than `127.0.0.1`."""
    ports = [free_port() for _ in range(3)]
    sites = Sites(
        f"http://127.0.0.1:{ports[0]}", f"http://localhost:{ports[1]}", f"http://localhost:{ports[2]}"
    )
    settings = replace(running.settings, widget_origins=sites.host, public_url=sites.ours)
    app = create_app(settings, replace(running, settings=settings))
    app.config.update(LIMIT_BOOKING="1000/minute", LIMIT_FORM="1000/minute", LIMIT_LOOKUP="1000/minute")
    runs = [served(app, ports[0]), *(served(host_app(sites.ours), port) for port in ports[1:])]
    for run in runs:
        next(run)
    yield sites
    for run in runs:
        next(run, None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser that blocks the cookies of frames, as all will."""
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--test-third-party-cookie-phaseout"]
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=flags)
        yield browser
        browser.close()


@pytest.fixture
def visitor(request: pytest.FixtureRequest, chromium: Browser, troubles: list[str]) -> Iterator[Page]:
    """A phone; without JavaScript for a parameter that is false."""
    scripts = getattr(request, "param", True)
    context = chromium.new_context(viewport=PHONE, java_script_enabled=scripts, reduced_motion="reduce")
    page = context.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    yield page
    context.close()


def go_on(frame: FrameLocator | Page, button: str | re.Pattern[str], heading: str) -> None:
    """Press a button in the frame and wait for the step that it leads to."""
    frame.get_by_role("button", name=button).last.click()
    expect(frame.get_by_role("heading", level=1)).to_have_text(heading)


def book_inside(frame: FrameLocator | Page, home: Address) -> None:
    """All steps in the frame, from the problem to the confirmation."""
    expect(frame.get_by_role("radio", name="Heating")).to_be_checked()
    go_on(frame, "Continue", "Where should we come?")
    frame.get_by_label("Find your address").fill(home.label)
    frame.get_by_role("radio", name="Someone over 18 will be home").check()
    go_on(frame, "Continue", "When suits you?")
    frame.get_by_role("radio").first.check()
    go_on(frame, re.compile("Continue"), "Check and confirm")
    frame.get_by_label("Full name").fill("Rosa Whitfield")
    frame.get_by_label("Email").first.fill("rosa@example.com")
    go_on(frame, "Confirm booking", "You’re booked")


def test_a_whole_booking_on_another_site(
    visitor: Page, sites: Sites, home: Address, troubles: list[str]
) -> None:
    """One line puts it there, as high as its page; no cookie is set; the private page is ours."""
    visitor.goto(sites.host)
    box = visitor.locator("iframe")
    expect(box).to_have_attribute("title", "Book us")
    expect(box).not_to_have_attribute("height", "720")  # the frame has told its height
    frame = visitor.frame_locator("iframe")
    expect(frame.get_by_role("link", name="Help")).to_be_visible()
    first = box.get_attribute("height")
    book_inside(frame, home)
    expect(box).not_to_have_attribute("height", first or "")
    inside = visitor.frames[1]
    assert inside.evaluate("document.documentElement.scrollHeight <= innerHeight + 1")
    assert visitor.context.cookies() == []
    assert troubles == []
    frame.get_by_role("link", name="Open your visit").click()
    visitor.wait_for_url(re.compile(re.escape(sites.ours) + "/visit/[^/]+/booked$"))
    expect(visitor.get_by_role("link", name="Manage visit")).to_be_visible()


@pytest.mark.parametrize("visitor", [False], indirect=True)
def test_without_javascript_there_is_a_link_and_a_plain_frame(
    visitor: Page, sites: Sites, home: Address
) -> None:
    """The link opens the same form on our own site; the frame that was written by hand works to the end."""
    visitor.goto(f"{sites.host}/plain")
    book_inside(visitor.frame_locator("iframe"), home)
    assert visitor.context.cookies() == []
    visitor.goto(sites.host)
    visitor.get_by_role("link", name="Book a visit").click()
    expect(visitor).to_have_url(f"{sites.ours}/book?service=heating")
    expect(visitor.get_by_role("radio", name="Heating")).to_be_checked()


def test_a_site_that_is_not_named_frames_nothing(visitor: Page, sites: Sites, troubles: list[str]) -> None:
    """The browser refuses the frame there, and a private page or the sign-in anywhere."""
    visitor.goto(sites.stranger)
    visitor.wait_for_timeout(500)
    assert any("frame-ancestors" in said for said in troubles)
    expect(visitor.locator("iframe")).to_have_attribute("height", "720")


def test_the_pages_of_the_frame(visitor: Page, sites: Sites, home: Address) -> None:
    """No fault on the first step, nor on what leads out, nor on the confirmation."""
    for path in ("/embed/book?service=gone", "/embed/login"):
        visitor.goto(f"{sites.ours}{path}")
        assert_accessible(visitor)
    expect(visitor.get_by_role("link", name="Open the page")).to_have_attribute("href", "/login")
    visitor.goto(f"{sites.ours}/embed/book?service=heating")
    book_inside(visitor, home)
    assert_accessible(visitor)
