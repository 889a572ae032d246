"""What every response carries, and how the cookie is marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldservice.auth.headers import content_security_policy
from fieldservice.config import Settings
from tests.databases import SqliteTemplates
from tests.signing_in import csrf_token

ALWAYS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; "
    "script-src 'self'; connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def database_url(sqlite_templates: SqliteTemplates, tmp_path: Path) -> Iterator[str]:
    """One kind of database is enough: headers do not depend on it."""
    with sqlite_templates.fresh(tmp_path) as url:
        yield url


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/login", 200),
        ("GET", "/home", 302),
        ("GET", "/nowhere", 404),
        ("DELETE", "/login", 405),
        ("POST", "/open", 400),
        ("OPTIONS", "/open", 200),
        ("GET", "/broken", 500),
    ],
)
def test_every_response_is_protected(client: FlaskClient, method: str, path: str, status: int) -> None:
    """Pages, redirects and errors alike tell the browser what to refuse, and are not stored."""
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    assert "no-store" in answer.headers["Cache-Control"]
    assert "camera=()" in answer.headers["Permissions-Policy"]


def test_what_may_be_stored_says_so_itself(client: FlaskClient) -> None:
    """Map data and built files stay cacheable."""
    assert client.get("/cached").headers["Cache-Control"] == "public, max-age=60"


def test_https_is_kept_for_two_years(client: FlaskClient, https_client: FlaskClient) -> None:
    """A browser that came by https never tries without it; a test server on http promises nothing."""
    answer = https_client.get("/login", base_url="https://visits.example.com")
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert "Strict-Transport-Security" not in client.get("/login").headers


def test_the_cookie_is_out_of_reach(client: FlaskClient, https_client: FlaskClient) -> None:
    """No script reads it, no other site sends it with a form; with https it is bound to this host."""
    plain = client.get("/login").headers["Set-Cookie"]
    assert plain.startswith("fieldservice=")
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    secure = https_client.get("/login", base_url="https://visits.example.com").headers["Set-Cookie"]
    assert secure.startswith("__Host-fieldservice=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(secure.split("; "))
    assert "Domain" not in secure


def test_a_raster_map_opens_the_policy_for_its_pictures_alone() -> None:
    """Only the server of the tiles is added, and only when the setting asks for it."""
    address = "https://{s}.tile.example/{z}/{x}/{y}.png"
    settings = Settings(raster_tiles_url=address)
    assert "tile.example" not in content_security_policy(settings)
    policy = content_security_policy(replace(settings, map_tiles="raster"))
    assert "img-src 'self' data: blob: https://*.tile.example;" in policy
    assert policy.count("tile.example") == 1


@pytest.mark.parametrize("token", [None, "", "wrong", "x" * 5000, "\x00"])
def test_a_form_without_the_token_of_its_page_is_refused(client: FlaskClient, token: str | None) -> None:
    """Another site cannot send our forms; who is refused is told how to go on."""
    client.get("/login")
    answer = client.post("/open", data={"csrf_token": token} if token is not None else {})
    assert answer.status_code == 400
    assert "Go back, reload the page and send it again" in answer.text


def test_the_token_comes_in_the_form_or_in_the_header(app: Flask, client: FlaskClient) -> None:
    """Forms and htmx both get through, with the token of the own session only."""
    token = csrf_token(client)
    assert client.post("/open", data={"csrf_token": token}).status_code == 200
    assert client.post("/open", headers={"X-CSRFToken": token}).status_code == 200
    stranger = app.test_client()
    csrf_token(stranger)
    assert stranger.post("/open", data={"csrf_token": token}).status_code == 400


def test_a_board_that_stays_open_all_day_can_still_send(client: FlaskClient, clock_at_now) -> None:
    """The token lives as long as the session, not for an hour."""
    token = csrf_token(client)
    clock_at_now.shift(11 * 3600)
    assert client.post("/open", data={"csrf_token": token}).status_code == 200
