"""Travel times without a map: great-circle distance times a detour factor at one speed."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from fieldservice.geo.types import Coordinates, Geometry, Metres, Seconds, TravelTable, Ways

EARTH_RADIUS_M = 6_371_008.8
DETOUR = 1.35
SPEED_M_S = 40_000 / 3600


def great_circle(starts: Sequence[Coordinates], ends: Sequence[Coordinates]) -> NDArray[np.float64]:
    """Distances in metres from each of `starts` to each of `ends`, as the crow flies."""
    lat0, lon0 = _radians(starts)
    lat1, lon1 = _radians(ends)
    haversine = (
        np.sin((lat0[:, None] - lat1[None, :]) / 2) ** 2
        + np.cos(lat0)[:, None] * np.cos(lat1)[None, :] * np.sin((lon0[:, None] - lon1[None, :]) / 2) ** 2
    )
    metres: NDArray[np.float64] = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))
    return metres


def _radians(points: Sequence[Coordinates]) -> NDArray[np.float64]:
    degrees = np.array([(point.lat, point.lon) for point in points], dtype=float).reshape(-1, 2)
    return np.radians(degrees).T


def crow_metres(start: Coordinates, end: Coordinates) -> float:
    """Distance in metres between two points, as the crow flies."""
    return float(great_circle([start], [end])[0, 0])


def estimate(
    starts: Sequence[Coordinates], ends: Sequence[Coordinates], factor: float
) -> tuple[Seconds, Metres]:
    """Estimated travel times (s, multiplied by `factor`) and distances (m) from `starts` to `ends`."""
    metres = great_circle(starts, ends) * DETOUR
    seconds = np.rint(metres / SPEED_M_S * factor).astype(np.int32)
    return seconds, np.rint(metres).astype(np.int32)


class EstimatedTravelTimes:
    """Travel times where no map was imported; everything it returns is marked as estimated."""

    estimated = True

    def __init__(self, *, factor: float = 1.0) -> None:
        self._factor = factor
        self.data_set = f"estimate-{factor:g}"

    def factor(self, at: datetime | None) -> float:
        """What estimates are multiplied by, at every hour."""
        return self._factor

    def table(self, points: Sequence[Coordinates], *, at: datetime | None = None) -> TravelTable:
        """Estimates for all pairs; the hour makes no difference to an estimate."""
        seconds, metres = estimate(points, points, self._factor)
        return TravelTable(tuple(points), seconds, metres, ~np.eye(len(points), dtype=bool))

    def extend(
        self, table: TravelTable, points: Sequence[Coordinates], *, at: datetime | None = None
    ) -> TravelTable:
        """`table` and those of `points` that it lacks; an estimate is cheap enough to make anew."""
        fresh = {point.key: point for point in points if not table.covers([point])}
        return self.table([*table.points, *fresh.values()], at=at)

    def ways(self, place: Coordinates, points: Sequence[Coordinates], *, at: datetime | None = None) -> Ways:
        """Estimates to a place and back, which are the same."""
        there, _ = estimate(points, [place], self._factor)
        away = np.array([point.key != place.key for point in points], dtype=bool)
        return Ways(there[:, 0], there[:, 0], away)

    def geometry(self, points: Sequence[Coordinates]) -> Geometry:
        """Straight lines through `points`."""
        return straight(points)

    def snap_distance(self, point: Coordinates) -> float | None:
        """None: without a map nothing is known about roads."""
        return None


def straight(points: Sequence[Coordinates]) -> Geometry:
    """Straight lines through `points`, with the estimated road distance as length."""
    crow = sum(crow_metres(start, end) for start, end in zip(points, points[1:], strict=False))
    return Geometry(tuple(points), round(crow * DETOUR), estimated=True)
