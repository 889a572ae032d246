"""Write the address index: streets, house numbers and places of an imported file in one SQLite file."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from fieldservice.geo.address_text import house_number, normal, postcode_key
from fieldservice.geo.features import Features

SCHEMA = """
CREATE TABLE street (
    id INTEGER PRIMARY KEY, norm TEXT NOT NULL, city_norm TEXT NOT NULL, postcode TEXT NOT NULL,
    name TEXT NOT NULL, city TEXT NOT NULL, country TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL
) STRICT;
CREATE TABLE address (
    street_id INTEGER NOT NULL REFERENCES street, norm TEXT NOT NULL, number TEXT NOT NULL,
    lat REAL NOT NULL, lon REAL NOT NULL
) STRICT;
CREATE TABLE place (
    norm TEXT NOT NULL, name TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL
) STRICT;
CREATE VIRTUAL TABLE street_words USING fts5(norm, content='street', content_rowid='id', tokenize='trigram');
"""
INDEXES = """
CREATE INDEX street_by_norm ON street (norm);
CREATE INDEX address_by_street ON address (street_id, norm);
CREATE INDEX address_by_lat ON address (lat, lon);
CREATE INDEX place_by_norm ON place (norm);
INSERT INTO street_words (street_words) VALUES ('rebuild');
"""

_TOWNS = ("city", "town", "village", "hamlet")


@dataclass(frozen=True, slots=True)
class _House:
    """One house number on a street; a tag like "12;14" makes two of them."""

    street: str
    number: str
    city: str
    postcode: str
    country: str
    lat: float
    lon: float

    @property
    def street_key(self) -> tuple[str, str, str]:
        return normal(self.street), normal(self.city), postcode_key(self.postcode)


def write_index(features: Features, path: Path) -> dict[str, int]:
    """Write the index at `path`; returns the counts of addresses, streets and places."""
    places = _places(features)
    houses = list(_houses(features))
    streets: dict[tuple[str, str, str], list[_House]] = {}
    for house in houses:
        streets.setdefault(house.street_key, []).append(house)
    named = {norm for norm, _, _ in streets}
    for road in _roads(features):
        if normal(road.street) not in named:
            streets.setdefault(road.street_key, []).append(road)
    numbers = [row for row_id, key in enumerate(streets, start=1) for row in _numbers(row_id, streets[key])]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA + "BEGIN;")
        db.executemany(
            "INSERT INTO street VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_street(row_id, key, streets[key]) for row_id, key in enumerate(streets, start=1)],
        )
        db.executemany("INSERT INTO address VALUES (?, ?, ?, ?, ?)", numbers)
        db.executemany("INSERT INTO place VALUES (?, ?, ?, ?)", places)
        db.executescript(INDEXES + "ANALYZE;")
    return {"addresses": len(numbers), "streets": len(streets), "places": len(places)}


def _street(
    row_id: int, key: tuple[str, str, str], houses: list[_House]
) -> tuple[int, str, str, str, str, str, str, float, float]:
    """The row of a street; it lies where the house in the middle of its list does."""
    first, middle = houses[0], houses[len(houses) // 2]
    norm, city_norm, _ = key
    country = next((house.country for house in houses if house.country), "")
    return row_id, norm, city_norm, first.postcode, first.street, first.city, country, middle.lat, middle.lon


def _numbers(row_id: int, houses: list[_House]) -> list[tuple[int, str, str, float, float]]:
    """The house numbers of a street, each once: maps often have the door and the building."""
    rows: dict[str, tuple[int, str, str, float, float]] = {}
    for house in houses:
        norm = house_number(house.number)
        if norm:
            rows.setdefault(norm, (row_id, norm, house.number, house.lat, house.lon))
    return list(rows.values())


def _places(features: Features) -> list[tuple[str, str, float, float]]:
    """Normal spelling, name and position of the named places, and of cities that only addresses name."""
    labels = features.layers["labels"]
    rows = {}
    for (lon, lat), attributes in zip(
        shapely.get_coordinates(labels.shapes()), labels.attributes, strict=True
    ):
        rows[normal(attributes["name"])] = attributes["name"], float(lat), float(lon)
    for city, lon, lat, _ in features.unlabelled_cities():
        rows.setdefault(normal(city), (city, lat, lon))
    return [(norm, *row) for norm, row in rows.items() if norm]


def _houses(features: Features) -> Iterator[_House]:
    points = features.address_points()
    nearest = _nearest_towns(features, points)
    for address, town, (lon, lat) in zip(features.addresses, nearest, points.tolist(), strict=True):
        for number in re.split(r"[;,]", address.number):
            yield _House(
                address.street,
                number.strip(),
                address.city or town,
                address.postcode,
                address.country,
                lat,
                lon,
            )


def _roads(features: Features) -> Iterator[_House]:
    """Named roads as streets without a house, so that a street nobody numbered is found at all."""
    shapes, attributes = features.roads()
    points = shapely.get_coordinates(shapely.line_interpolate_point(shapes, 0.5, normalized=True))
    nearest = _nearest_towns(features, points)
    for road, town, (lon, lat) in zip(attributes, nearest, points.tolist(), strict=True):
        if "name" in road:
            yield _House(road["name"], "", town, "", "", lat, lon)


def _nearest_towns(features: Features, points: NDArray[np.float64]) -> list[str]:
    """For each point the name of the nearest town, which is its city where nobody tagged one."""
    labels = features.layers["labels"]
    towns = [number for number, each in enumerate(labels.attributes) if each["kind"] in _TOWNS]
    if not towns:
        return [""] * len(points)
    nearest = shapely.STRtree(labels.shapes()[towns]).nearest(shapely.points(points))
    return [labels.attributes[towns[number]]["name"] for number in nearest.tolist()]
