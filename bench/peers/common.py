"""What every peer's model is made from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.model import Problem, Shift, Visit

Orders = Mapping[str, Sequence[str]]
"""The visits of each shift, in order."""

DEAREST_DRIVES = 4
"""Leaving out a visit of weight 1 costs as much as this many of the longest drives.

Peers add up what they leave out and what they drive, while plans here are compared by the first, then the
second. A visit that is left out saves two drives at most, so that with this price nobody trades one for the
other, and it is not so large that their searches become blind for travel.
"""


class Unsupported(Exception):
    """The problem has something that this peer cannot express; the text says what."""


class NoPlan(Exception):
    """The peer found nothing that it calls a solution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How long a peer may search, with how many threads, from which seed; whether visits may be left out.

    `price` is what a weight of 1 costs in seconds where the family adds the two up; None where the weight
    comes first.
    """

    seconds: float
    seed: int
    threads: int = 1
    mandatory: bool = False
    price: int | None = None


Peer = Callable[[Problem, Search], Orders]
"""Answers with orders; raises Unsupported."""


def may_serve(visit: Visit, shift: Shift) -> bool:
    """Whether a technician is allowed and has skills and tools, whatever the time."""
    name = shift.technician
    return (
        name not in visit.not_technicians
        and (visit.technicians is None or name in visit.technicians)
        and all(shift.skills.get(skill, 0) >= level for skill, level in visit.skills.items())
        and visit.tools <= shift.tools
        and (visit.pinned is None or visit.pinned.shift in (None, shift.id))
    )


def servers(problem: Problem) -> list[frozenset[int]]:
    """For each visit the positions of the shifts that may serve it."""
    return [
        frozenset(number for number, shift in enumerate(problem.shifts) if may_serve(visit, shift))
        for visit in problem.visits
    ]


def refuse(problem: Problem, *, breaks: bool = True, windows: bool = True, duration: bool = True) -> None:
    """Refuse what no peer can express, and what this one says it cannot.

    Raises
    ------
    Unsupported
        Naming the first such field.
    """
    visits, shifts = problem.visits, problem.shifts
    shown = {
        "crew": any(visit.crew > 1 for visit in visits),
        "after": any(visit.after for visit in visits),
        "parts that run out": any(visit.parts for visit in visits),
        "restock": problem.restock is not None,
        "pinned starts": any(visit.pinned and visit.pinned.start_s is not None for visit in visits),
        "open ends": any(shift.end_location is None for shift in shifts),
        "several windows": not windows and any(len(visit.windows) > 1 for visit in visits),
        "travel profiles": any(shift.profile is not None for shift in shifts),
        "distance objective": problem.weights.distance > 0,
        "breaks": not breaks and any(shift.breaks for shift in shifts),
        "duration objective": not duration and problem.weights.duration > 0,
    }
    for field, used in shown.items():
        if used:
            raise Unsupported(f"{field} cannot be expressed")


def weight_price(problem: Problem, search: Search) -> int:
    """Seconds that leaving out a visit of weight 1 costs in a peer's sum."""
    if search.price is not None:
        return search.price
    return DEAREST_DRIVES * max(1, int(np.max(problem.travel_s, initial=1)))
