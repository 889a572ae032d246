"""What the chips of the day bar count, and in which order they step through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum

from fieldservice.dispatch.day import Bar, Board, Look
from fieldservice.models import Visit


class Show(StrEnum):
    """A question that a dispatcher asks of a day; the value stands in addresses."""

    LATE = "late"
    AT_RISK = "at-risk"
    WAITING = "waiting"
    UNASSIGNED = "unassigned"
    ON_TIME = "on-time"
    DRIVING = "driving"
    OVERTIME = "overtime"


def matches(board: Board) -> Mapping[Show, list[Visit]]:
    """The visits that each chip steps through, what is most urgent first."""
    found: Mapping[Show, Callable[[], Iterable[Visit]]] = {
        Show.LATE: lambda: _nearest_to_breaking(bar for bar in board.bars if bar.look == Look.LATE),
        Show.AT_RISK: lambda: _nearest_to_breaking(bar for bar in board.bars if bar.look == Look.AT_RISK),
        Show.WAITING: lambda: (card.visit for card in board.waiting),
        Show.UNASSIGNED: lambda: (card.visit for card in board.cards),
        Show.ON_TIME: lambda: _nearest_to_breaking(bar for bar in board.bars if _on_time(bar)),
        Show.DRIVING: lambda: _longest_drives(board.bars),
        Show.OVERTIME: lambda: _last_of_long_days(board),
    }
    return {show: list(visits()) for show, visits in found.items()}


def _on_time(bar: Bar) -> bool:
    return bar.spare is not None and bar.spare >= timedelta(0)


def _nearest_to_breaking(bars: Iterable[Bar]) -> list[Visit]:
    ordered = sorted(bars, key=lambda bar: bar.spare or timedelta(0))
    return [bar.visit for bar in ordered if bar.visit]


def _longest_drives(bars: Iterable[Bar]) -> list[Visit]:
    ordered = sorted((bar for bar in bars if bar.travel), key=lambda bar: bar.travel, reverse=True)
    return [bar.visit for bar in ordered if bar.visit]


def _last_of_long_days(board: Board) -> list[Visit]:
    """The visit after which each technician's day ends too late, the longest overtime first."""
    rows = sorted((row for row in board.rows if row.overtime), key=lambda row: row.overtime, reverse=True)
    visits = ([bar.visit for bar in row.bars if bar.visit] for row in rows)
    return [found[-1] for found in visits if found]
