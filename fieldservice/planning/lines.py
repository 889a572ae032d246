"""Routes as GeoJSON, for the maps of the board and of the phone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fieldservice.geo.travel import TravelTimes
from fieldservice.geo.types import Coordinates
from fieldservice.models import Technician
from fieldservice.planning.agenda import Agenda
from fieldservice.planning.rows import visit_place


def features(travel: TravelTimes, technician: Technician, agenda: Agenda) -> list[dict[str, Any]]:
    """The line of a technician's day and its numbered stops; nothing for a day without visits."""
    home = Coordinates(technician.home_lat, technician.home_lon)
    visits = [entry for entry in agenda.entries if entry.visit is not None]
    places = [(entry, place) for entry in visits if entry.visit and (place := visit_place(entry.visit))]
    if not places:
        return []
    line = travel.geometry([home, *(place for _, place in places), home])
    common = {"colour": technician.colour, "technician": technician.id}
    found = [
        {
            "type": "Feature",
            "properties": {"kind": "route", "estimated": line.estimated, **common},
            "geometry": {"type": "LineString", "coordinates": [_pair(point) for point in line.points]},
        },
        _point(home, {"kind": "start", "label": technician.name, **common}),
    ]
    for entry, place in places:
        label = f"{technician.name} {entry.number}"
        identity = {"visit": entry.visit.id if entry.visit else None, "number": entry.number, "label": label}
        found.append(_point(place, {"kind": "stop", **identity, **common}))
    return found


def collection(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A GeoJSON document."""
    return {"type": "FeatureCollection", "features": list(found)}


def _point(place: Coordinates, properties: Mapping[str, Any]) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": _pair(place)}
    return {"type": "Feature", "properties": dict(properties), "geometry": geometry}


def _pair(point: Coordinates) -> list[float]:
    return [round(point.lon, 6), round(point.lat, 6)]
