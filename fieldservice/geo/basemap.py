"""Draw the base map: vector tiles of an imported file in one PMTiles archive.

Layers and attributes (all strings):

========== ======== ====================================================================================
landuse    polygon  kind: residential, commercial, retail, industrial, farmland, railway
parks      polygon  kind: park, pitch, cemetery, wood, grass; name
water      polygon  kind: water; name
waterways  line     kind: river, stream, canal; name
buildings  polygon  kind: building (zoom 14; large ones from 13)
roads      line     kind: highway, major, medium, minor, service, path, rail; name; ref
labels     point    kind: city, town, village, hamlet, suburb, neighbourhood, park, water; name
========== ======== ====================================================================================

Zoom 8 to 14; a map view shows closer zooms by enlarging 14. Layers are stored in the order of the table,
which is the order to paint them in.
"""

import gzip
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from fieldservice.geo.features import Features
from fieldservice.geo.vector_tile import EXTENT, encode

MIN_ZOOM, MAX_ZOOM = 8, 14
_BUFFER = 128
"""Tile units drawn beyond the edge, so that wide lines do not end there."""

_FIRST_ZOOM: Mapping[str, int] = {
    "highway": 8,
    "major": 9,
    "medium": 11,
    "rail": 11,
    "minor": 12,
    "service": 14,
    "path": 14,
    "building": 13,
    "river": 10,
    "stream": 13,
    "canal": 13,
    "suburb": 11,
    "hamlet": 12,
    "neighbourhood": 13,
    "village": 10,
}
_LABEL_ZOOM = {"park": 14, "water": 13}
_CITY_HOUSES = 50
_LEAST_AREA = 800
"""Square tile units (about 3 square pixels) below which an area is not drawn; a building needs four times
that until the last zoom."""

_archive: Any = Writer  # pmtiles has no types

type Bounds = tuple[float, float, float, float]
type _Label = tuple[shapely.Point, dict[str, str], int]
"""Where a name stands, what is written, and from which zoom."""


@dataclass(slots=True)
class _Layer:
    """Shapes in the unit square of the Web Mercator projection, y downwards."""

    name: str
    shapes: NDArray[np.object_]
    attributes: list[dict[str, str]]
    first_zoom: NDArray[np.int_]


def write_basemap(
    features: Features, bounds: Bounds, path: Path, *, name: str, progress: Callable[[float], None]
) -> int:
    """Write the archive at `path` and return the number of tiles; shapes outside `bounds` are not drawn."""
    layers = list(_layers(features))
    tiles = 0
    with path.open("wb") as out:
        writer = _archive(out)
        for zoom in range(MIN_ZOOM, MAX_ZOOM + 1):
            drawn = dict(_tiles(layers, zoom, bounds))
            for tile_id, data in sorted(drawn.items()):
                writer.write_tile(tile_id, gzip.compress(data, 6, mtime=0))
            tiles += len(drawn)
            progress(4.0 ** (zoom - MAX_ZOOM))
        writer.finalize(_header(bounds), {"name": name, "vector_layers": _describe(layers)})
    return tiles


def _layers(features: Features) -> Iterator[_Layer]:
    for name, layer in features.layers.items():
        shapes, attributes = shapely.transform(layer.shapes(), _mercator), layer.attributes
        first = [_FIRST_ZOOM.get(each["kind"], MIN_ZOOM) for each in attributes]
        if name == "labels":
            for point, label, zoom in (
                *_cities(features),
                *_named(features, "parks"),
                *_named(features, "water"),
            ):
                shapes = np.append(shapes, point)
                attributes = [*attributes, label]
                first.append(zoom)
        yield _Layer(name, shapes, attributes, np.array(first, dtype=int))


def _cities(features: Features) -> Iterator[_Label]:
    """Names of cities that the file has only in its addresses, amid those; a few may be a slip of the pen."""
    for city, lon, lat, houses in features.unlabelled_cities():
        if houses >= _CITY_HOUSES:
            point = shapely.transform(shapely.Point(lon, lat), _mercator)
            yield point, {"kind": "town", "name": city}, MIN_ZOOM


def _named(features: Features, area: str) -> Iterator[_Label]:
    """Names of areas, inside them."""
    layer = features.layers[area]
    inside = shapely.point_on_surface(shapely.transform(layer.shapes(), _mercator))
    for point, attributes in zip(inside, layer.attributes, strict=True):
        if "name" in attributes and attributes["kind"] in _LABEL_ZOOM:
            yield point, attributes, _LABEL_ZOOM[attributes["kind"]]


def _mercator(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    lat = np.radians(np.clip(degrees[:, 1], -85.05, 85.05))
    x = degrees[:, 0] / 360 + 0.5
    y = 0.5 - np.log(np.tan(np.pi / 4 + lat / 2)) / (2 * np.pi)
    return np.column_stack([x, y])


def _tiles(layers: list[_Layer], zoom: int, bounds: Bounds) -> Iterator[tuple[int, bytes]]:
    """Every tile of one zoom that shows anything, by its number in the archive."""
    scale = float(EXTENT * 2**zoom)
    corners = _mercator(np.array([[bounds[0], bounds[3]], [bounds[2], bounds[1]]])) * 2**zoom
    (left, top), (right, bottom) = np.floor(corners).astype(int).tolist()
    contents: defaultdict[tuple[int, int], dict[str, list[int]]] = defaultdict(dict)
    visible = {layer.name: _simplified(layer, zoom, scale) for layer in layers}
    for name, (shapes, _) in visible.items():
        reach = np.nan_to_num(shapely.bounds(shapes).reshape(-1, 4), nan=-1.0)
        first = np.floor((reach[:, :2] - _BUFFER) / EXTENT).astype(int)
        last = np.floor((reach[:, 2:] + _BUFFER) / EXTENT).astype(int)
        for number, ((x0, y0), (x1, y1)) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
            for x in range(max(x0, left), min(x1, right) + 1):
                for y in range(max(y0, top), min(y1, bottom) + 1):
                    contents[x, y].setdefault(name, []).append(number)
    for (x, y), numbers in contents.items():
        cut = {}
        for name, chosen in numbers.items():
            shapes, attributes = visible[name]
            cut[name] = _cut(shapes[chosen], x, y), [attributes[number] for number in chosen]
        if data := encode(cut):
            yield zxy_to_tileid(zoom, x, y), data


def _simplified(layer: _Layer, zoom: int, scale: float) -> tuple[NDArray[np.object_], list[dict[str, str]]]:
    """The shapes that one zoom shows, in its tile units, without detail that nobody could see."""
    chosen = np.flatnonzero(layer.first_zoom <= zoom)
    shapes = shapely.transform(layer.shapes[chosen], lambda xy: xy * scale)
    if layer.name in ("landuse", "parks", "water", "buildings"):
        least = _LEAST_AREA * (4 if layer.name == "buildings" else 1) * (zoom < MAX_ZOOM)
        large = shapely.area(shapes) > least
        chosen, shapes = chosen[large], shapes[large]
    shapes = shapely.simplify(shapes, 4 if zoom == MAX_ZOOM else 12)
    return shapes, [layer.attributes[number] for number in chosen]


def _cut(shapes: NDArray[np.object_], x: int, y: int) -> NDArray[np.object_]:
    """The part of the shapes that one tile draws, relative to its corner."""
    west, north = x * EXTENT, y * EXTENT
    box = (west - _BUFFER, north - _BUFFER, west + EXTENT + _BUFFER, north + EXTENT + _BUFFER)
    reach = shapely.bounds(shapes)
    across = (reach[:, :2] < box[:2]).any(axis=1) | (reach[:, 2:] > box[2:]).any(axis=1)
    shapes = shapes.copy()
    shapes[across] = shapely.clip_by_rect(shapes[across], *box)
    moved: NDArray[np.object_] = shapely.transform(shapes, lambda xy: xy - (west, north))
    return moved


def _header(bounds: Bounds) -> dict[str, object]:
    west, south, east, north = (round(degree * 1e7) for degree in bounds)
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": 12,
        "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }


def _describe(layers: list[_Layer]) -> list[dict[str, object]]:
    return [
        {
            "id": layer.name,
            "minzoom": MIN_ZOOM,
            "maxzoom": MAX_ZOOM,
            "fields": {key: "String" for attributes in layer.attributes for key in attributes},
        }
        for layer in layers
    ]
