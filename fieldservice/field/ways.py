"""Directions: the application that a technician chose once, and its addresses."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

from sqlalchemy.orm import Session

from fieldservice.db import lock_technicians
from fieldservice.geo.types import Coordinates
from fieldservice.models import Navigation, PhoneChoice, Technician


def chosen(session: Session, technician: Technician) -> Navigation | None:
    """The technician's application; None until they choose one."""
    row = session.get(PhoneChoice, technician.id)
    return Navigation(row.navigation) if row is not None else None


def choose(session: Session, technician: Technician, navigation: Navigation) -> None:
    """From now on directions open in this application."""
    lock_technicians(session, [technician.id])
    row = session.get(PhoneChoice, technician.id, populate_existing=True)
    if row is None:
        session.add(PhoneChoice(technician_id=technician.id, navigation=navigation))
    else:
        row.navigation = navigation


def directions(navigation: Navigation, at: Coordinates | None, address: str) -> str:
    """A link that opens the application with the way to a place; without coordinates to its address."""
    point = f"{at.lat:.6f},{at.lon:.6f}" if at else ""
    return _LINKS[navigation](point, address)


def _google(point: str, address: str) -> str:
    where = {"api": 1, "destination": point or address, "travelmode": "driving"}
    return "https://www.google.com/maps/dir/?" + urlencode(where)


def _apple(point: str, address: str) -> str:
    return "https://maps.apple.com/?" + urlencode({"daddr": point or address, "dirflg": "d"})


def _waze(point: str, address: str) -> str:
    where = {"ll": point} if point else {"q": address}
    return "https://waze.com/ul?" + urlencode({**where, "navigate": "yes"})


def _osm(point: str, address: str) -> str:
    return "https://www.openstreetmap.org/directions?" + urlencode(
        {"engine": "fossgis_osrm_car", "to": point or address}
    )


def _geo(point: str, address: str) -> str:
    return f"geo:{point or '0,0'}?q={point or quote(address)}"


_LINKS: dict[Navigation, Callable[[str, str], str]] = {
    Navigation.GOOGLE: _google,
    Navigation.APPLE: _apple,
    Navigation.WAZE: _waze,
    Navigation.OSM: _osm,
    Navigation.GEO: _geo,
}
