"""The synthetic town is the same each time, and rich enough to be a demo."""

from collections import Counter

import osmium
import pytest

from fieldservice.geo.features import read_features
from fieldservice.geo.town import write_town


@pytest.fixture(scope="module")
def other_town(tmp_path_factory):
    """The town of another seed."""
    path = tmp_path_factory.mktemp("other") / "other.osm.pbf"
    write_town(path, seed=5)
    return path


def test_a_seed_is_a_town(town_pbf, other_town, tmp_path):
    """The same seed writes the same bytes; another seed writes another town."""
    write_town(tmp_path / "again.osm.pbf")
    assert (tmp_path / "again.osm.pbf").read_bytes() == town_pbf.read_bytes()
    assert other_town.read_bytes() != town_pbf.read_bytes()


def test_an_existing_file_is_replaced(tmp_path):
    """Writing a town twice is no error and leaves nothing beside it."""
    path = tmp_path / "town.osm.pbf"
    path.write_text("something else")
    write_town(path, addresses=10)
    assert [each.name for each in tmp_path.iterdir()] == ["town.osm.pbf"]
    assert len(read_features(path).addresses) == 10


@pytest.mark.parametrize("town", ["town_pbf", "other_town"])
def test_every_address_is_there_once_and_whole(town, request):
    """6,000 different addresses on hundreds of streets, each with city and postcode."""
    addresses = read_features(request.getfixturevalue(town)).addresses
    assert len(addresses) == 6000
    assert max(Counter((a.street, a.number) for a in addresses).values()) == 1
    assert len({a.street for a in addresses}) > 300
    assert {a.city for a in addresses} == {"Demoville"}
    assert len({a.postcode for a in addresses}) == 4
    assert {a.country for a in addresses} == {"US"}


def test_the_base_map_has_something_of_everything(town_pbf):
    """Streets of each rank, water, parks, land use, buildings and place names."""
    layers = read_features(town_pbf).layers
    kinds = {attributes["kind"] for layer in layers.values() for attributes in layer.attributes}
    assert {
        "highway",
        "major",
        "minor",
        "park",
        "water",
        "residential",
        "building",
        "town",
        "suburb",
    } <= kinds


def test_the_file_says_that_it_is_sorted_and_invented(town_pbf):
    """Other tools read the order from the header, the import reads the origin."""
    with osmium.io.Reader(str(town_pbf)) as reader:
        header = reader.header()
    assert header.get("sorting") == "Type_then_ID"
    assert header.get("generator") == "fieldservice synthetic town"
    assert header.box().valid()
