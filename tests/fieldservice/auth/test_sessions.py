"""Signing in and out: who gets a session, and everything that ends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from time_machine import Traveller

from fieldservice import auth
from fieldservice.auth import sessions
from fieldservice.db import Database
from fieldservice.models import AuditEntry, User, UserRole, UserSession
from tests.factories import NOW, make_technician
from tests.signing_in import PASSWORD, csrf_token, make_user, sign_in

COOKIE = "fieldservice"


@pytest.fixture
def dana(db: Database) -> User:
    """A dispatcher."""
    return db.run(lambda session: make_user(session, email="dana@example.com", name="Dana"))


def _stored(db: Database, query: Any) -> list[Any]:
    with db.reading() as session:
        return list(session.scalars(query))


def _replayed(app: Flask, cookie: str) -> FlaskClient:
    thief = app.test_client()
    thief.set_cookie(COOKIE, cookie)
    return thief


def _cookie(client: FlaskClient) -> str:
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


def test_signing_in_leads_to_the_home_of_the_role(client: FlaskClient, dana: User) -> None:
    """The right password opens the pages and says who is there."""
    answer = sign_in(client, "dana@example.com")
    assert (answer.status_code, answer.location) == (303, "/home")
    assert client.get("/home").text == f"user:{dana.id} Dana"
    assert client.get("/login").location == "/home"


def test_the_address_is_compared_without_case(client: FlaskClient, dana: User) -> None:
    """A phone that capitalises the address does not lock its owner out."""
    assert sign_in(client, "Dana@Example.com").location == "/home"


def test_a_technician_is_known_as_the_technician(client: FlaskClient, db: Database) -> None:
    """The account carries the id of the technician that it belongs to."""

    def work(session: Any) -> tuple[str, int]:
        user = make_user(session, UserRole.TECHNICIAN)
        return user.email, make_technician(session, user_id=user.id).id

    email, technician_id = db.run(work)
    sign_in(client, email)
    assert client.get("/van").text == f"technician {technician_id}"


def test_only_a_hash_of_the_token_is_kept(client: FlaskClient, dana: User, db: Database) -> None:
    """Whoever reads the table cannot sign in with what it holds."""
    sign_in(client, dana.email)
    with client.session_transaction() as cookie:
        token = cookie["login_token"]
    (row,) = _stored(db, select(UserSession))
    assert token not in (row.token_hash, row.user_agent)
    assert len(token) >= 43


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("dana@example.com", "wrong horse"),
        ("nobody@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("dana@example.com\x00", PASSWORD),
        ("dana@example.com", ""),
        ("", ""),
        ("dana@example.com", "x" * 5000),
        ("a" * 5000 + "@example.com", PASSWORD),
    ],
)
def test_every_refusal_reads_the_same(
    client: FlaskClient, dana: User, db: Database, email: str, password: str
) -> None:
    """Neither words nor status tell whether an address has an account; strange values are refused as well."""
    answer = sign_in(client, email, password)
    assert answer.status_code == 422
    assert answer.text.count("do not belong to an account") == 1
    assert password not in answer.text or not password
    assert _stored(db, select(UserSession)) == []


def test_a_closed_account_is_refused_in_the_same_words(client: FlaskClient, dana: User, db: Database) -> None:
    """A former colleague learns nothing about the account."""
    db.run(lambda session: auth.deactivate(session, session.get_one(User, dana.id), now=NOW))
    answer = sign_in(client, dana.email)
    assert answer.status_code == 422
    assert "do not belong to an account" in answer.text


def test_signing_out_ends_the_session_on_the_server(
    app: Flask, client: FlaskClient, dana: User, db: Database
) -> None:
    """A cookie that was copied before the sign-out opens nothing afterwards."""
    sign_in(client, dana.email)
    kept = _cookie(client)
    assert _replayed(app, kept).get("/office").status_code == 200
    answer = client.post("/logout", data={"csrf_token": csrf_token(client)})
    assert (answer.status_code, answer.location) == (302, "/login")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get("/office").status_code == 302
    assert _replayed(app, kept).get("/office").status_code == 302
    assert _replayed(app, kept).post("/office", data={"csrf_token": "x"}).status_code == 400
    assert [entry.action for entry in _stored(db, select(AuditEntry).order_by(AuditEntry.id))] == [
        "signed_in",
        "signed_out",
    ]


def test_signing_out_by_a_link_is_impossible(client: FlaskClient, dana: User) -> None:
    """An image on another site cannot sign anybody out."""
    sign_in(client, dana.email)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").status_code == 400
    assert client.get("/office").status_code == 200


def test_a_new_password_ends_all_sessions(app: Flask, client: FlaskClient, dana: User, db: Database) -> None:
    """Whoever is signed in with the old password is out at the next click, also on other devices."""
    other = app.test_client()
    sign_in(client, dana.email)
    sign_in(other, dana.email)
    db.run(
        lambda session: auth.set_password(
            session, session.get_one(User, dana.id), "correct zebra parade", now=NOW
        )
    )
    assert client.get("/office").status_code == other.get("/office").status_code == 302
    assert all(row.ended_at == NOW for row in _stored(db, select(UserSession)))
    assert sign_in(app.test_client(), dana.email).status_code == 422
    assert sign_in(app.test_client(), dana.email, "correct zebra parade").status_code == 303


def test_deactivation_ends_all_sessions(client: FlaskClient, dana: User, db: Database) -> None:
    """A dismissed dispatcher is out at the next click."""
    sign_in(client, dana.email)
    db.run(lambda session: auth.deactivate(session, session.get_one(User, dana.id), now=NOW))
    assert client.get("/office").status_code == 302


@pytest.mark.parametrize("column", ["active", "fs_uniquifier"])
def test_an_account_changed_behind_the_product_ends_its_sessions(
    client: FlaskClient, dana: User, db: Database, column: str
) -> None:
    """Even when only the user's row is changed by hand, the old sessions are refused."""
    sign_in(client, dana.email)
    value = {"active": False, "fs_uniquifier": "another"}[column]
    db.run(lambda session: session.execute(update(User).values({column: value})))
    assert client.get("/office").status_code == 302


def test_twelve_idle_hours_end_a_session(client: FlaskClient, dana: User, clock_at_now: Traveller) -> None:
    """A forgotten browser is signed out; one that is used stays signed in."""
    sign_in(client, dana.email)
    clock_at_now.shift(sessions.LONGEST_IDLE - timedelta(minutes=1))
    assert client.get("/office").status_code == 200
    clock_at_now.shift(sessions.LONGEST_IDLE - timedelta(minutes=1))
    assert client.get("/office").status_code == 200
    clock_at_now.shift(sessions.LONGEST_IDLE + timedelta(minutes=1))
    assert client.get("/office").status_code == 302


def test_seven_days_end_a_session_however_often_it_is_used(
    client: FlaskClient, dana: User, clock_at_now: Traveller, db: Database
) -> None:
    """A stolen session does not last for ever; the next sign-in clears the table of it."""
    sign_in(client, dana.email)
    for _ in range(2 * 7 - 1):
        clock_at_now.shift(sessions.LONGEST_IDLE - timedelta(minutes=1))
        assert client.get("/office").status_code == 200
    clock_at_now.shift(sessions.LONGEST_IDLE - timedelta(minutes=1) + timedelta(minutes=20))
    assert client.get("/office").status_code == 302
    sign_in(client, dana.email)
    assert len(_stored(db, select(UserSession))) == 1


def test_reading_pages_writes_only_now_and_then(
    client: FlaskClient, dana: User, db: Database, clock_at_now: Traveller
) -> None:
    """A board that polls every three seconds does not write every three seconds."""
    sign_in(client, dana.email)

    def seen() -> Any:
        return _stored(db, select(UserSession.last_seen_at))[0]

    first = seen()
    clock_at_now.shift(sessions.TOUCH_EVERY - timedelta(seconds=30))
    client.get("/office")
    assert seen() == first
    clock_at_now.shift(60)
    client.get("/office")
    assert seen() > first


def test_a_session_is_new_at_each_sign_in(app: Flask, client: FlaskClient, dana: User) -> None:
    """A cookie that somebody planted before the sign-in is worth nothing after it, nor is its CSRF token."""
    planted = csrf_token(client)
    cookie = _cookie(client)
    form = {"email": dana.email, "password": PASSWORD, "csrf_token": planted}
    client.post("/login", data=form)
    assert _replayed(app, cookie).get("/office").status_code == 302
    assert client.post("/office", data={"csrf_token": planted}).status_code == 400
    assert client.post("/office", data={"csrf_token": csrf_token(client)}).status_code == 200


@pytest.mark.parametrize("name", ["Authentication-Token", "Authorization"])
def test_no_other_credential_opens_anything(
    app: Flask, client: FlaskClient, dana: User, db: Database, name: str
) -> None:
    """Tokens that Flask-Security would accept, and which the server could not end, are ignored."""
    with app.test_request_context():
        token = app.extensions["security"].datastore.find_user(email=dana.email).get_auth_token()
    assert client.get("/office", headers={name: token}).status_code == 302
    assert client.get("/office", query_string={"auth_token": token}).status_code == 302
    client.set_cookie("remember_token", f"{dana.fs_uniquifier}|{token}")
    assert client.get("/office").status_code == 302


def test_a_forged_cookie_opens_nothing(app: Flask, client: FlaskClient, dana: User) -> None:
    """Knowing the signing key is not enough: the session must be in the table."""
    with client.session_transaction() as cookie:
        cookie["_user_id"] = dana.fs_uniquifier
        cookie["login_token"] = "A" * 43
    assert client.get("/office").status_code == 302
    with client.session_transaction() as cookie:
        cookie["login_token"] = {"not": "text"}
    assert client.get("/office").status_code == 302


def test_no_view_of_flask_security_but_sign_in_and_sign_out(app: Flask) -> None:
    """Nobody registers, confirms or resets anything over the web."""
    rules = {(rule.rule, rule.endpoint) for rule in app.url_map.iter_rules() if "security" in rule.endpoint}
    assert rules == {("/login", "security.login"), ("/logout", "security.logout")}


@pytest.mark.parametrize("body", [b"[1, 2]", b"{", b'{"email": {"a": 1}}'])
def test_json_is_not_a_way_in(client: FlaskClient, body: bytes) -> None:
    """The sign-in takes forms alone, whatever the JSON holds."""
    headers = {"X-CSRFToken": csrf_token(client)}
    answer = client.post("/login", data=body, headers=headers, content_type="application/json")
    assert answer.status_code == 415


def test_a_password_is_hashed_as_flask_security_hashes_it(app: Flask, dana: User) -> None:
    """The sign-in finds nothing to renew in the hashes that `add_user` makes: Argon2id, the same costs."""
    context = app.extensions["security"].pwd_context
    assert dana.password.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not context.needs_update(dana.password)


def test_an_outdated_hash_is_renewed_by_the_sign_in(
    app: Flask, client: FlaskClient, dana: User, db: Database
) -> None:
    """Costlier hashing reaches accounts that were made before, and their password stays right."""
    cheap = app.extensions["security"].pwd_context.using(argon2__time_cost=1, argon2__memory_cost=32)
    db.run(lambda session: session.execute(update(User).values(password=cheap.hash(PASSWORD))))
    assert sign_in(client, dana.email).status_code == 303
    (renewed,) = _stored(db, select(User.password))
    assert renewed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert sign_in(app.test_client(), dana.email).status_code == 303
