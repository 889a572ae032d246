"""Travel times for the rest of the product: one protocol, by the road engine or as a labelled estimate."""

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.manifest import MapDamaged, MapMissing, load_manifest
from fieldservice.geo.types import Coordinates, Geometry, TravelTable, Ways

__all__ = ["Coordinates", "Geometry", "TravelTable", "TravelTimes", "open_travel_times"]

_log = logging.getLogger(__name__)


class TravelTimes(Protocol):
    """Source of travel times; `data_set` changes when answers may, `estimated`: there are no roads."""

    @property
    def data_set(self) -> str: ...

    @property
    def estimated(self) -> bool: ...

    def factor(self, at: datetime | None) -> float:
        """What all times of that hour are multiplied by: hours of one factor have the same times."""
        ...

    def table(self, points: Sequence[Coordinates], *, at: datetime | None = None) -> TravelTable:
        """Times and distances for all pairs, for a departure at `at` (None: no particular hour)."""
        ...

    def extend(
        self, table: TravelTable, points: Sequence[Coordinates], *, at: datetime | None = None
    ) -> TravelTable:
        """`table` and those of `points` that it lacks; only their rows and columns are computed."""
        ...

    def ways(self, place: Coordinates, points: Sequence[Coordinates], *, at: datetime | None = None) -> Ways:
        """Times from each of `points` to a place and back, as `extend` would say; no table is made."""
        ...

    def geometry(self, points: Sequence[Coordinates]) -> Geometry:
        """The line of a route through `points` in order."""
        ...

    def snap_distance(self, point: Coordinates) -> float | None:
        """Metres from `point` to the road network, None when no map says."""
        ...


def open_travel_times(map_dir: Path | None, *, factor: float = 1.0) -> TravelTimes:
    """The road engine when a usable map lies in `map_dir`, else the labelled estimate.

    `factor` calibrates all times (1.2: a fifth longer than the road engine says). Cheap: the engine opens on
    first use, once per process. A damaged map is logged and answered with estimates: bookings go on.
    """
    if not 0.1 <= factor <= 10:
        raise ValueError(f"not a travel time factor: {factor}")
    if map_dir is not None:
        try:
            manifest = load_manifest(map_dir)
        except MapMissing:
            return EstimatedTravelTimes(factor=factor)
        except MapDamaged as error:
            _log.warning("travel times are estimates: %s", error)
            return EstimatedTravelTimes(factor=factor)
        # imported here so that a process without a map does not load the engine's library
        from fieldservice.geo.roads import RoadTravelTimes

        return RoadTravelTimes(map_dir, manifest, factor=factor)
    return EstimatedTravelTimes(factor=factor)
