"""A company, and programs with tokens that use the API."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from time_machine import Traveller
from werkzeug.test import TestResponse

from fieldservice.api.tokens import Scope, make_token
from fieldservice.web import Services
from tests.factories import CENTRE, NOW, Company, make_company


@dataclass
class Program:
    """A program with a token."""

    client: FlaskClient
    token: str

    def get(self, path: str, **query: Any) -> TestResponse:
        """Read."""
        return self.client.get(f"/api/v1{path}", query_string=query, headers=self.headers())

    def post(self, path: str, content: Any, *, key: str = "", match: str = "") -> TestResponse:
        """Change; with a key of its own unless one is given."""
        headers = self.headers() | {"Idempotency-Key": key or str(uuid.uuid4())}
        headers |= {"If-Match": match} if match else {}
        return self.client.post(f"/api/v1{path}", json=content, headers=headers)

    def headers(self) -> dict[str, str]:
        """Who asks."""
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def company(services: Services) -> Company:
    """Two technicians and a service."""
    with services.db.transaction() as session:
        return make_company(session)


@pytest.fixture
def program(app: Flask, services: Services, clock_at_now: Traveller) -> Callable[..., Program]:
    """Makes programs; without scopes one that may do everything."""

    def make(*scopes: Scope) -> Program:
        with services.db.transaction() as session:
            _, token = make_token(session, "shop", scopes or tuple(Scope), days=30, now=NOW)
        return Program(app.test_client(), token)

    return make


def booking(company: Company, window: dict[str, str] | None) -> dict[str, Any]:
    """A booking in the company's centre."""
    return {
        "service": company.service.code,
        "window": window,
        "site": {"address": "1 Light Street", "latitude": CENTRE.lat, "longitude": CENTRE.lon},
        "requester": {"name": "Ada Buyer", "email": "ada@example.com"},
    }


def first_window(program: Program, company: Company) -> dict[str, str]:
    """The first window that can be kept."""
    place = {"latitude": CENTRE.lat, "longitude": CENTRE.lon}
    answer = program.get("/slots", service=company.service.code, **place)
    assert answer.status_code == 200, answer.text
    slot = answer.json["items"][0]
    return {"starts_at": slot["starts_at"], "ends_at": slot["ends_at"]}
