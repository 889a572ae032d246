"""Travel times by the road engine (OSRM, inside this process)."""

import logging
import os
import threading
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import osrm
from numpy.typing import NDArray

from fieldservice.geo.estimate import estimate, straight
from fieldservice.geo.manifest import ROADS, Manifest
from fieldservice.geo.types import Coordinates, Flags, Geometry, Metres, Seconds, TravelTable, Ways

MAX_SNAP_M = 200
"""A point further than this from the roads is answered with an estimate: the engine would accept any."""

_ROWS_PER_CALL = 250
"""The engine holds the interpreter lock while it computes; blocks of rows let other threads of the web in."""

_MAX_TABLE = 20_000
_log = logging.getLogger(__name__)


class _Engines:
    """One engine object per map and process; a forked child starts with none."""

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        # a new lock, because the old one may have been held by a thread that does not exist in the child
        self._lock = threading.Lock()
        self._open: dict[Path, Any] = {}

    def get(self, path: Path) -> Any:
        with self._lock:
            if path not in self._open:
                # an engine of a map that was replaced since is dropped when its last user is done
                self._open = {path: self._start(path)}
            return self._open[path]

    @staticmethod
    def _start(path: Path) -> Any:
        return osrm.OSRM(
            algorithm="MLD",
            storage_config=str(path),
            use_shared_memory=False,
            max_locations_distance_table=_MAX_TABLE,
            max_locations_viaroute=_MAX_TABLE,
        )


_engines = _Engines()


class RoadTravelTimes:
    """Travel times and geometry on the roads of an imported map.

    Cells whose points are more than MAX_SNAP_M from the road network, or that no road joins, are estimates
    and marked so.
    """

    estimated = False

    def __init__(self, map_dir: Path, manifest: Manifest, *, factor: float = 1.0) -> None:
        self._path = manifest.path(map_dir, ROADS)
        self._manifest = manifest
        self._factor = factor
        self.data_set = f"{manifest.data_set}-{factor:g}"

    def factor(self, at: datetime | None) -> float:
        """What the road engine's times are multiplied by at that hour."""
        return self._factor * self._manifest.profile(at).factor

    def table(self, points: Sequence[Coordinates], *, at: datetime | None = None) -> TravelTable:
        """Times and distances for all pairs, for a departure at `at`; never raises for points off the map."""
        places = {point.key: point for point in points}
        everything = range(len(places))
        seconds, metres, guessed = self._cells(list(places.values()), everything, everything, at)
        position = {key: number for number, key in enumerate(places)}
        rows = np.array([position[point.key] for point in points], dtype=np.intp)
        spread = np.ix_(rows, rows)
        return TravelTable(tuple(points), seconds[spread], metres[spread], guessed[spread])

    def extend(
        self, table: TravelTable, points: Sequence[Coordinates], *, at: datetime | None = None
    ) -> TravelTable:
        """`table` and those of `points` that it lacks; only their rows and columns are computed."""
        fresh = {point.key: point for point in points if not table.covers([point])}
        everything = [*table.points, *fresh.values()]
        old, new = range(len(table.points)), range(len(table.points), len(everything))
        right = self._cells(everything, old, new, at)
        below = self._cells(everything, new, range(len(everything)), at)
        known = (table.seconds, table.metres, table.estimated_cells)
        parts = zip(known, right, below, strict=True)
        return TravelTable(
            tuple(everything),
            *(np.vstack([np.hstack([left, beside]), under]) for left, beside, under in parts),
        )

    def ways(self, place: Coordinates, points: Sequence[Coordinates], *, at: datetime | None = None) -> Ways:
        """Times from each of `points` to a place and back; a place that is among them is no way away."""
        everything = [*points, place]
        old, new = range(len(points)), range(len(points), len(everything))
        there, _, guessed = self._cells(everything, old, new, at)
        onward, _, guessed_too = self._cells(everything, new, old, at)
        away = np.array([point.key != place.key for point in points], dtype=bool)
        return Ways(
            np.where(away, there[:, 0], 0).astype(np.int32),
            np.where(away, onward[0], 0).astype(np.int32),
            (guessed[:, 0] | guessed_too[0]) & away,
        )

    def geometry(self, points: Sequence[Coordinates]) -> Geometry:
        """The line along the roads through `points` in order; straight to and from points off the roads."""
        if len(points) < 2:
            return Geometry(tuple(points), 0, estimated=False)
        near = [distance <= MAX_SNAP_M for distance in self._to_road(points)]
        legs = zip(pairwise(points), pairwise(near), strict=True)
        parts = []
        for on_road, group in groupby(legs, key=lambda leg: all(leg[1])):
            pairs = [pair for pair, _ in group]
            run = [pairs[0][0], *(end for _, end in pairs)]
            parts.append(self._line(run) if on_road else straight(run))
        return Geometry(
            tuple(point for part in parts for point in part.points),
            sum(part.metres for part in parts),
            any(part.estimated for part in parts),
        )

    def snap_distance(self, point: Coordinates) -> float | None:
        """Metres from `point` to the main road network: large when no road that leads anywhere is near."""
        return self._to_road([point])[0]

    def from_anchor(
        self, points: Sequence[Coordinates]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Seconds from a point on the main road network to each point, seconds back (infinite where no road
        leads), and the metres to that network.
        """
        anchor, others = len(points), range(len(points))
        there = self._ask(points, [anchor], others)
        back = self._ask(points, others, [anchor])
        seconds = np.array([list(there["durations"][0]), [row[0] for row in back["durations"]]], dtype=float)
        to, fro = np.where(np.isnan(seconds), np.inf, seconds * self._factor)
        return to, fro, np.array(_snaps(back["sources"]))

    def _cells(
        self, points: list[Coordinates], rows: range, columns: range, at: datetime | None
    ) -> tuple[Seconds, Metres, Flags]:
        """Seconds, metres and what of them is estimated, from `rows` to `columns` of `points`."""
        factor = self.factor(at)
        starts, ends = points[rows.start : rows.stop], points[columns.start : columns.stop]
        seconds, metres = estimate(starts, ends, factor)
        if not seconds.size:
            return seconds, metres, np.zeros(seconds.shape, dtype=bool)
        driven, distance, off_road = self._driven(points, rows, columns)
        guessed = np.isnan(driven) | np.isnan(distance) | off_road
        seconds = np.where(guessed, seconds, np.rint(driven * factor)).astype(np.int32)
        # the engine says -1 m between two points of one short piece of road
        metres = np.where(guessed, metres, np.rint(np.maximum(distance, 0))).astype(np.int32)
        same = np.array(rows)[:, None] == np.array(columns)[None, :]
        seconds[same] = metres[same] = 0
        return seconds, metres, guessed & ~same

    def _driven(
        self, points: list[Coordinates], rows: range, columns: range
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], Flags]:
        """Seconds and metres by road (NaN where none leads) and where an end is too far from any road."""
        seconds, metres, starts, ends = [], [], [], []
        for first in range(rows.start, rows.stop, _ROWS_PER_CALL):
            answer = self._ask(points, range(first, min(first + _ROWS_PER_CALL, rows.stop)), columns)
            seconds += [list(row) for row in answer["durations"]]
            metres += [list(row) for row in answer["distances"]]
            starts += _snaps(answer["sources"])
            ends = _snaps(answer["destinations"])
        off_road = (np.array(starts)[:, None] > MAX_SNAP_M) | (np.array(ends)[None, :] > MAX_SNAP_M)
        return np.array(seconds, dtype=float), np.array(metres, dtype=float), off_road

    def _to_road(self, points: Sequence[Coordinates]) -> list[float]:
        """Metres from each point to the main road network."""
        return _snaps(self._ask(points, range(len(points)), [len(points)])["sources"])

    def _ask(self, points: Sequence[Coordinates], rows: Sequence[int], columns: Sequence[int]) -> Any:
        # The engine snaps to an isolated piece of road when all points of the call lie on it. The anchor
        # makes it choose the main network always: a time must not depend on who else is in the table.
        return _engines.get(self._path).Table(
            osrm.TableParameters(
                coordinates=[(point.lon, point.lat) for point in (*points, self._manifest.anchor)],
                sources=list(rows),
                destinations=list(columns),
                annotations=["duration", "distance"],
                generate_hints=False,
            )
        )

    def _line(self, run: list[Coordinates]) -> Geometry:
        try:
            answer = _engines.get(self._path).Route(
                osrm.RouteParameters(
                    coordinates=[(point.lon, point.lat) for point in run],
                    geometries="geojson",
                    overview="full",
                    generate_hints=False,
                )
            )
        except RuntimeError as error:  # the engine's word for "no road leads there"
            _log.info("no route through %d points: %s", len(run), error)
            return straight(run)
        route = answer["routes"][0]
        line = tuple(Coordinates(lat, lon) for lon, lat in route["geometry"]["coordinates"])
        return Geometry(line, round(route["distance"]), estimated=False)


def _snaps(waypoints: Any) -> list[float]:
    return [waypoint["distance"] for waypoint in waypoints]
