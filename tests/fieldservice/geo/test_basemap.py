"""The base map holds what its documentation promises, in tiles that others' readers decode."""

import gzip
import re

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pmtiles.reader import MmapSource, Reader, all_tiles

from fieldservice.geo import basemap
from fieldservice.geo.manifest import load_manifest
from fieldservice.geo.vector_tile import EXTENT, encode


@pytest.fixture(scope="module")
def tiles(town_map):
    """Every tile of the town by zoom, column and row, decoded."""
    with (town_map / load_manifest(town_map).tiles.file).open("rb") as file:
        return {
            place: mapbox_vector_tile.decode(gzip.decompress(data), default_options={"y_coord_down": True})
            for place, data in all_tiles(MmapSource(file))
        }


def features(tiles, zoom, layer):
    """All features of a layer at a zoom."""
    return [
        feature
        for (z, _, _), tile in tiles.items()
        if z == zoom
        for feature in tile.get(layer, {"features": []})["features"]
    ]


def test_the_archive_says_where_it_is(town_map):
    """The header has bounds, zooms and kind of tile, so that a viewer needs nothing else."""
    manifest = load_manifest(town_map)
    with (town_map / manifest.tiles.file).open("rb") as file:
        reader = Reader(MmapSource(file))
        header, metadata = reader.header(), reader.metadata()
    assert (header["min_zoom"], header["max_zoom"]) == (8, 14)
    bounds = [header[key] / 1e7 for key in ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")]
    assert bounds == pytest.approx(manifest.bounds, abs=1e-6)
    assert header["tile_type"].name == "MVT"
    documented = [line.split()[0] for line in basemap.__doc__.splitlines() if "kind:" in line]
    assert [layer["id"] for layer in metadata["vector_layers"]] == documented


def test_only_documented_kinds_are_drawn(tiles):
    """A style that knows the documented kinds shows the whole map; a town has something in each layer."""
    kinds = {}
    for line in basemap.__doc__.splitlines():
        if "kind:" in line:
            listed = re.split(r"[;(]", line.partition("kind: ")[2])[0]
            kinds[line.split()[0]] = {kind.strip() for kind in listed.split(",")}
    for layer in ("landuse", "parks", "water", "buildings", "roads", "labels"):
        drawn = {feature["properties"]["kind"] for feature in features(tiles, 14, layer)}
        assert drawn
        assert drawn <= kinds[layer]


def test_the_closer_the_more(tiles):
    """Far out only main roads, close by every street with its name and every house."""
    far = {feature["properties"]["kind"] for feature in features(tiles, 9, "roads")}
    assert far == {"highway", "major"}
    assert not features(tiles, 12, "buildings")
    close = features(tiles, 14, "roads")
    assert {feature["properties"]["kind"] for feature in close} >= {"highway", "major", "minor"}
    assert len({feature["properties"].get("name") for feature in close}) > 300
    assert len(features(tiles, 14, "buildings")) >= 12_000
    assert "Demoville" in {feature["properties"]["name"] for feature in features(tiles, 10, "labels")}


def test_nothing_reaches_far_out_of_its_tile(tiles):
    """Shapes are cut a little beyond the edge of each tile: small files, and wide lines that meet."""
    for tile in tiles.values():
        for layer in tile.values():
            for feature in layer["features"]:
                west, south, east, north = shapely.geometry.shape(feature["geometry"]).bounds
                assert min(west, south) >= -129
                assert max(east, north) <= EXTENT + 129


def one(shape, **attributes):
    """A tile with this shape alone, decoded again."""
    data = encode({"layer": (np.array([shape], dtype=object), [attributes])})
    decoded = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})
    return decoded["layer"]["features"][0]


def test_attributes_come_back():
    """Text of any script survives the tile."""
    feature = one(shapely.Point(5, 6), kind="town", name="Großwöhrd 東")
    assert feature["properties"] == {"kind": "town", "name": "Großwöhrd 東"}
    assert feature["geometry"]["coordinates"] == [5, 6]


def test_a_polygon_with_a_hole_comes_back():
    """Rings are wound as the format demands, whichever way they came: a hole stays a hole."""
    hole = [(20, 20), (20, 40), (40, 40), (40, 20)]
    for ring in (hole, hole[::-1]):
        shape = shapely.Polygon([(0, 0), (100, 0), (100, 100), (0, 100)], [ring])
        assert shapely.geometry.shape(one(shape, kind="x")["geometry"]).equals(shape)


def test_what_collapses_to_nothing_is_left_out():
    """A line or a polygon smaller than the grid is not drawn, and a layer without shapes does not exist."""
    tiny = np.array([shapely.LineString([(1, 1), (1.2, 1.2)]), shapely.box(3, 3, 3.3, 3.3)], dtype=object)
    assert mapbox_vector_tile.decode(encode({"layer": (tiny, [{}, {}])})) == {}


@given(
    st.lists(
        st.tuples(st.integers(-128, 4224), st.integers(-128, 4224)), min_size=2, max_size=30, unique=True
    )
)
def test_any_line_comes_back(points):
    """Every line on the grid is decoded to itself by an independent reader."""
    assert [tuple(point) for point in one(shapely.LineString(points))["geometry"]["coordinates"]] == points


def test_cities_without_a_place_get_their_names_from_addresses(baltimore_map):
    """The county's file names no place; its cities stand where their addresses are."""
    with (baltimore_map / load_manifest(baltimore_map).tiles.file).open("rb") as file:
        drawn = [
            mapbox_vector_tile.decode(gzip.decompress(data))
            for (zoom, _, _), data in all_tiles(MmapSource(file))
            if zoom == 10
        ]
    labels = [
        label["properties"] for tile in drawn for label in tile.get("labels", {"features": []})["features"]
    ]
    assert {"kind": "town", "name": "Pikesville"} in labels
