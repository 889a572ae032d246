"""Sign in and send forms as a browser does: with the CSRF token of the page that it saw."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from fieldservice import auth
from fieldservice.auth import passwords, sessions
from fieldservice.db import Database
from fieldservice.models import User, UserRole
from tests.factories import NOW, number

PASSWORD = "horse battery staple"  # noqa: S105
_hashed_once = cache(passwords.hash_password)  # as dear as in the product, but not for every test again
_CSRF = re.compile(r'"X-CSRFToken": "([^"]+)"')


def make_user(session: Session, role: UserRole = UserRole.DISPATCHER, **overrides: Any) -> User:
    """An account that can sign in with PASSWORD."""
    values = {"email": f"user{number()}@example.com", "name": f"{role.capitalize()} {number()}"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hash_password", _hashed_once)
        return auth.add_user(session, role=role, password=PASSWORD, now=NOW, **(values | overrides))


def csrf_token(client: FlaskClient) -> str:
    """A token that fits the client's cookie; every page carries one, that of an unknown address too."""
    found = _CSRF.search(client.get("/no-such-page").text)
    assert found
    return found[1]


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, **query: str) -> TestResponse:
    """Send the sign-in form; where it leads is in the response."""
    form = {"email": email, "password": password, "csrf_token": csrf_token(client)}
    return client.post("/login", data=form, query_string=query)


def signed_in(app: Flask, db: Database, user: User, *, now: datetime = NOW) -> FlaskClient:
    """A browser in the state in which the sign-in leaves it, without the time that hashing takes."""
    client = app.test_client()
    token = db.run(lambda session: sessions.start(session, user.id, now=now))
    with client.session_transaction() as cookie:
        cookie["_user_id"] = user.fs_uniquifier
        cookie["login_token"] = token
    return client
