"""Places of a generated day with the travel between them: on the roads of an imported map, or estimated."""

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.paths import CACHE, DATA
from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.imports import import_map
from fieldservice.geo.manifest import ADDRESSES, Manifest, MapMissing, load_manifest
from fieldservice.geo.roads import RoadTravelTimes
from fieldservice.geo.samples import sample_addresses
from fieldservice.geo.types import Coordinates

MAPS = {"baltimore": "baltimore-county.osm.pbf", "liechtenstein": "liechtenstein-2021.osm.pbf"}
"""The extracts in the folder of data, by the name that an instance gives them."""
ESTIMATE = "estimate"
"""The name of travel without a map."""
TOWN = Coordinates(39.45, -76.75)
"""Where an invented town lies; any place would do."""
TOWN_RADIUS_DEG = 0.09
CENTRES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """`seconds` and `metres` between all pairs of places; `note` says where they are from."""

    seconds: NDArray[np.int32]
    metres: NDArray[np.int32]
    note: str


def default_roads() -> str:
    """The map that days use unless told otherwise, or the estimate when its extract is not there."""
    return "baltimore" if (DATA / "osm" / MAPS["baltimore"]).is_file() else ESTIMATE


def places(roads: str, count: int, seed: int) -> Places:
    """`count` places, the same for the same arguments.

    Raises
    ------
    FileNotFoundError
        When the extract of the named map is not there.
    """
    if roads == ESTIMATE:
        return _estimated(count, seed)
    if roads not in MAPS:
        raise ValueError(f"roads: {roads!r} is neither {ESTIMATE} nor one of {', '.join(MAPS)}")
    return _on_map(roads, count, seed)


def _estimated(count: int, seed: int) -> Places:
    """Places around the centres of an invented town; straight lines times a detour factor at one speed."""
    random = np.random.default_rng([seed, count])
    centres = random.normal(0, TOWN_RADIUS_DEG / 2, (CENTRES, 2))
    near = centres[random.integers(0, CENTRES, count)] + random.normal(0, TOWN_RADIUS_DEG / 5, (count, 2))
    points = [Coordinates(TOWN.lat + north, TOWN.lon + east / 0.77) for north, east in near.tolist()]
    table = EstimatedTravelTimes().table(points)
    return Places(table.seconds, table.metres, "estimated travel times")


def _on_map(roads: str, count: int, seed: int) -> Places:
    map_dir, manifest = _map(roads)
    note = f"roads of {MAPS[roads]}"
    key = hashlib.sha256(f"{manifest.data_set} {count} {seed}".encode()).hexdigest()[:16]
    kept = CACHE / "travel" / f"{roads}-{count}-{seed}-{key}.npz"
    if not kept.exists():
        travel = RoadTravelTimes(map_dir, manifest)
        index = AddressIndex(manifest.path(map_dir, ADDRESSES))
        addresses = sample_addresses(index, travel, count, seed)
        table = travel.table([address.coordinates for address in addresses])
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(f".{os.getpid()}.npz")  # two runs at once may make the same table
        np.savez_compressed(draft, seconds=table.seconds, metres=table.metres)
        draft.replace(kept)
    with np.load(kept) as arrays:
        return Places(arrays["seconds"], arrays["metres"], note)


def _map(roads: str) -> tuple[Path, Manifest]:
    """The imported map, imported now if it is not there; that takes seconds, once."""
    extract = DATA / "osm" / MAPS[roads]
    if not extract.is_file():
        raise FileNotFoundError(f"{extract} does not exist; use roads={ESTIMATE}")
    map_dir = CACHE / "maps" / roads
    try:
        return map_dir, load_manifest(map_dir)
    except MapMissing:
        logging.getLogger(__name__).info("importing %s", extract.name)
        return map_dir, import_map(extract, map_dir)
