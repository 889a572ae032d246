"""How often somebody may try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from time_machine import Traveller

from fieldservice.auth import limits
from fieldservice.config import Settings
from fieldservice.db import Database
from tests.databases import SqliteTemplates
from tests.fieldservice.auth.conftest import make_app
from tests.signing_in import PASSWORD, csrf_token, make_user, sign_in


@pytest.fixture
def database_url(sqlite_templates: SqliteTemplates, tmp_path: Path) -> Iterator[str]:
    """One kind of database is enough: the counters are not in it."""
    with sqlite_templates.fresh(tmp_path) as url:
        yield url


def _from(address: str) -> Mapping[str, str]:
    return {"REMOTE_ADDR": address}


def test_the_sixth_try_on_an_account_within_a_minute_is_refused(
    app: Flask, client: FlaskClient, db: Database, clock_at_now: Traveller
) -> None:
    """Guessing is slow wherever it comes from, and also stops the right password; a minute later it works."""
    email = db.run(lambda session: make_user(session).email)
    token = csrf_token(client)
    for tried in range(6):
        form = {"email": f" {email.upper()}", "password": "wrong horse", "csrf_token": token}
        answer = client.post("/login", data=form, environ_overrides=_from(f"192.0.2.{tried}"))
        assert answer.status_code == (422 if tried < 5 else 429)
    assert int(answer.headers["Retry-After"]) in range(1, 61)
    assert sign_in(client, email).status_code == 429
    clock_at_now.shift(61)
    assert sign_in(client, email).status_code == 303


def test_the_limit_does_not_tell_whether_an_account_exists(client: FlaskClient, db: Database) -> None:
    """Unknown addresses are refused after as many tries as known ones."""
    answers = [sign_in(client, "nobody@example.com").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_the_twenty_first_try_from_an_address_within_a_minute_is_refused(
    client: FlaskClient, db: Database
) -> None:
    """One password tried on many accounts is stopped as well, others are not."""
    token = csrf_token(client)

    def tried(number: int, address: str) -> int:
        form = {"email": f"somebody{number}@example.com", "password": PASSWORD, "csrf_token": token}
        return client.post("/login", data=form, environ_overrides=_from(address)).status_code

    assert [tried(number, "192.0.2.7") for number in range(21)] == [422] * 20 + [429]
    assert tried(21, "192.0.2.8") == 422


def test_looking_at_the_sign_in_page_is_free(client: FlaskClient) -> None:
    """Only tries count."""
    assert {client.get("/login").status_code for _ in range(30)} == {200}


def test_ten_bookings_a_minute_from_an_address(client: FlaskClient) -> None:
    """The limit that the faces attach works for whoever is signed in or not."""
    token = csrf_token(client)
    answers = [client.post("/open", data={"csrf_token": token}).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]


def test_a_test_may_raise_a_limit(app: Flask, client: FlaskClient) -> None:
    """The figure is read from the configuration at each request."""
    app.config["LIMIT_BOOKING"] = "100/minute"
    token = csrf_token(client)
    assert {client.post("/open", data={"csrf_token": token}).status_code for _ in range(20)} == {200}


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
    ],
)
def test_an_ipv6_network_counts_as_one(app: Flask, address: str, counted: str) -> None:
    """Who owns 2^64 addresses does not get 2^64 times the tries."""
    with app.test_request_context(environ_overrides=_from(address)):
        assert limits.client() == counted


def test_limits_hold_while_the_shared_store_is_away(
    db: Database, settings: Settings, clock_at_now: Traveller
) -> None:
    """Nobody is refused because the counters cannot be reached, and nobody may try without end."""
    app = make_app(db, replace(settings, rate_limit_storage="redis://127.0.0.1:1/0"))
    client = app.test_client()
    token = csrf_token(client)
    answers = [client.post("/open", data={"csrf_token": token}).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]
