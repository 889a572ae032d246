"""Who is let into a view, and what everybody else is answered."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from fieldservice.auth import Actor
from fieldservice.db import Database
from fieldservice.models import UserRole
from tests.signing_in import csrf_token, make_user, sign_in


def _signed_in(client: FlaskClient, db: Database, role: UserRole) -> None:
    assert sign_in(client, db.run(lambda session: make_user(session, role).email)).status_code == 303


@pytest.mark.parametrize(
    ("role", "office", "van"),
    [(UserRole.ADMIN, 200, 403), (UserRole.DISPATCHER, 200, 403), (UserRole.TECHNICIAN, 403, 200)],
)
def test_only_the_named_roles_get_in(
    client: FlaskClient, db: Database, role: UserRole, office: int, van: int
) -> None:
    """A role that a view does not name is refused, the administrator too."""
    _signed_in(client, db, role)
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


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "/\n/evil.example",
        "\x19//evil.example",
        "office",
        "/\u200a/evil.example",
        "",
    ],
)
def test_the_sign_in_leads_nowhere_else(client: FlaskClient, db: Database, target: str) -> None:
    """A link to the sign-in cannot carry anybody off to another site, in the address or in the form."""
    email = db.run(lambda session: make_user(session).email)
    assert sign_in(client, email, next=target).location == "/home"
    assert client.get("/login", query_string={"next": target}).location == "/home"
    with client.session_transaction() as cookie:
        cookie.clear()
    form = {"email": email, "password": "horse battery staple", "csrf_token": csrf_token(client)}
    assert client.post("/login", data=form | {"next": target}).location == "/home"


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
