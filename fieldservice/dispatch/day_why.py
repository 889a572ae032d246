"""What a day costs, and where it is thin: visits that cause most driving, promises nearest to breaking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from fieldservice.dispatch.day import Bar, Board
from fieldservice.models import Technician, Visit
from fieldservice.planning.detours import detours

SHOWN = 5


@dataclass(frozen=True)
class Costly:
    """A visit and the driving that its route would save without it."""

    visit: Visit
    technician: Technician
    detour: timedelta


@dataclass(frozen=True)
class Thin:
    """A promise and how much may go wrong before it breaks; negative when it is broken."""

    bar: Bar
    technician: Technician
    spare: timedelta


@dataclass(frozen=True)
class DayWhy:
    """What costs the most driving, and which promises are nearest to breaking; the worst first."""

    costly: tuple[Costly, ...]
    thin: tuple[Thin, ...]


def day_why(board: Board) -> DayWhy:
    """The five worst of each on a day; what has begun is not among them: nothing can be done about it."""
    costly = sorted(_costly(board), key=lambda each: each.detour, reverse=True)
    thin = sorted(_thin(board), key=lambda each: each.spare)
    return DayWhy(tuple(costly[:SHOWN]), tuple(thin[:SHOWN]))


def _costly(board: Board) -> Iterator[Costly]:
    lengths = detours(board.day)
    for row in board.rows:
        for bar in row.bars:
            if bar.visit is not None and lengths.get(bar.visit.id, timedelta(0)) >= timedelta(minutes=1):
                yield Costly(bar.visit, row.technician, lengths[bar.visit.id])


def _thin(board: Board) -> Iterator[Thin]:
    for row in board.rows:
        for bar in row.bars:
            if bar.movable and bar.spare is not None:
                yield Thin(bar, row.technician, bar.spare)
