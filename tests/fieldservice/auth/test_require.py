"""Who is let into a view, and what everybody else is answered."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from time_machine import Traveller

from fieldservice.auth import Actor
from fieldservice.auth.staff import is_local
from fieldservice.db import Database
from fieldservice.models import UserRole
from tests.signing_in import PASSWORD, csrf_token, make_user, sign_in, signed_in


@pytest.mark.parametrize(
    ("role", "office", "van"),
    [(UserRole.ADMIN, 200, 403), (UserRole.DISPATCHER, 200, 403), (UserRole.TECHNICIAN, 403, 200)],
)
def test_only_the_named_roles_get_in(
    app: Flask, clock_at_now: Traveller, db: Database, role: UserRole, office: int, van: int
) -> None:
    """A role that a view does not name is refused, the administrator too."""
    client = signed_in(app, db, db.run(lambda session: make_user(session, role)))
    assert (client.get("/office").status_code, client.get("/van").status_code) == (office, van)
    assert client.get("/home").status_code == 200


def test_a_page_leads_to_the_sign_in_and_back(client: FlaskClient, db: Database) -> None:
    """Whoever follows a bookmark lands on it after the sign-in, its query included."""
    email = db.run(lambda session: make_user(session).email)
    answer = client.get("/office?day=2026-03-02&tab=a%20b")
    assert answer.status_code == 302
    assert answer.location == "/login?next=/office?day%3D2026-03-02%26tab%3Da%2520b"
    answer = sign_in(client, email, next="/office?day=2026-03-02&tab=a%20b")
    assert answer.location == "/office?day=2026-03-02&tab=a%20b"


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "javascript:alert(1)",
    "/\tevil",
    "/\n/evil.example",
    "\x19//evil.example",
    "office",
    "/\u200a/evil.example",
    "",
]


@pytest.mark.parametrize("target", [*ELSEWHERE, "///evil.example/", " //evil.example", "/office\x00"])
def test_only_a_path_of_this_site_is_local(target: str) -> None:
    """However browsers read odd slashes and invisible characters, they cannot be led elsewhere."""
    assert not is_local(target)
    assert is_local("/office?day=2026-03-02&tab=a%20b#top")


def test_the_sign_in_leads_nowhere_else(client: FlaskClient, db: Database) -> None:
    """A link to the sign-in cannot carry anybody off to another site, in the address or in the form."""
    email = db.run(lambda session: make_user(session).email)
    assert sign_in(client, email, next="https://evil.example/").location == "/home"
    for target in ELSEWHERE:
        assert client.get("/login", query_string={"next": target}).location == "/home"
    with client.session_transaction() as cookie:
        cookie.clear()
    form = {"email": email, "password": PASSWORD, "csrf_token": csrf_token(client)}
    assert client.post("/login", data=form | {"next": "//evil.example/"}).location == "/home"


def test_what_is_no_page_is_told_that_nobody_is_signed_in(client: FlaskClient) -> None:
    """A form or a refreshed fragment does not get the sign-in page as if it were its answer."""
    post = client.post("/office", data={"csrf_token": csrf_token(client)})
    assert (post.status_code, "Please sign in again" in post.text) == (401, True)
    assert client.get("/office", headers={"Sec-Fetch-Mode": "cors"}).status_code == 401
    fragment = client.get("/office", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (401, "/login")


def test_a_label_fits_into_a_history() -> None:
    """However long the name is, the event can be stored."""
    assert Actor(3, "Dana", UserRole.DISPATCHER, None).label == "user:3 Dana"
    assert len(Actor(3, "D" * 120, UserRole.DISPATCHER, None).label) == 80


def test_a_failing_database_does_not_take_the_error_page_with_it(
    app: Flask, clock_at_now: Traveller, db: Database
) -> None:
    """Who is signed in still gets a page with words when nobody can be looked up."""
    client = signed_in(app, db, db.run(make_user))
    db.run(lambda session: session.execute(text("ALTER TABLE user_session RENAME TO lost")))
    answer = client.get("/office")
    db.run(lambda session: session.execute(text("ALTER TABLE lost RENAME TO user_session")))
    assert answer.status_code == 500
    assert "Go to the start page" in answer.text
