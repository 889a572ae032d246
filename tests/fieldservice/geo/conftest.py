"""One imported synthetic town for all tests of maps, and the real county where its file is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.imports import import_map
from fieldservice.geo.manifest import ADDRESSES, load_manifest
from fieldservice.geo.roads import RoadTravelTimes
from fieldservice.geo.town import write_town

BALTIMORE = Path(__file__).parents[4] / "shared" / "data" / "osm" / "baltimore-county.osm.pbf"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Skipped for want of data must not look like passed."""
    if not BALTIMORE.exists():
        terminalreporter.section("REAL MAP DATA IS MISSING", red=True)
        terminalreporter.line(f"{BALTIMORE} does not exist: nothing was tested on real streets.")


@pytest.fixture(scope="session")
def town_pbf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic town's file."""
    path = tmp_path_factory.mktemp("town") / "town.osm.pbf"
    write_town(path)
    return path


@pytest.fixture(scope="session")
def village_pbf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same streets with few houses: quicker to import."""
    path = tmp_path_factory.mktemp("village") / "village.osm.pbf"
    write_town(path, seed=2, addresses=100)
    return path


@pytest.fixture(scope="session")
def town_map(town_pbf: Path) -> Path:
    """The town as an imported map; tests must not write into it."""
    out = town_pbf.parent / "map"
    import_map(town_pbf, out)
    return out


@pytest.fixture
def roads(town_map: Path) -> RoadTravelTimes:
    """The road engine on the town."""
    return RoadTravelTimes(town_map, load_manifest(town_map))


@pytest.fixture
def index(town_map: Path) -> AddressIndex:
    """The town's addresses."""
    return AddressIndex(load_manifest(town_map).path(town_map, ADDRESSES))


@pytest.fixture(scope="session")
def baltimore_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of Baltimore County as an imported map."""
    if not BALTIMORE.exists():
        pytest.skip(f"{BALTIMORE} does not exist")
    out = tmp_path_factory.mktemp("baltimore")
    import_map(BALTIMORE, out, time_zone="America/New_York")
    return out
