"""A company that begins with nothing but a database, set up in the browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.app import create_app
from fieldservice.auth import first
from fieldservice.company import as_set_up
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.models import AuditEntry, Service, Technician, Territory, User, Visit
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.booking import demoville
from tests.fieldservice.booking.walker import Walker
from tests.races import all_at_once

PASSWORD = "correct horse battery"  # noqa: S105
ADMIN = {"name": "Olive Owner", "email": "olive@example.com", "password": PASSWORD}
COMPANY = {
    "company": "North Wind Heating",
    "phone": "410 555 0142",
    "territory": "Demoville",
    "time_zone": "America/New_York",
}


@pytest.fixture(scope="module")
def town_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map, as `fieldservice map import` leaves it."""
    return demoville.build_map(tmp_path_factory.mktemp("town"))


@pytest.fixture
def fresh(tmp_path: Path, town_map: Path) -> Settings:
    """A data folder in which nothing is."""
    return Settings(data_dir=tmp_path / "fresh", map_dir=town_map, map_tiles="none")


@pytest.fixture
def link(fresh: Settings) -> str:
    """The address that the command prints at the start, after it made the database."""
    return urlsplit(re.search(r"http\S+", setup_link(fresh).stdout)[0]).path  # type: ignore[index]


@pytest.fixture
def owner(fresh: Settings, link: str, town_map: Path) -> Iterator[Walker]:
    """Somebody with a browser and the link."""
    app = create_app(fresh)
    yield Walker(app.test_client(), demoville.an_address(town_map))
    app.extensions["fieldservice"].db.dispose()


def setup_link(settings: Settings) -> subprocess.CompletedProcess[str]:
    """Run the command as whoever installs the product does."""
    return subprocess.run(
        [sys.executable, "-m", "fieldservice.cli", "user", "first"],
        env={**os.environ, "FIELDSERVICE_DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("clock_at_now")
def test_from_an_empty_database_to_a_booked_visit(owner: Walker, fresh: Settings, link: str) -> None:
    """Every step is a page and a form; at the end a customer has a window and the board shows the visit."""
    owner.open(link)
    owner.send(**ADMIN)
    assert owner.url == "/office/setup/company"
    assert owner.page.fields["latitude"], "the map knows where its middle is"
    owner.send(**COMPANY)
    assert owner.url == "/office/setup/services"
    owner.send(trades=["heating", "it"])
    assert owner.url == "/office/setup/technicians"
    owner.send(name="Tess Turner", skills=["gas", "water"], email="tess@example.com", password=PASSWORD)
    assert "Tess Turner" in owner.page.text
    owner.open("/office/setup/ready")
    assert "North Wind Heating" in owner.page.text
    assert "/book" in owner.page.links
    dutch = owner.open("/book?service=heating&lang=nl").text
    assert all(words in dutch for words in ("Verwarming", "Waar gaat het om?", "Geen warmte"))
    owner.open("/book?lang=en")
    owner.choose_problem(**{"about-heating-symptoms": ["No heat"]})
    owner.give_address()
    owner.pick_window()
    owner.confirm()
    assert "You’re booked" in owner.page.text
    assert "North Wind Heating" in owner.page.title, "customers see the company's own name"
    services: Services = owner.client.application.extensions["fieldservice"]
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.stop is not None
        assert visit.stop.technician_id == session.scalars(select(Technician.id)).one()
        kinds = set(session.scalars(select(AuditEntry.subject_kind)))
        assert {"territory", "service", "technician"} <= kinds
        day = visit.window.starts_at.astimezone(visit.territory.zone).date() if visit.window else None
    assert "Rosa Whitfield" in owner.open(f"/board/{day}").text
    assert setup_link(fresh).returncode != 0
    assert owner.client.get(link).headers["Location"].endswith("/login"), "the link has done its work"


@pytest.mark.usefixtures("clock_at_now")
def test_each_fault_is_named_at_its_field_and_nothing_is_stored(owner: Walker, link: str) -> None:
    """Wrong values give 422 and the words at the field, in each of the forms; a wrong link is no page."""
    assert owner.client.get("/setup/" + "A" * 43).status_code == 404
    owner.open(link)
    for field, value, words in (
        ("name", "", "Enter your name"),
        ("email", "no address", "Enter an e-mail address such as name@example.com"),
        ("password", "short", "Choose a password of at least 8 characters"),
        ("password", "password123", "Anybody would try this password first"),
    ):
        owner.send(**(ADMIN | {field: value}))
        _require_fault(owner, field, words)
    owner.send(**ADMIN)
    for field, value, words in (
        ("phone", "12", "Enter a telephone number with its area code"),
        ("radius_km", "0", "Enter a number from 1 to 500"),
        ("latitude", "91", "Enter a number from -90 to 90"),
        ("holidays", "XX", "Enter a country such as US"),
        ("longitude", "", "Enter both, latitude and longitude"),
    ):
        owner.open("/office/setup/company")
        owner.send(**(COMPANY | {field: value}))
        _require_fault(owner, field, words)
    nowhere = {"latitude": "", "longitude": "", "address": "Nowhere Lane 99999, Atlantis"}
    owner.open("/office/setup/company")
    owner.send(**(COMPANY | nowhere))
    _require_fault(owner, "address", "This address was not found")
    owner.open("/office/setup/company")
    owner.send(**COMPANY)
    owner.send(trades=[])
    _require_fault(owner, "trades-0", "Choose at least one")
    owner.send(trades=["heating"])
    for field, value, words in (
        ("ends", "07:00", "Enter a time after the one at which work begins"),
        ("email", "olive@example.com", "Somebody else signs in with this address"),
        ("phone", "12", "Enter a telephone number with its area code"),
    ):
        owner.open("/office/setup/technicians")
        owner.send(**({"name": "Tess Turner", "password": PASSWORD, field: value}))
        _require_fault(owner, field, words)
    services: Services = owner.client.application.extensions["fieldservice"]
    with services.db.reading() as session:
        counts = [session.scalar(select(func.count()).select_from(kind)) for kind in (User, Territory)]
        assert counts == [1, 1]
        assert session.scalars(select(Technician)).all() == []
        assert len(session.scalars(select(Service)).all()) == 2


def _require_fault(owner: Walker, field: str, words: str) -> None:
    assert owner.status == 422, (field, words)
    assert words in owner.page.text
    assert f"#{field}" in owner.page.links


def test_of_two_who_use_the_link_at_once_one_is_the_administrator(db: Database) -> None:
    """The second one is refused, on both databases."""

    def come(email: str) -> bool:
        def work(session: Session) -> None:
            first.add_first_administrator(session, email=email, name="Olive", password=PASSWORD, now=NOW)

        try:
            db.run(work)
        except first.AlreadySetUp:
            return False
        return True

    outcomes = all_at_once([partial(come, "a@example.com"), partial(come, "b@example.com")])
    assert sorted(outcome.result for outcome in outcomes) == [False, True]


def test_without_a_profile_the_settings_name_the_company(app: Flask, services: Services) -> None:
    """The positive control of the walk: nothing was set up, so nothing is taken over."""
    assert as_set_up(services) is services
    assert app.extensions["fieldservice"].settings.company_name == Settings().company_name
