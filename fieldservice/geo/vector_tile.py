"""Encode shapes as Mapbox vector tiles.

The protobuf messages come from mapbox-vector-tile; the geometry commands are written here for whole arrays of
shapes at once, which makes the base map of a county a matter of seconds.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import shapely
from mapbox_vector_tile.Mapbox import vector_tile_pb2
from numpy.typing import NDArray

EXTENT = 4096
_POINT, _LINE, _POLYGON = 1, 2, 3
_MOVE_TO, _LINE_TO, _CLOSE = 1, 2, 15

type Shapes = NDArray[np.object_]
type Attributes = Sequence[Mapping[str, str]]


def encode(layers: Mapping[str, tuple[Shapes, Attributes]]) -> bytes:
    """A tile of `layers` with shapes in tile units, y downwards; one without a visible shape is left out."""
    tile = vector_tile_pb2.tile()
    for name, (shapes, attributes) in layers.items():
        layer = vector_tile_pb2.tile.layer(name=name, version=2, extent=EXTENT)
        keys: dict[str, int] = {}
        values: dict[str, int] = {}
        for number, kind, commands in _commands(shapes):
            tags = [
                position
                for key, value in attributes[number].items()
                for position in (keys.setdefault(key, len(keys)), values.setdefault(value, len(values)))
            ]
            layer.features.add(type=kind, tags=tags, geometry=commands)
        if layer.features:
            layer.keys.extend(keys)
            for value in values:
                layer.values.add(string_value=value)
            tile.layers.append(layer)
    encoded: bytes = tile.SerializeToString()
    return encoded


def _commands(shapes: Shapes) -> Any:
    """For each visible shape: its number, its kind, its drawing commands."""
    parts, owners = shapely.get_parts(shapes, return_index=True)
    kinds = shapely.get_type_id(parts)
    for kind, type_id in ((_POINT, 0), (_LINE, 1), (_POLYGON, 3)):
        chosen = kinds == type_id
        if not chosen.any():
            continue
        pieces, piece_owners = parts[chosen], owners[chosen]
        if kind == _POLYGON:
            # outer rings run clockwise on the screen, which is counter-clockwise for a y that grows downwards
            pieces, ring_of = shapely.get_rings(shapely.orient_polygons(pieces), return_index=True)
            piece_owners = piece_owners[ring_of]
        corners, piece_of = shapely.get_coordinates(pieces, return_index=True)
        ends = np.searchsorted(piece_of, np.arange(len(pieces) + 1))
        whole: list[list[int]] = np.rint(corners).astype(int).tolist()
        drawn = zip(piece_owners.tolist(), pairwise(ends.tolist()), strict=True)
        for owner, group in groupby(drawn, key=lambda item: item[0]):
            commands = _draw([whole[start:end] for _, (start, end) in group], kind)
            if commands:
                yield owner, kind, commands


def _draw(lines: list[list[list[int]]], kind: int) -> list[int]:
    """The commands of one shape's points, lines or rings, without those that collapse on the grid."""
    commands: list[int] = []
    x = y = 0
    for line in lines:
        path = [point for point, _ in groupby(line)]
        if kind == _POLYGON:
            path.pop()  # a ring is closed by command, not by repeating its first point
        if len(path) < kind:  # a point has one corner, a line two, a ring three
            continue
        steps: list[int] = []
        for to_x, to_y in path:
            dx, dy = to_x - x, to_y - y
            steps += ((dx << 1) ^ (dx >> 63), (dy << 1) ^ (dy >> 63))
            x, y = to_x, to_y
        commands += (_MOVE_TO | 1 << 3, *steps[:2])
        if len(path) > 1:
            commands += (_LINE_TO | (len(path) - 1) << 3, *steps[2:])
        if kind == _POLYGON:
            commands.append(_CLOSE)
    return commands
