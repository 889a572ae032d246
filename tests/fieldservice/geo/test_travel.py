"""The estimate is always there and always labelled; the road engine is used when a sound map is."""

import json
import shutil

import pytest

from fieldservice.geo.estimate import EstimatedTravelTimes, crow_metres
from fieldservice.geo.manifest import MANIFEST, ROADS, load_manifest
from fieldservice.geo.roads import RoadTravelTimes
from fieldservice.geo.travel import open_travel_times
from fieldservice.geo.types import Coordinates

LONDON, PARIS = Coordinates(51.5074, -0.1278), Coordinates(48.8566, 2.3522)


def test_great_circle_distance_is_right():
    """London to Paris is 343.6 km as the crow flies."""
    assert crow_metres(LONDON, PARIS) == pytest.approx(343_600, rel=0.002)


def test_an_estimate_says_so():
    """Every cell between two points is marked; 1.35 times the crow's way at 40 km/h, times the factor."""
    table = EstimatedTravelTimes(factor=2).table([LONDON, PARIS])
    assert table.estimated
    assert table.estimated_cells.tolist() == [[False, True], [True, False]]
    assert table.metres[0, 1] == pytest.approx(343_600 * 1.35, rel=0.002)
    assert table.seconds[0, 1] == pytest.approx(343.6 * 1.35 / 40 * 3600 * 2, rel=0.002)
    assert EstimatedTravelTimes().geometry([LONDON, PARIS]).estimated


@pytest.mark.parametrize("points", [[], [LONDON], [LONDON, LONDON]])
def test_an_estimate_of_hardly_anything(points):
    """No points, one point and the same point twice are no special cases for a caller."""
    table = EstimatedTravelTimes().table(points)
    assert table.seconds.shape == (len(points), len(points))
    assert not table.seconds.any()
    assert EstimatedTravelTimes().extend(table, [PARIS, PARIS]).points == (*points, PARIS)


def test_without_a_map_travel_times_are_estimates(tmp_path):
    """A fresh installation works before any map is imported, and says what it works with."""
    for nothing in (None, tmp_path, tmp_path / "missing"):
        assert open_travel_times(nothing).estimated


def test_with_a_map_travel_times_are_of_the_road(town_map):
    """The positive control of the fallbacks in this file."""
    travel = open_travel_times(town_map)
    assert isinstance(travel, RoadTravelTimes)
    assert not travel.estimated


@pytest.mark.parametrize("damage", ["manifest", "format", "missing", "short", "profile"])
def test_a_damaged_map_is_not_used(town_map, tmp_path, damage, caplog):
    """Half a map, a map of another version or a broken manifest gives labelled estimates and a log line."""
    copy = tmp_path / "map"
    shutil.copytree(town_map, copy)
    assert not open_travel_times(copy).estimated
    engine_file = load_manifest(copy).path(copy, ROADS).with_suffix(".osrm.mldgr")
    text = (copy / MANIFEST).read_text()
    match damage:
        case "manifest":
            (copy / MANIFEST).write_text(text[: len(text) // 2])
        case "format":
            (copy / MANIFEST).write_text(json.dumps(json.loads(text) | {"format": 0}))
        case "profile":
            (copy / MANIFEST).write_text(json.dumps(json.loads(text) | {"profiles": []}))
        case "missing":
            engine_file.unlink()
        case "short":
            engine_file.write_bytes(engine_file.read_bytes()[:-100])
    assert open_travel_times(copy).estimated
    assert "travel times are estimates" in caplog.text


def test_an_absurd_factor_is_refused(town_map):
    """A factor of 0 would make every visit reachable at once."""
    with pytest.raises(ValueError, match="not a travel time factor"):
        open_travel_times(town_map, factor=0)


def test_the_data_set_tells_answers_apart(town_map):
    """Whatever keeps travel times must notice another factor or another map."""
    names = {
        open_travel_times(town_map).data_set,
        open_travel_times(town_map, factor=1.1).data_set,
        open_travel_times(None).data_set,
    }
    assert len(names) == 3
    assert open_travel_times(town_map).data_set in names
