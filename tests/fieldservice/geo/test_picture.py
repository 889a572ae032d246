"""The small picture of the map around a place is drawn from the imported base map."""

from __future__ import annotations

import re
from pathlib import Path

from fieldservice.geo.manifest import load_manifest
from fieldservice.geo.picture import HEIGHT, WIDTH, around
from fieldservice.geo.town import CENTRE
from fieldservice.geo.types import Coordinates


def test_streets_around_a_place_are_drawn(town_map: Path) -> None:
    """In the town streets cross the picture; far away there is nothing to draw, and that is no error."""
    tiles = town_map / load_manifest(town_map).tiles.file
    shapes = {shape.kind: shape.path for shape in around(tiles, Coordinates(*CENTRE))}
    assert "minor" in shapes
    points = [(float(x), float(y)) for x, y in re.findall(r"(-?\d+) (-?\d+)", shapes["minor"])]
    inside = [(x, y) for x, y in points if 0 <= x <= WIDTH and 0 <= y <= HEIGHT]
    assert len(inside) > 10
    assert around(tiles, Coordinates(0.0, 0.0)) == ()
