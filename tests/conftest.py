"""Fixtures of all tests: real databases, the real application, a fixed instant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import time_machine
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.files import FileStore
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.travel import TravelTimes
from tests.databases import DIALECTS, PostgresTemplates, SqliteTemplates
from tests.factories import NOW
from tests.services import postgres_url
from tests.warm import keep_templates, warm_engines

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from fieldservice.web import Services


ALONE = ("tests/chaos/", "tests/stories/test_last_slot.py", "tests/setup/test_supervisor.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what must not share the machine; `make test` runs it after everything else."""
    for item in items:
        if item.nodeid.startswith(ALONE):
            item.add_marker("alone")


@pytest.fixture(scope="session", autouse=True)
def engines() -> Iterator[None]:
    """Compile each statement once, not once in each test."""
    with warm_engines():
        yield


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    """Tells apart the processes of pytest-xdist, and other test runs on the same server."""
    own = getattr(request.config, "workerinput", {}).get("workerid", "main")
    return f"{own}_{os.getpid()}"


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The address of a PostgreSQL server on which databases may be created."""
    return postgres_url()


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplates:
    """Migrated once, copied for each test."""
    return SqliteTemplates(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_templates(postgres_server: str, worker_name: str) -> Iterator[PostgresTemplates]:
    """Migrated once, copied for each test."""
    templates = PostgresTemplates(postgres_server, worker_name)
    yield templates
    templates.close()


@pytest.fixture(params=DIALECTS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database; each test that asks for it runs on both kinds."""
    templates: SqliteTemplates | PostgresTemplates = request.getfixturevalue(
        "sqlite_templates" if request.param == "sqlite" else "postgres_templates"
    )
    with templates.fresh(tmp_path) as url:
        yield url


@pytest.fixture(params=DIALECTS)
def altered_db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of the test's own, whose triggers and tables it may change."""
    templates: SqliteTemplates | PostgresTemplates = request.getfixturevalue(
        "sqlite_templates" if request.param == "sqlite" else "postgres_templates"
    )
    with templates.copy(tmp_path) as url:
        database = Database(url)
        yield database
        database.dispose()


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def session(db: Database) -> Iterator[Session]:
    """One write transaction that lasts for the test and is rolled back."""
    with db.transaction() as session:
        yield session
        session.rollback()


@pytest.fixture
def travel() -> TravelTimes:
    """Travel times by the product's own estimate: real distances, no map."""
    return EstimatedTravelTimes()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a product that writes only below the test's folder."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        secret_key="not-a-secret-only-for-tests",
        map_tiles="none",
    )


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """The joined services on the test's database."""
    from fieldservice.app import make_services

    services = make_services(settings)
    yield services
    services.db.dispose()


@pytest.fixture
def store(settings: Settings) -> FileStore:
    """Where the product keeps photos and documents."""
    return FileStore(settings.files_path)


@pytest.fixture
def app(services: Services) -> Flask:
    """The whole web application on the test's database."""
    from fieldservice.app import create_app

    return keep_templates(create_app(services.settings, services))


@pytest.fixture
def clock_at_now() -> Iterator[time_machine.Traveller]:
    """The wall clock starts at NOW and ticks, for what reads it at an edge."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def client(app: Flask, clock_at_now: time_machine.Traveller) -> FlaskClient:
    """A browser without JavaScript, at NOW."""
    return app.test_client()
