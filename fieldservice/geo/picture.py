"""A small picture of the base map around one place, for a page that has to do without a network."""

from __future__ import annotations

import gzip
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from mapbox_vector_tile.Mapbox import vector_tile_pb2
from pmtiles.reader import MmapSource, Reader

from fieldservice.geo.basemap import MAX_ZOOM
from fieldservice.geo.types import Coordinates
from fieldservice.geo.vector_tile import EXTENT

WIDTH, HEIGHT = 360, 150
_TILE = 640
"""Pixels of a tile: a street's width of houses stays visible, and the picture is about a kilometre wide."""
_AREAS = ("parks", "water")
_ROADS = ("minor", "medium", "major", "highway")
_POLYGON = 3

type Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """All areas or lines of one kind (parks, water, minor, medium, major, highway) as an SVG path."""

    kind: str
    path: str


def around(tiles: Path, at: Coordinates) -> tuple[Shape, ...]:
    """What lies around a place, in painting order; the place is in the middle of WIDTH x HEIGHT pixels."""
    return _around(tiles, tiles.stat().st_mtime_ns, round(at.lat, 5), round(at.lon, 5))


@lru_cache(maxsize=256)
def _around(tiles: Path, _version: int, lat: float, lon: float) -> tuple[Shape, ...]:
    middle_x, middle_y = _on_the_map(lat, lon)
    left, top = middle_x - WIDTH / 2 / _TILE, middle_y - HEIGHT / 2 / _TILE
    paths: dict[str, list[str]] = defaultdict(list)
    with tiles.open("rb") as file:
        reader: Any = _reader(file)
        for x in range(int(left), int(left + WIDTH / _TILE) + 1):
            for y in range(int(top), int(top + HEIGHT / _TILE) + 1):
                content = reader.get(MAX_ZOOM, x, y)
                if content:
                    _draw(gzip.decompress(content), ((x - left) * _TILE, (y - top) * _TILE), paths)
    return tuple(Shape(kind, "".join(paths[kind])) for kind in (*_AREAS, *_ROADS) if paths.get(kind))


def _reader(file: BinaryIO) -> Any:
    """Reads single tiles; the library has no types."""
    return Reader(MmapSource(file))  # type: ignore[no-untyped-call]


def _on_the_map(lat: float, lon: float) -> Point:
    """A place in tiles of the last zoom."""
    size = 1 << MAX_ZOOM
    y = math.asinh(math.tan(math.radians(lat))) / math.pi
    return (lon + 180) / 360 * size, (1 - y) / 2 * size


def _draw(content: bytes, corner: Point, paths: dict[str, list[str]]) -> None:
    tile = vector_tile_pb2.tile()
    tile.ParseFromString(content)
    for layer in tile.layers:
        if layer.name not in (*_AREAS, "roads"):
            continue
        for feature in layer.features:
            kind = layer.name if layer.name in _AREAS else _kind(layer, feature)
            if kind in _AREAS or kind in _ROADS:
                close = "Z" if feature.type == _POLYGON else ""
                paths[kind] += [
                    _path(line, close) for line in _lines(feature.geometry, corner) if _seen(line)
                ]


def _kind(layer: Any, feature: Any) -> str:
    tags = feature.tags
    names = {layer.keys[tags[place]]: layer.values[tags[place + 1]] for place in range(0, len(tags), 2)}
    return str(names["kind"].string_value) if "kind" in names else ""


def _lines(geometry: Sequence[int], corner: Point) -> Iterator[list[Point]]:
    """The lines or rings of a feature in pixels of the picture."""
    x = y = place = 0
    line: list[Point] = []
    while place < len(geometry):
        command, count = geometry[place] & 7, geometry[place] >> 3
        place += 1
        if command == 1 and line:
            yield line
            line = []
        if command in (1, 2):
            for _ in range(count):
                x, y = x + _signed(geometry[place]), y + _signed(geometry[place + 1])
                place += 2
                line.append((corner[0] + x * _TILE / EXTENT, corner[1] + y * _TILE / EXTENT))
    if line:
        yield line


def _signed(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


def _seen(line: list[Point]) -> bool:
    xs, ys = [x for x, _ in line], [y for _, y in line]
    return max(xs) >= 0 and min(xs) <= WIDTH and max(ys) >= 0 and min(ys) <= HEIGHT


def _path(line: list[Point], close: str) -> str:
    corners = [f"{x:.0f} {y:.0f}" for x, y in line]
    kept = [corner for place, corner in enumerate(corners) if place == 0 or corner != corners[place - 1]]
    return f"M{'L'.join(kept)}{close}"
