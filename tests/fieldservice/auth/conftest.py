"""An application of the auth package alone, with one small view for each thing that it protects."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from flask import Flask, Response, render_template
from flask.testing import FlaskClient
from time_machine import Traveller

from fieldservice import auth, language, web
from fieldservice.assets import Assets
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.models import UserRole
from fieldservice.paths import STATIC, TEMPLATES

HOMES = dict.fromkeys(UserRole, "home")


def make_app(db: Database, settings: Settings) -> Flask:
    """The auth package installed as the product installs it, over a few views of its own."""
    unused: dict[str, Any] = dict.fromkeys(part.name for part in fields(web.Services))
    services = web.Services(**unused | {"settings": settings, "db": db})
    app = Flask("fieldservice", template_folder=str(TEMPLATES), static_folder=str(STATIC))
    app.config["SECRET_KEY"] = settings.secret_key
    app.extensions["fieldservice"] = services
    language.install(app)
    Assets(STATIC / "vendor").install(app.jinja_env)
    app.context_processor(web.template_helpers)
    auth.install(app, services, homes=HOMES)
    for code in (400, 403, 404, 429, 500):
        app.register_error_handler(code, lambda error, code=code: (render_template("errors/404.html"), code))
    _add_views(app)
    return app


def _add_views(app: Flask) -> None:
    @app.get("/home")
    @auth.require()
    def home() -> str:
        return auth.actor().label

    @app.route("/office", methods=["GET", "POST"])
    @auth.require(UserRole.DISPATCHER, UserRole.ADMIN)
    def office() -> str:
        return f"office {auth.actor().role}"

    @app.get("/van")
    @auth.require(UserRole.TECHNICIAN)
    def van() -> str:
        return f"technician {auth.actor().technician_id}"

    @app.post("/open")
    @auth.limits.BOOKING
    def unprotected() -> str:
        return "done"

    @app.get("/cached")
    def cached() -> Response:
        return Response("tile", headers={"Cache-Control": "public, max-age=60"})

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("as planned")


@pytest.fixture
def app(db: Database, settings: Settings) -> Flask:
    """The application on the test's database."""
    return make_app(db, settings)


@pytest.fixture
def client(app: Flask, clock_at_now: Traveller) -> FlaskClient:
    """A browser at NOW."""
    return app.test_client()


@pytest.fixture
def https_client(db: Database, settings: Settings, clock_at_now: Traveller) -> FlaskClient:
    """A browser of the same application, reached as https://visits.example.com."""
    app = make_app(db, replace(settings, public_url="https://visits.example.com"))
    return app.test_client()
