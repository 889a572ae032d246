"""The booking in a frame of another site: who may frame what, and forms that are safe without cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fieldservice import migrate
from fieldservice.app import create_app, make_services
from fieldservice.config import SettingError, Settings
from fieldservice.web import Services
from tests.factories import make_company

HOSTS = "https://www.example.com, http://127.0.0.1:8123"
OURS = {"Origin": "http://localhost"}
ANCESTORS = "frame-ancestors https://www.example.com http://127.0.0.1:8123"


@pytest.fixture(scope="module")
def framed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A company whose booking two sites may frame; one kind of database is enough for that."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"), secret_key="only-here", widget_origins=HOSTS
    )
    services = make_services(settings)
    migrate.upgrade(services.db.engine)
    with services.db.transaction() as session:
        make_company(session)
    yield services
    services.db.dispose()


@pytest.fixture(scope="module")
def site(framed: Services) -> Flask:
    """The company's site."""
    app = create_app(framed.settings, framed)
    app.config.update(LIMIT_LOOKUP="10000/minute", LIMIT_POLL="10000/minute", LIMIT_FORM="10000/minute")
    return app


@pytest.fixture
def browser(site: Flask) -> FlaskClient:
    """Somebody's browser."""
    return site.test_client()


def form_of(browser: FlaskClient, path: str) -> dict[str, str]:
    """The hidden fields and the first service of a booking page."""
    page = browser.get(path).text
    hidden = {
        name: found[1]
        for name in ("csrf_token", "idempotency_key", "draft")
        if (found := re.search(rf'name="{name}"[^>]*value="([^"]+)"', page))
    }
    service = re.search(r'name="service"[^>]*value="([^"]+)"', page)
    assert service
    return hidden | {"service": service[1], "problem": "It drips"}


def get(browser: FlaskClient, path: str) -> TestResponse:
    """An answer that is read to its end."""
    answer = browser.get(path)
    assert answer.data is not None
    answer.close()
    return answer


def every_get(app: Flask) -> list[str]:
    """An address for each rule that can be got."""
    values = {"int": "1", "day": "2026-11-24", "path": "vendor/manifest.json"}
    return [
        re.sub(r"<(?:(\w+):)?\w+>", lambda part: values.get(part[1] or "", "A" * 43), rule.rule)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
    ]


def test_only_booking_steps_open_up_and_only_in_the_frame(site: Flask, browser: FlaskClient) -> None:
    """Over all rules: as itself no page may be framed; below the prefix all but the steps lead out."""
    steps = 0
    for path in every_get(site):
        plain, inside = get(browser, path), get(browser, f"/embed{path}")
        assert plain.headers["Content-Security-Policy"].endswith("frame-ancestors 'none'"), path
        assert plain.headers["X-Frame-Options"] == "DENY", path
        assert inside.headers["Content-Security-Policy"].endswith(ANCESTORS), path
        assert "X-Frame-Options" not in inside.headers, path
        if path == "/book" or path.startswith("/book/"):
            steps += 1
            assert inside.status_code == plain.status_code, path
        elif path not in ("/", "/static/vendor/manifest.json") and not path.startswith("/tiles/"):
            assert 'target="_top"' in inside.text or inside.status_code == 404, path
            assert "<form" not in inside.text, path
        assert "Set-Cookie" not in inside.headers, path
    assert steps > 15


def test_without_sites_there_is_no_frame(framed: Services) -> None:
    """Nothing below the prefix and no script unless the company names a site."""
    settings = replace(framed.settings, widget_origins="")
    browser = create_app(settings, replace(framed, settings=settings)).test_client()
    assert browser.get("/embed/book").status_code == 404
    assert browser.get("/widget.js").status_code == 404


def test_a_form_of_the_frame_counts_without_cookies(site: Flask) -> None:
    """A browser that keeps no cookie begins a booking, and stays below the prefix."""
    browser = site.test_client(use_cookies=False)
    answer = browser.post("/embed/book", data=form_of(browser, "/embed/book"), headers=OURS)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/embed/book/")
    assert answer.headers["Location"].endswith(("/address", "/try"))


def test_what_was_refused_is_said_without_cookies(site: Flask) -> None:
    """The next page in the frame names the file that was not added; elsewhere the words count nothing."""
    browser = site.test_client(use_cookies=False)
    form = form_of(browser, "/embed/book") | {"files": (BytesIO(b"<svg/>"), "drawing.svg")}
    answer = browser.post("/embed/book", data=form, headers=OURS, content_type="multipart/form-data")
    assert answer.status_code == 303
    where = answer.headers["Location"]
    assert "“drawing.svg” was not added" in browser.get(where).text
    said = where.partition("?")[2]
    for elsewhere in (f"/embed/book?{said}", f"/book?{said}", where[:-3]):
        assert "was not added" not in browser.get(elsewhere).text


@pytest.mark.parametrize("origin", [None, "null", "https://www.example.com", "http://localhost.evil.example"])
def test_a_form_from_elsewhere_does_not_count(site: Flask, origin: str | None) -> None:
    """Even with a token that anybody can fetch: the browser says where a form comes from."""
    browser = site.test_client(use_cookies=False)
    headers = {"Origin": origin} if origin else {}
    answer = browser.post("/embed/book", data=form_of(browser, "/embed/book"), headers=headers)
    assert answer.status_code == 400


def test_a_token_of_the_frame_is_worth_nothing_outside(site: Flask, browser: FlaskClient) -> None:
    """Who is signed in keeps the protection of their session; the frame's own form is the control."""
    browser.get("/book")
    form = form_of(browser, "/embed/book")
    assert browser.post("/book", data=form, headers=OURS).status_code == 400
    assert browser.post("/embed/book", data=form, headers=OURS).status_code == 303


def test_nothing_but_steps_can_be_sent(browser: FlaskClient) -> None:
    """The sign-in and the private page take no form in a frame."""
    token = form_of(browser, "/embed/book")["csrf_token"]
    for path in ("/login", "/visit/" + "A" * 43 + "/cancel", "/day/visits/1/taps"):
        assert browser.post(f"/embed{path}", data={"csrf_token": token}, headers=OURS).status_code == 404


def test_the_script_may_be_loaded_from_anywhere(browser: FlaskClient) -> None:
    """The one response that other sites may use; it is short and names no other site."""
    answer = get(browser, "/widget.js")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.mimetype == "text/javascript"
    assert len(answer.data) < 2048


def test_a_service_that_is_gone_is_said(browser: FlaskClient) -> None:
    """A link to one that does not exist shows all of them, with a word; one that exists is picked."""
    word = "What the link asked for cannot be booked online any more"
    assert word in browser.get("/book?service=gone").text
    known = form_of(browser, "/book")["service"]
    page = browser.get(f"/book?service={known}").text
    assert word not in page
    assert "checked" in page


@pytest.mark.parametrize(
    "origins", ["*", "https://*.example.com", "https://a.example/x", "a.example", "https://a; x"]
)
def test_only_exact_origins_are_settings(origins: str) -> None:
    """What would open the pages to more than one site, or add to the policy, is refused at the start."""
    with pytest.raises(SettingError, match="FIELDSERVICE_WIDGET_ORIGINS"):
        Settings(widget_origins=origins).require_valid()
