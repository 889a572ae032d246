"""Routes as GeoJSON, for the maps of the board and of the phone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import scheduler
from fieldservice.geo.travel import TravelTimes
from fieldservice.geo.types import Coordinates
from fieldservice.models import Technician
from fieldservice.planning.agenda import Agenda, agenda
from fieldservice.planning.problem import Day, shift_id
from fieldservice.planning.rows import visit_place


def features(travel: TravelTimes, technician: Technician, its: Agenda) -> list[dict[str, Any]]:
    """The line of a technician's day and its numbered stops; nothing for a day without visits."""
    home = Coordinates(technician.home_lat, technician.home_lon)
    visits = [entry for entry in its.entries if entry.visit is not None]
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


def day_features(
    day: Day, travel: TravelTimes, proposed: Sequence[scheduler.Route] = ()
) -> list[dict[str, Any]]:
    """The lines and stops of every route of a day; what a plan would change as it is and as it would be."""
    other = {route.shift: route for route in proposed}
    routes = tuple(other.get(route.shift, route) for route in day.plan.routes)
    then = replace(day, plan=replace(day.plan, routes=routes))
    found = []
    for entry in day.rows.technicians:
        technician, changes = entry.technician, shift_id(entry.technician.id) in other
        drawn = features(travel, technician, agenda(day, technician.id))
        found += [_in_state(feature, "faded") for feature in drawn] if changes else drawn
        if changes:
            drawn = features(travel, technician, agenda(then, technician.id))
            found += [_in_state(feature, "proposed") for feature in drawn]
    return found


def _in_state(feature: dict[str, Any], state: str) -> dict[str, Any]:
    return {**feature, "properties": {**feature["properties"], "state": state}}


def collection(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A GeoJSON document."""
    return {"type": "FeatureCollection", "features": list(found)}


def _point(place: Coordinates, properties: Mapping[str, Any]) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": _pair(place)}
    return {"type": "Feature", "properties": dict(properties), "geometry": geometry}


def _pair(point: Coordinates) -> list[float]:
    return [round(point.lon, 6), round(point.lat, 6)]
