"""A synthetic town as an OpenStreetMap file: the default map of a fresh machine, free of anybody's licence.

Demoville is invented, street by street. It lies where the time zone is America/New_York.
"""

import math
import os
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import osmium
from osmium.osm import Box
from osmium.osm.mutable import Node, Way

from fieldservice.geo.town_names import QUARTERS
from fieldservice.geo.town_plan import HALF_HEIGHT_M, HALF_WIDTH_M, Point, Street, Surveyor, TownPlan

NAME = "Demoville"
STATE = "MD"
EXPRESSWAY = "Tumble River Expressway"
TIME_ZONE = "America/New_York"
GENERATOR = "fieldservice synthetic town"
"""Written into the file's header; the import recognises the town by it."""

CENTRE = 39.45, -76.95
_METRES_PER_DEGREE = 111_195.0
_SPEEDS = {"trunk": "50 mph", "primary": "35 mph", "secondary": "30 mph", "residential": "25 mph"}
_AREA_TAGS: Mapping[str, Mapping[str, str]] = {
    "park": {"leisure": "park"},
    "water": {"natural": "water"},
    "forest": {"landuse": "forest"},
}


def write_town(path: Path, *, seed: int = 1, addresses: int = 6000) -> None:
    """Write the town as .osm.pbf: the same arguments write the same bytes. An existing file is replaced."""
    plan = Surveyor(seed, addresses).draw()
    draft = path.with_name(f".{os.getpid()}-{path.name}")
    draft.unlink(missing_ok=True)
    _Draughtsman(plan).write(draft)
    draft.replace(path)


def _degrees(point: Point) -> tuple[float, float]:
    """Longitude and latitude, as osmium wants them."""
    lat = CENTRE[0] + point[1] / _METRES_PER_DEGREE
    return CENTRE[1] + point[0] / (_METRES_PER_DEGREE * math.cos(math.radians(CENTRE[0]))), lat


class _Draughtsman:
    """Turns a plan into nodes and ways; nodes first, as readers expect."""

    def __init__(self, plan: TownPlan) -> None:
        self._plan = plan
        self._nodes: list[tuple[Point, Mapping[str, str]]] = []
        self._ways: list[tuple[list[int], Mapping[str, str]]] = []

    def write(self, path: Path) -> None:
        self._add_places()
        self._add_streets()
        self._add_areas()
        self._add_houses()
        header = osmium.io.Header()
        header.set("generator", GENERATOR)
        header.set("sorting", "Type_then_ID")
        west, south = _degrees((-HALF_WIDTH_M - 400, -HALF_HEIGHT_M - 400))
        east, north = _degrees((HALF_WIDTH_M + 400, HALF_HEIGHT_M + 400))
        header.add_box(Box(west, south, east, north))
        writer = osmium.SimpleWriter(osmium.io.File(str(path), "pbf"), header=header)
        try:
            for number, (point, tags) in enumerate(self._nodes, start=1):
                writer.add_node(Node(id=number, version=1, location=_degrees(point), tags=dict(tags)))
            for number, (nodes, tags) in enumerate(self._ways, start=1):
                writer.add_way(Way(id=number, version=1, nodes=nodes, tags=dict(tags)))
        finally:
            writer.close()

    def _node(self, point: Point, tags: Mapping[str, str] | None = None) -> int:
        self._nodes.append((point, tags or {}))
        return len(self._nodes)

    def _ring(self, outline: Iterable[Point], tags: Mapping[str, str]) -> None:
        nodes = [self._node(point) for point in outline]
        self._ways.append(([*nodes, nodes[0]], tags))

    def _add_places(self) -> None:
        self._node((0, 0), {"place": "town", "name": NAME})
        for number, name in enumerate(QUARTERS):
            angle = math.tau * number / len(QUARTERS) + 0.3
            place = (3300 * math.cos(angle), 2500 * math.sin(angle))
            self._node(place, {"place": "suburb", "name": name})

    def _add_streets(self) -> None:
        busy = self._signals()
        corners = {
            corner: self._node(point, {"highway": "traffic_signals"} if corner in busy else {})
            for corner, point in self._plan.crossings.items()
        }
        for street in self._plan.streets:
            nodes = [corners[street.corners[0]]]
            for edge in pairwise(street.corners):
                if edge in self._plan.midways:
                    nodes.append(self._node(self._plan.midways[edge]))
                nodes.append(corners[edge[1]])
            self._ways.append((nodes, _street_tags(street)))

    def _signals(self) -> set[tuple[int, int]]:
        """Crossings of two streets that both carry through traffic."""
        seen: dict[tuple[int, int], int] = {}
        for street in self._plan.streets:
            if street.kind in ("primary", "secondary"):
                for corner in street.corners:
                    seen[corner] = seen.get(corner, 0) + 1
        return {corner for corner, count in seen.items() if count > 1}

    def _add_areas(self) -> None:
        for kind, outline in self._plan.areas:
            self._ring(outline, _AREA_TAGS.get(kind, {"landuse": kind}))
        self._ring(self._plan.river, {"natural": "water", "water": "river", "name": "Tumble River"})

    def _add_houses(self) -> None:
        for lot in self._plan.unnumbered:
            self._ring(lot.outline, {"building": "yes"})
        for lot in self._plan.lots:
            self._ring(
                lot.outline,
                {
                    "building": "yes",
                    "addr:housenumber": lot.number,
                    "addr:street": lot.street,
                    "addr:city": NAME,
                    "addr:state": STATE,
                    "addr:postcode": lot.postcode,
                    "addr:country": "US",
                },
            )


def _street_tags(street: Street) -> dict[str, str]:
    tags = {"highway": street.kind, "maxspeed": _SPEEDS[street.kind]}
    return tags | ({"ref": "9", "name": EXPRESSWAY} if street.kind == "trunk" else {"name": street.name})
