"""The booking pages on a company in the synthetic town, and somebody who walks through them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fieldservice.config import Settings
from fieldservice.geo.address import Address
from fieldservice.web import Services
from tests.factories import Company
from tests.fieldservice.booking import demoville
from tests.fieldservice.booking.walker import Walker


@pytest.fixture(scope="session")
def town_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map of the synthetic town, imported once."""
    return demoville.build_map(tmp_path_factory.mktemp("town"))


@pytest.fixture
def home(town_map: Path) -> Address:
    """Where the customer lives."""
    return demoville.an_address(town_map)


@pytest.fixture
def settings(settings: Settings, town_map: Path) -> Settings:
    """The product's settings with the town's map."""
    return replace(settings, map_dir=town_map)


@pytest.fixture
def company(services: Services) -> Company:
    """A stored company with two technicians."""
    with services.db.transaction() as session:
        return demoville.open_company(session)


@pytest.fixture
def unlimited(app: Flask) -> None:
    """No rate limits, for tests that send more in a second than a person in an hour."""
    app.config.update(LIMIT_BOOKING="100000/minute", LIMIT_FORM="100000/minute", LIMIT_LOOKUP="100000/minute")


@pytest.fixture
def booked(walker: Walker) -> Walker:
    """A customer with a visit the day after tomorrow, on its page."""
    walker.to_time()
    walker.pick_window(1)
    walker.confirm()
    walker.open(walker.url.removesuffix("/booked"))
    return walker


@pytest.fixture
def walker(client: FlaskClient, company: Company, unlimited: None, home: Address) -> Walker:
    """A customer without JavaScript who wants the heating repaired."""
    return Walker(client, home)
