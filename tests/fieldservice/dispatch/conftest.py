"""The board of a small day, and two dispatchers who look at it."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldservice.planning.jobs import Work
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.dispatch.scene import Dispatcher, Scene, set_up
from tests.signing_in import make_user, signed_in


@pytest.fixture
def scene(services: Services) -> Scene:
    """The stored day."""
    with services.db.transaction() as session:
        return set_up(session)


def _dispatcher(app: Flask, services: Services, scene: Scene) -> Dispatcher:
    user = services.db.run(make_user)
    return Dispatcher.at(signed_in(app, services.db, user), services.db, scene)


@pytest.fixture
def dana(app: Flask, services: Services, scene: Scene, client: FlaskClient) -> Dispatcher:
    """A dispatcher; `client` keeps the clock at NOW."""
    return _dispatcher(app, services, scene)


@pytest.fixture
def omar(app: Flask, services: Services, scene: Scene, client: FlaskClient) -> Dispatcher:
    """Another dispatcher."""
    return _dispatcher(app, services, scene)


@pytest.fixture
def work(services: Services) -> Work:
    """What the planning worker is given, with little time."""
    return Work(services.db, services.tables, 0.3, lambda: NOW)
