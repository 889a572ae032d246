"""Ways that are asked for only where they matter give the answers of all ways."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from fieldservice.db import Database
from fieldservice.geo import around
from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.around import SLACK_S, Around, landmarks_of
from fieldservice.geo.manifest import ADDRESSES, load_manifest
from fieldservice.geo.roads import RoadTravelTimes
from fieldservice.geo.samples import sample_addresses
from fieldservice.geo.tables import TravelTables
from fieldservice.models import Service, Technician, Territory
from fieldservice.planning import service as planning
from fieldservice.planning.travel import departure
from tests.factories import NOW, TOMORROW, Company, make_service, make_technician, make_territory, window
from tests.fieldservice.geo.test_roads import ELSEWHERE
from tests.fieldservice.planning.scenes import Scene

WINDOWS = [(8, 10), (10, 12), (12, 14), (14, 16)]


@pytest.fixture(scope="module")
def customers(town_map):
    """Addresses of customers and technicians of the town."""
    manifest = load_manifest(town_map)
    index = AddressIndex(manifest.path(town_map, ADDRESSES))
    roads = RoadTravelTimes(town_map, manifest)
    return [address.coordinates for address in sample_addresses(index, roads, 90, seed=5)]


class Asked(RoadTravelTimes):
    """The road engine, which counts what it is asked."""

    points = 0

    def ways(self, place, points, *, at=None):
        """As the engine says."""
        self.points += len(points)
        return super().ways(place, points, at=at)


@pytest.fixture
def asking(town_map) -> Asked:
    """The road engine on the town."""
    return Asked(town_map, load_manifest(town_map))


def test_no_way_is_shorter_than_it_seems(roads, customers):
    """Bounds are below the true ways but for the slack, tell most of them, and learned ways are true."""
    table = roads.table(customers[:60])
    told = []
    for place in customers[60:]:
        ways = Around(roads, place, NOW).at_least(table, list(range(16)))
        true = roads.ways(place, table.points, at=NOW)
        for bound, way in ((ways.there_s, true.there), (ways.onward_s, true.onward)):
            assert (bound <= way + SLACK_S).all()
            assert (bound[:16] == way[:16]).all()
            told.append((bound[16:].sum() + 1) / (way[16:].sum() + 1))
    assert np.mean(told) > 0.75


def test_landmarks_are_where_roads_lead(roads, customers):
    """A home that no road joins with the others tells nothing about them."""
    table = roads.table([ELSEWHERE, *customers[:5]])
    assert landmarks_of(table, [0, 1, 2, 1]) == [1, 2]


@pytest.fixture
def scene(db: Database, asking: Asked, customers) -> Scene:
    """Six technicians of the town with up to five visits tomorrow, all at addresses."""

    def company(session) -> Company:
        territory = make_territory(session, centre_lat=39.45, centre_lon=-76.95)
        made = Company(territory, make_service(session, duration=timedelta(minutes=45)))
        made.technicians += [make_technician(session, territory, home=home) for home in customers[:6]]
        return made

    scene = Scene(db, company)
    scene.tables = TravelTables(asking)
    for number, place in enumerate(customers[6:36]):
        try:
            scene.book(window(TOMORROW, *WINDOWS[number % 4]), at=place)
        except planning.SlotTaken:
            continue
    return scene


def offered(scene: Scene, at, tables: TravelTables):
    """The windows of tomorrow for a customer, each with its technician and drive."""
    with scene.db.reading() as session:
        assert session.query(Technician).count() == 6
        service = session.get_one(Service, scene.service_id)
        ask = planning.ask_for(service, session.get_one(Territory, scene.territory_id), at)
        return planning.slots(session, ask, [TOMORROW], now=NOW, tables=tables)[TOMORROW].slots


def everything(scene: Scene, asking: Asked, at) -> TravelTables:
    """Tables that know every way of a customer before anybody asks."""
    tables = TravelTables(asking)
    with scene.db.reading() as session:
        day = scene.day(session)
    tables.around(at, at=departure(day.rows)).learn(day.table.points)
    return tables


def test_the_cheapest_drive_is_that_of_all_ways(scene, asking, customers):
    """For fifty customers the same windows, technicians and drives, and most ways were never asked for."""
    asked = 0
    for place in customers[40:]:
        full = offered(scene, place, everything(scene, asking, place))
        before = asking.points
        assert offered(scene, place, TravelTables(asking)) == full
        asked += asking.points - before
        assert full
    assert asked < 0.75 * 50 * 36


def test_bounds_that_are_too_long_would_be_seen(scene, asking, customers, monkeypatch):
    """The control: with ways that seem longer than they are others are the cheapest."""
    monkeypatch.setattr(around, "SLACK_S", -600)
    assert any(
        offered(scene, place, TravelTables(asking)) != offered(scene, place, everything(scene, asking, place))
        for place in customers[40:]
    )
