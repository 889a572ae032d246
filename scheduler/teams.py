"""Who could start together and when: common starts of several technicians in what their routes leave open."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scheduler.kernel import Kernel
from scheduler.model import Pin, Visit
from scheduler.timeline import NEVER, start_windows

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Team:
    """Technicians for one visit.

    Parameters
    ----------
    added_s
        Seconds of driving that they have more.
    start_s
        When they start.
    spots
        For each of them the index of the shift and the position on its route.
    """

    added_s: int
    start_s: int
    spots: tuple[tuple[int, int], ...]


def teams(
    kernel: Kernel, visit: Visit, rows: Sequence[int], size: int, among: frozenset[str] | None = None
) -> Iterator[Team]:
    """The cheapest team for each start that is worth a look, cheapest first.

    A start is worth a look where the technicians who could begin change: at the first and last second of what
    a route leaves open. Between two such seconds nothing is gained.

    Parameters
    ----------
    kernel
        The routes; visits that hang together are held.
    visit
        Its windows are those in which the team may start; its crew is not looked at.
    rows
        The indexes of the shifts that may take part.
    size
        How many technicians.
    among
        At least one of these takes part; ``None`` when anybody may.
    """
    if not rows:
        return
    openings = _openings(kernel, visit, rows)
    starts = np.unique(openings[:, 2:4]).tolist() if len(openings) else []
    found = (_team_at(kernel, openings, start, size, among) for start in starts)
    for team in sorted(team for team in found if team is not None):
        if _can_start(kernel, visit, team):
            yield team


def _openings(kernel: Kernel, visit: Visit, rows: Sequence[int]) -> Integers:
    """Shift, position, first and last start, and added driving, one line each; those that add least first."""
    first, last, added = kernel.starts(visit, rows)
    parts = []
    for opens, closes in start_windows(visit):
        low, high = np.maximum(first, opens), np.minimum(last, closes)
        row, position, state = np.nonzero((low <= high) & (first < NEVER))
        lines = (np.asarray(rows)[row], position, low[row, position, state], high[row, position, state])
        parts.append(np.column_stack([*lines, added[row, position]]))
    openings = np.concatenate(parts) if parts else np.empty((0, 5), np.int64)
    return np.asarray(openings[np.argsort(openings[:, 4], kind="stable")])


def _team_at(
    kernel: Kernel, openings: Integers, start_s: int, size: int, among: frozenset[str] | None
) -> Team | None:
    """Those who have least to drive among the ones who can start then, nobody twice."""
    able = openings[(openings[:, 2] <= start_s) & (openings[:, 3] >= start_s)]
    chosen: dict[str, tuple[int, int, int]] = {}
    for row, position, _, _, added in able.tolist():
        name = kernel.shifts[row].technician
        full = len(chosen) == size - 1 and among is not None and among.isdisjoint(chosen)
        if name not in chosen and not (full and among is not None and name not in among):
            chosen[name] = (row, position, added)
        if len(chosen) == size:
            spots = tuple(sorted((row, position) for row, position, _ in chosen.values()))
            return Team(sum(added for _, _, added in chosen.values()), start_s, spots)
    return None


def _can_start(kernel: Kernel, visit: Visit, team: Team) -> bool:
    """Whether each of the routes can be driven with the visit at this start, all limits of time included."""
    moved = replace(visit, windows=(), pinned=Pin(start_s=team.start_s))
    for row, position in team.spots:
        spots = kernel.spots(moved, [row], kernel.starts(moved, [row]))
        if [0, position] not in spots.tolist():
            return False
    return True
