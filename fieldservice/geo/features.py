"""One reading of an OpenStreetMap file: what address index, base map and road check need of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

ROAD_KINDS: Mapping[str, str] = {
    "motorway": "highway",
    "motorway_link": "highway",
    "trunk": "highway",
    "trunk_link": "highway",
    "primary": "major",
    "primary_link": "major",
    "secondary": "major",
    "secondary_link": "major",
    "tertiary": "medium",
    "tertiary_link": "medium",
    "unclassified": "minor",
    "residential": "minor",
    "living_street": "minor",
    "pedestrian": "path",
    "service": "service",
    "track": "path",
    "path": "path",
    "footway": "path",
    "cycleway": "path",
    "steps": "path",
    "bridleway": "path",
}
DRIVABLE = frozenset({"highway", "major", "medium", "minor"})
_GREEN: Mapping[tuple[str, str], str] = {
    ("leisure", "park"): "park",
    ("leisure", "garden"): "park",
    ("leisure", "golf_course"): "park",
    ("leisure", "nature_reserve"): "park",
    ("leisure", "playground"): "park",
    ("leisure", "pitch"): "pitch",
    ("landuse", "recreation_ground"): "park",
    ("landuse", "cemetery"): "cemetery",
    ("landuse", "forest"): "wood",
    ("natural", "wood"): "wood",
    ("landuse", "grass"): "grass",
    ("landuse", "meadow"): "grass",
    ("natural", "grassland"): "grass",
}
_LANDUSE = frozenset({"residential", "commercial", "retail", "industrial", "farmland", "railway"})
_WATER_AREAS = {("natural", "water"), ("waterway", "riverbank"), ("landuse", "reservoir")}
_WATERWAYS = frozenset({"river", "stream", "canal"})
_PLACES = frozenset({"city", "town", "village", "hamlet", "suburb", "neighbourhood"})


@dataclass(slots=True)
class Layer:
    """Shapes of one kind of thing with their attributes, in the order of the file."""

    wkb: list[str] = field(default_factory=list)
    attributes: list[dict[str, str]] = field(default_factory=list)

    def add(self, wkb: str, attributes: dict[str, str]) -> None:
        self.wkb.append(wkb)
        self.attributes.append(attributes)

    def shapes(self) -> NDArray[np.object_]:
        """The shapes in degrees."""
        shapes: NDArray[np.object_] = shapely.from_wkb(np.array(self.wkb, dtype=object))
        return shapes


@dataclass(frozen=True, slots=True)
class TaggedAddress:
    """An address as it is tagged; `country` is the two-letter code or empty."""

    number: str
    street: str
    city: str
    postcode: str
    country: str


@dataclass(slots=True)
class Features:
    """What was read: layers of shapes by name, addresses with the shape they are tagged on, named places."""

    layers: dict[str, Layer]
    addresses: list[TaggedAddress] = field(default_factory=list)
    address_wkb: list[str] = field(default_factory=list)
    generator: str = ""

    def roads(self) -> tuple[NDArray[np.object_], list[dict[str, str]]]:
        """Lines that cars may use, with their attributes."""
        roads = self.layers["roads"]
        wanted = [number for number, a in enumerate(roads.attributes) if a["kind"] in DRIVABLE]
        return roads.shapes()[wanted], [roads.attributes[number] for number in wanted]

    def address_points(self) -> NDArray[np.float64]:
        """Longitude and latitude of each address: the middle of what it is tagged on."""
        shapes = shapely.from_wkb(np.array(self.address_wkb, dtype=object))
        points: NDArray[np.float64] = shapely.get_coordinates(shapely.centroid(shapes)).reshape(-1, 2)
        return points

    def unlabelled_cities(self) -> list[tuple[str, float, float, int]]:
        """Cities that addresses name but no place does: name, longitude and latitude amid them, how many."""
        known = {attributes["name"] for attributes in self.layers["labels"].attributes}
        houses: defaultdict[str, list[int]] = defaultdict(list)
        for number, address in enumerate(self.addresses):
            if address.city and address.city not in known:
                houses[address.city].append(number)
        points = self.address_points()
        return [
            (city, *np.median(points[numbers], axis=0).tolist(), len(numbers))
            for city, numbers in houses.items()
        ]


LAYERS = ("landuse", "parks", "water", "waterways", "buildings", "roads", "labels")


def read_features(path: Path) -> Features:
    """Read a sorted .osm.pbf once; raises RuntimeError where the file is damaged."""
    file = osmium.io.File(str(path), "pbf")
    features = Features({name: Layer() for name in LAYERS})
    with osmium.io.Reader(file, osmium.osm.NOTHING) as reader:
        features.generator = reader.header().get("generator")
    sorter = _Sorter(features)
    processor = osmium.FileProcessor(file).with_areas().with_filter(osmium.filter.EmptyTagFilter())
    for thing in processor:
        match thing:
            case osmium.osm.Area():
                sorter.area(thing)
            case osmium.osm.Node():
                sorter.node(thing)
            case osmium.osm.Way():
                sorter.way(thing)
    return features


class _Sorter:
    """Puts each tagged thing where it belongs; a thing with a broken shape is left out, as on any map."""

    def __init__(self, features: Features) -> None:
        self._features = features
        self._layers = features.layers
        self._wkb = osmium.geom.WKBFactory()

    def node(self, node: Any) -> None:
        tags = node.tags
        if "addr:housenumber" in tags:
            self._address(tags, self._wkb.create_point(node))
        if tags.get("place") in _PLACES and "name" in tags:
            labels = {"kind": tags["place"], "name": tags["name"]}
            self._layers["labels"].add(self._wkb.create_point(node), labels)

    def way(self, way: Any) -> None:
        tags = way.tags
        if (kind := ROAD_KINDS.get(tags.get("highway", ""))) and tags.get("area") != "yes":
            layer, attributes = "roads", {"kind": kind} | _named(tags, "name", "ref")
        elif tags.get("railway") in ("rail", "light_rail", "subway", "tram"):
            layer, attributes = "roads", {"kind": "rail"}
        elif tags.get("waterway") in _WATERWAYS:
            layer, attributes = "waterways", {"kind": tags["waterway"]} | _named(tags, "name")
        else:
            return
        try:
            self._layers[layer].add(self._wkb.create_linestring(way), attributes)
        except (osmium.InvalidLocationError, RuntimeError):
            return

    def area(self, area: Any) -> None:
        tags = area.tags
        layer, kind = _area_kind(tags)
        addressed = "addr:housenumber" in tags
        if not layer and not addressed:
            return
        try:
            wkb = self._wkb.create_multipolygon(area)
        except (osmium.InvalidLocationError, RuntimeError):
            return
        if addressed:
            self._address(tags, wkb)
        if layer:
            attributes = {"kind": kind} if layer == "buildings" else {"kind": kind} | _named(tags, "name")
            self._layers[layer].add(wkb, attributes)

    def _address(self, tags: Any, wkb: str) -> None:
        street = tags.get("addr:street") or tags.get("addr:place")
        if not street:
            return
        self._features.addresses.append(
            TaggedAddress(
                tags["addr:housenumber"].strip(),
                street.strip(),
                (tags.get("addr:city") or "").strip(),
                (tags.get("addr:postcode") or "").strip(),
                (tags.get("addr:country") or "").strip().upper()[:2],
            )
        )
        self._features.address_wkb.append(wkb)


def _named(tags: Any, *keys: str) -> dict[str, str]:
    return {key: tags[key] for key in keys if key in tags}


def _area_kind(tags: Any) -> tuple[str, str]:
    """Layer and kind of an area, empty when the base map does not show it."""
    if tags.get("building", "no") != "no":
        return "buildings", "building"
    pairs = [(key, tags[key]) for key in ("leisure", "landuse", "natural", "waterway") if key in tags]
    for pair in pairs:
        if pair in _WATER_AREAS:
            return "water", "water"
        if green := _GREEN.get(pair):
            return "parks", green
    landuse = tags.get("landuse", "")
    return ("landuse", landuse) if landuse in _LANDUSE else ("", "")
