"""The real road engine on the synthetic town: complete, labelled, the same for all who ask."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import osmium
import pytest
from osmium.osm.mutable import Node, Way

from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.estimate import EstimatedTravelTimes, crow_metres
from fieldservice.geo.imports import import_map
from fieldservice.geo.manifest import ADDRESSES, MANIFEST, load_manifest
from fieldservice.geo.roads import MAX_SNAP_M, RoadTravelTimes
from fieldservice.geo.samples import TooFewAddresses, sample_addresses
from fieldservice.geo.types import Coordinates

ELSEWHERE = Coordinates(39.0, -76.0)


@pytest.fixture
def homes(index, roads):
    """Forty addresses of the town."""
    return [address.coordinates for address in sample_addresses(index, roads, 40, seed=3)]


def test_drives_take_what_they_take_in_a_town(roads, homes):
    """No cell is estimated, most drives take 1 to 25 minutes, and no road is shorter than the crow's way."""
    table = roads.table(homes)
    assert not table.estimated
    between = ~np.eye(len(homes), dtype=bool)
    low, high = np.percentile(table.seconds[between], [5, 95]) / 60
    assert 1 < low < high < 25
    for start, end in ((0, 1), (2, 30), (39, 7)):
        assert table.metres[start, end] >= crow_metres(homes[start], homes[end]) - 2 * MAX_SNAP_M
    assert not np.diagonal(table.seconds).any()


def test_there_and_back_are_asked_apart(roads, homes):
    """Half a table is never mirrored: some drives take longer in one direction."""
    seconds = roads.table(homes).seconds
    assert (seconds != seconds.T).any()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_tables_of_hardly_anything(roads, homes, count):
    """No points, one point and one point twice are no special cases for a caller."""
    points = [homes[0]] * count
    table = roads.table(points)
    assert table.seconds.shape == (count, count)
    assert not table.seconds.any()
    assert not table.estimated
    assert roads.extend(table, []).points == tuple(points)


def test_a_point_off_the_map_is_estimated_and_the_rest_is_not(roads, homes):
    """Far from any road the engine would answer for another place: those cells are labelled estimates."""
    poles = [Coordinates(90, 0), Coordinates(-90, 180), Coordinates(0, 0)]
    points = [homes[0], ELSEWHERE, homes[1], *poles]
    table = roads.table(points)
    assert table.estimated
    assert table.estimated_cells[0].tolist() == [False, True, False, True, True, True]
    estimate = EstimatedTravelTimes().table([homes[0], ELSEWHERE])
    assert table.seconds[0, 1] == estimate.seconds[0, 1]
    assert table.seconds[0, 2] == roads.table([homes[0], homes[1]]).seconds[0, 1]


def test_large_tables_are_made_in_blocks_that_fit_together(roads, index):
    """A table larger than one call to the engine equals the small tables inside it."""
    points = [address.coordinates for address in index.sample(range(0, 2600, 10))]
    table = roads.table(points)
    assert len(points) == 260
    picked = [5, 130, 249, 250, 259]
    small = roads.table([points[place] for place in picked])
    assert np.array_equal(table.seconds[np.ix_(picked, picked)], small.seconds)
    assert np.array_equal(table.metres[np.ix_(picked, picked)], small.metres)


def test_an_extended_table_is_the_whole_table(roads, homes):
    """Adding places one by one gives what asking for all at once gives, estimated cells included."""
    table = roads.table(homes[:5])
    for point in (homes[5], ELSEWHERE, homes[2], homes[6]):
        table = roads.extend(table, [point])
    whole = roads.table([*homes[:6], ELSEWHERE, homes[6]])
    assert table.points == whole.points
    assert np.array_equal(table.seconds, whole.seconds)
    assert np.array_equal(table.metres, whole.metres)
    assert np.array_equal(table.estimated_cells, whole.estimated_cells)


def test_the_factor_stretches_times_but_not_roads(town_map, roads, homes):
    """Calibration changes seconds, never metres."""
    slow = RoadTravelTimes(town_map, load_manifest(town_map), factor=1.5).table(homes)
    table = roads.table(homes)
    assert np.abs(slow.seconds - table.seconds * 1.5).max() <= 1.5
    assert np.array_equal(slow.metres, table.metres)


def test_a_profile_holds_at_its_local_hours(town_map, tmp_path, homes):
    """The rush hour of the map's own time zone slows its drives; other hours and no hour do not."""
    copy = tmp_path / "map"
    shutil.copytree(town_map, copy)
    raw = json.loads((copy / MANIFEST).read_text())
    raw["profiles"].insert(0, {"name": "morning", "from_hour": 7, "until_hour": 9, "factor": 2.0})
    (copy / MANIFEST).write_text(json.dumps(raw))
    roads = RoadTravelTimes(copy, load_manifest(copy))
    free = roads.table(homes[:2]).seconds[0, 1]
    morning = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)  # 8:30 in New York
    noon = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
    assert roads.table(homes[:2], at=morning).seconds[0, 1] == pytest.approx(2 * free, abs=2)
    assert roads.table(homes[:2], at=noon).seconds[0, 1] == free
    assert roads.data_set != RoadTravelTimes(town_map, load_manifest(town_map)).data_set


def test_a_route_follows_the_roads(roads, homes):
    """One line through all points in order, as long as the table says, near every point."""
    route = roads.geometry(homes[:6])
    assert not route.estimated
    assert len(route.points) > 30
    table = roads.table(homes[:6])
    assert route.metres == pytest.approx(sum(table.metres[i, i + 1] for i in range(5)), rel=0.05)
    for home in homes[:6]:
        assert min(crow_metres(home, point) for point in route.points) < 150


def test_a_route_is_straight_only_where_no_road_is(roads, homes):
    """The way to a point off the map is drawn straight and labelled; the rest stays on the roads."""
    route = roads.geometry([homes[0], homes[1], ELSEWHERE, homes[2], homes[3]])
    assert route.estimated
    assert ELSEWHERE in route.points
    assert len(route.points) > 20
    assert route.metres > 2 * crow_metres(homes[1], ELSEWHERE)


@pytest.mark.parametrize("count", [0, 1])
def test_a_route_of_hardly_anything(roads, homes, count):
    """Fewer than two points make no line and no error."""
    route = roads.geometry(homes[:count])
    assert route.points == tuple(homes[:count])
    assert route.metres == 0
    assert not route.estimated


def test_snap_distance_tells_near_from_far(roads, homes):
    """A house stands by its road; a point off the map is kilometres away."""
    assert roads.snap_distance(homes[0]) < 100
    assert roads.snap_distance(ELSEWHERE) > 10_000


def test_threads_get_the_same_answers(roads, homes):
    """Eight threads on one engine see what one thread sees."""
    expected = roads.table(homes).seconds
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: roads.table(homes).seconds, range(16)))
    assert all(np.array_equal(answer, expected) for answer in answers)


def test_a_forked_worker_opens_its_own_engine(town_map, homes):
    """An engine opened before a fork (a preloading web server) neither hangs nor lies in the child."""
    script = f"""
import os, sys
from pathlib import Path
from fieldservice.geo.travel import open_travel_times
from fieldservice.geo.types import Coordinates
travel = open_travel_times(Path({str(town_map)!r}))
points = [Coordinates({homes[0].lat}, {homes[0].lon}), Coordinates({homes[1].lat}, {homes[1].lon})]
before = travel.table(points).seconds.tolist()
child = os.fork()
if child == 0:
    os._exit(0 if travel.table(points).seconds.tolist() == before else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], timeout=60, cwd=Path(__file__).parents[3], check=False
    )
    assert ran.returncode == 0


def test_sampled_addresses_can_all_be_reached(index, roads):
    """What the demo builds on: distinct, near a road, reachable both ways, the same for the same seed."""
    found = sample_addresses(index, roads, 100, seed=7)
    assert len({address.label for address in found}) == 100
    assert found == sample_addresses(index, roads, 100, seed=7)
    assert found != sample_addresses(index, roads, 100, seed=8)
    assert max(roads.snap_distance(address.coordinates) for address in found[:20]) <= 100
    table = roads.table([address.coordinates for address in found])
    assert not table.estimated
    assert table.seconds.max() < 3600


def test_more_addresses_than_there_are_is_an_error(index, roads):
    """A demo that is too large for its map says so."""
    with pytest.raises(TooFewAddresses, match="of 7000"):
        sample_addresses(index, roads, 7000, seed=1)


@pytest.fixture
def island_map(village_pbf, tmp_path):
    """The town and, a kilometre north of it, a street that no road joins."""
    path = tmp_path / "island.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for thing in osmium.FileProcessor(str(village_pbf)):
            writer.add(thing)
        nodes = range(1_000_001, 1_000_004)
        for number in nodes:
            writer.add_node(Node(id=number, version=1, location=(-76.95 + number % 10 * 1e-3, 39.505)))
        writer.add_way(Way(id=1_000_001, version=1, nodes=list(nodes), tags={"highway": "residential"}))
    import_map(path, tmp_path / "map")
    return tmp_path / "map"


def test_an_island_of_road_is_not_the_road_network(island_map):
    """A house on a cut-off street is off the network, alone or in company: its times are labelled."""
    roads = RoadTravelTimes(island_map, load_manifest(island_map))
    island = [Coordinates(39.505, -76.949), Coordinates(39.505, -76.947)]
    town = load_manifest(island_map).centre
    assert roads.snap_distance(island[0]) > MAX_SNAP_M
    assert roads.snap_distance(town) < 100
    alone = roads.table(island)
    together = roads.table([*island, town])
    assert alone.estimated_cells[0, 1]
    assert alone.seconds[0, 1] == together.seconds[0, 1]
    assert together.estimated_cells[0, 2]
    assert not together.estimated_cells[2, 2]


def test_the_real_county_has_homes_for_a_company(baltimore_map):
    """340 real addresses near the road network, all joined by roads, a quarter of an hour apart."""
    manifest = load_manifest(baltimore_map)
    roads = RoadTravelTimes(baltimore_map, manifest)
    index = AddressIndex(manifest.path(baltimore_map, ADDRESSES))
    homes = [address.coordinates for address in sample_addresses(index, roads, 340, seed=1)]
    table = roads.table(homes)
    assert not table.estimated
    assert 5 * 60 < np.median(table.seconds) < 25 * 60
    assert not roads.geometry(homes[:10]).estimated
