"""Ways between one place and the many of a day, asked of the roads only where they matter.

The road engine needs a tenth of a millisecond for each place, so for the places of two weeks more than a
second. Who looks for the cheapest of many drives starts with what a drive takes at least, which the travel
table of the day tells with a few landmarks: by the triangle inequality no way is shorter than the difference
of two to a landmark (Goldberg, Harrelson: Computing the shortest path: A* search meets graph theory, 2005).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from fieldservice.geo.estimate import estimate
from fieldservice.geo.types import Coordinates, Flags, TravelTable, Ways

if TYPE_CHECKING:
    from fieldservice.geo.travel import TravelTimes

LANDMARKS = 16
NEIGHBOURS = 4

SLACK_S = 30
"""Who drives by way of a landmark would turn there, which may be forbidden: by so much the inequality errs.

Measured between addresses of Liechtenstein it was 71 s at most, more than 60 s once in 80,000 pairs; 20 s at
most in Baltimore County.
"""


@dataclass(frozen=True, slots=True)
class Drive:
    """Seconds from a point to the place and back to the point; `estimated` when the roads do not say."""

    there: int
    onward: int
    estimated: bool


class Around:
    """The ways between `place` and other points for departures at one hour; what was asked is known."""

    def __init__(self, travel: TravelTimes, place: Coordinates, at: datetime) -> None:
        self.place = place
        self._travel, self._at = travel, at
        self._known: dict[tuple[float, float], Drive] = {}

    def learn(self, points: Iterable[Coordinates]) -> None:
        """Ask for the ways from and to these points, but for those that are known."""
        missing = {point.key: point for point in points if point.key not in self._known}
        if not missing:
            return
        found = self._travel.ways(self.place, list(missing.values()), at=self._at)
        drives = zip(found.there.tolist(), found.onward.tolist(), found.estimated.tolist(), strict=True)
        self._known.update(zip(missing, (Drive(*each) for each in drives), strict=True))

    def drive(self, point: Coordinates) -> Drive:
        """The drive from and to a point that was learned."""
        return self._known[point.key]

    def at_least(self, table: TravelTable, landmarks: Sequence[int]) -> DayWays:
        """The ways to the points of a table; those not known yet are as short as they can be.

        `landmarks` are rows of the table; without any all ways are asked for.
        """
        if not landmarks:
            ways = self._travel.ways(self.place, table.points, at=self._at)
            return DayWays(self, table, ways, np.ones(len(table.points), dtype=bool))
        guess, _ = estimate(table.points, [self.place], self._travel.factor(self._at))
        shortest = Ways(guess[:, 0], guess[:, 0].copy(), np.zeros(len(table.points), dtype=bool))
        found = DayWays(self, table, shortest, np.zeros(len(table.points), dtype=bool))
        known = (table.row(key) for key in list(self._known))
        near = np.argsort(guess[:, 0])[:NEIGHBOURS].tolist()
        found.learn([*landmarks, *near, *(row for row in known if row is not None)])
        return found


class DayWays:
    """Ways between a place and the points of a table: `there_s` from each of them, `onward_s` to each.

    They are never longer than the true ones, but for what SLACK_S says; those that were learned are true.
    """

    def __init__(self, around: Around, table: TravelTable, ways: Ways, learned: Flags) -> None:
        self._around, self._table, self._learned = around, table, learned
        self.there_s, self.onward_s, self._estimated = ways.there, ways.onward, ways.estimated
        self._told = np.zeros(len(table.points), dtype=bool)

    def learn(self, rows: Iterable[int]) -> bool:
        """Ask for the ways of these rows, which tell of the others; False when all were known."""
        missing = [row for row in dict.fromkeys(rows) if not self._learned[row]]
        self._around.learn(self._table.points[row] for row in missing)
        drives = [self._around.drive(self._table.points[row]) for row in missing]
        self._estimated[missing] = [drive.estimated for drive in drives]
        self._learned[missing] = True
        self._lengthen(
            [(row, drive) for row, drive in zip(missing, drives, strict=True) if not drive.estimated]
        )
        self.there_s[missing] = [drive.there for drive in drives]
        self.onward_s[missing] = [drive.onward for drive in drives]
        return bool(missing)

    def _lengthen(self, landmarks: Sequence[tuple[int, Drive]]) -> None:
        """Use them for the others: no way is shorter than the difference of two to a third place."""
        if not landmarks:
            return
        rows = [row for row, _ in landmarks]
        there = np.array([drive.there for _, drive in landmarks])[:, None]
        onward = np.array([drive.onward for _, drive in landmarks])[:, None]
        to, fro = self._table.seconds[rows], self._table.seconds[:, rows].T
        sure = ~(self._table.estimated_cells[rows] | self._table.estimated_cells[:, rows].T)
        tells = sure.any(axis=0) & ~self._learned
        for ways, differences in (
            (self.there_s, np.maximum(fro - onward, there - to)),
            (self.onward_s, np.maximum(to - there, onward - fro)),
        ):
            least = np.where(sure, differences - SLACK_S, 0).max(axis=0)
            before = np.where(self._told, ways, 0)  # until then it was a guess
            ways[tells] = np.maximum(least, before)[tells]
        self._told |= tells

    def estimated(self, rows: Iterable[int]) -> bool:
        """Whether one of these learned ways is an estimate."""
        return any(self._estimated[row] for row in rows)


def landmarks_of(table: TravelTable, rows: Iterable[int]) -> list[int]:
    """Up to LANDMARKS of these rows of a table, those that roads join with most of it."""
    joined = [row for row in dict.fromkeys(rows) if table.estimated_cells[row].mean() < 0.5]
    return joined[:LANDMARKS]
