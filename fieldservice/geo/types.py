"""The values that geo hands out: a point, a travel table, a line to draw."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

type Seconds = NDArray[np.int32]
type Metres = NDArray[np.int32]
type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A point on earth in degrees (WGS 84); cannot be built from anything that is not on the globe."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lat) and math.isfinite(self.lon)):
            raise ValueError(f"not a point: {self.lat}, {self.lon}")
        if abs(self.lat) > 90 or abs(self.lon) > 180:
            raise ValueError(f"not on the globe: {self.lat}, {self.lon}")

    @property
    def key(self) -> tuple[float, float]:
        """The point rounded to 5 decimals (about a metre): equal keys are the same place."""
        return round(self.lat, 5), round(self.lon, 5)


@dataclass(frozen=True, slots=True, eq=False)
class TravelTable:
    """Travel times (s) and distances (m) between all pairs of `points`; row = from, column = to.

    `estimated_cells` marks the cells that did not come from the road engine.
    """

    points: tuple[Coordinates, ...]
    seconds: Seconds
    metres: Metres
    estimated_cells: Flags
    _places: dict[tuple[float, float], int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        size = (len(self.points), len(self.points))
        for array in (self.seconds, self.metres, self.estimated_cells):
            if array.shape != size:
                raise ValueError(f"a table of {len(self.points)} points cannot have the shape {array.shape}")
            array.flags.writeable = False
        places: dict[tuple[float, float], int] = {}
        for position, point in enumerate(self.points):
            places.setdefault(point.key, position)
        object.__setattr__(self, "_places", places)

    @property
    def estimated(self) -> bool:
        """Whether any cell is an estimate."""
        return bool(self.estimated_cells.any())

    def index(self, point: Coordinates) -> int:
        """The row and column of `point`; raises KeyError when the table was not asked for it."""
        return self._places[point.key]

    def row(self, key: tuple[float, float]) -> int | None:
        """The row and column of the point with this key; None when the table was not asked for it."""
        return self._places.get(key)

    def covers(self, points: Iterable[Coordinates]) -> bool:
        """Whether every one of `points` has a row."""
        return all(point.key in self._places for point in points)


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """Travel times (s) between one place and others: `there` from each of them, `onward` to each.

    `estimated` marks the points whose ways did not both come from the road engine.
    """

    there: Seconds
    onward: Seconds
    estimated: Flags


@dataclass(frozen=True, slots=True)
class Geometry:
    """The line of a route with its length; `estimated` when any part of it is a straight line."""

    points: tuple[Coordinates, ...]
    metres: int
    estimated: bool
