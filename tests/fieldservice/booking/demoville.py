"""A company in the synthetic town, where addresses are found and travel goes by road."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from fieldservice.geo.address import Address
from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.imports import import_map
from fieldservice.geo.manifest import ADDRESSES, load_manifest
from fieldservice.geo.town import CENTRE, write_town
from fieldservice.geo.types import Coordinates
from fieldservice.models import Place, Service
from tests.factories import Company, make_branch, make_service, make_technician, make_territory

QUESTIONS = [
    {"id": "symptoms", "kind": "chips", "label": "What is happening?", "options": ["No heat", "Leaking"]},
    {"id": "fuel", "kind": "choice", "label": "What does it burn?", "options": ["Gas", "Oil"]},
    {"id": "water", "kind": "yesno", "label": "Is there hot water?"},
    {"id": "model", "kind": "text", "label": "Which model is it?"},
]


def build_map(folder: Path) -> Path:
    """The imported map of a small Demoville."""
    pbf = folder / "demoville.osm.pbf"
    write_town(pbf, addresses=1200)
    import_map(pbf, folder / "map")
    return folder / "map"


def address_index(map_dir: Path) -> AddressIndex:
    """The addresses of the map."""
    return AddressIndex(load_manifest(map_dir).path(map_dir, ADDRESSES))


def an_address(map_dir: Path, number: int = 0) -> Address:
    """One of the town's addresses."""
    return address_index(map_dir).sample([number * 37])[0]


def open_company(session: Session, technicians: int = 2, **service: Any) -> Company:
    """A company that serves Demoville: heating at home, advice at its branch and by phone."""
    at = Coordinates(*CENTRE)
    territory = make_territory(session, centre_lat=at.lat, centre_lon=at.lon, radius_m=20_000)
    make_branch(session, territory, name="Market Square", address="1 Market Square", lat=at.lat, lon=at.lon)
    values: dict[str, Any] = {
        "code": "heating",
        "name": "Heating",
        "icon": "fire",
        "intake_questions": QUESTIONS,
        "position": 1,
        "price_text": "$95 visit",
        "price_note": "Taken off the repair.",
    }
    company = Company(territory, make_service(session, **(values | service)))
    for code, name, icon, place in (
        ("advice", "Advice visit", "chat-square-text", Place.AT_BRANCH),
        ("call", "Advice by phone", "telephone", Place.REMOTE),
    ):
        make_service(
            session,
            code=code,
            name=name,
            icon=icon,
            place=place,
            skills={},
            position=5,
            duration=timedelta(minutes=30),
        )
    for _ in range(technicians):
        company.technicians.append(make_technician(session, territory, home=at))
    return company


def heating(session: Session) -> Service:
    """The company's main service, in this session."""
    return session.query(Service).filter_by(code="heating").one()
