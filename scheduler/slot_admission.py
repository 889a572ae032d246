"""Which of many shifts may serve a visit at all, whatever the time: `scheduler.admission` for all at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from scheduler.model import Shift, Visit

Bools = NDArray[np.bool_]
Amounts = NDArray[np.int64]
_UNLIMITED = np.int64(1 << 60)
_Needs = tuple[frozenset[tuple[str, int]], frozenset[str]]


class Admissions:
    """What technicians hold, and what is left of the limits of their routes.

    Parameters
    ----------
    shifts
        In the order of the masks.
    restocking
        Whether tools and parts can be fetched, so that lacking them stops nobody.
    """

    def __init__(self, shifts: Sequence[Shift], *, restocking: bool = False) -> None:
        self._shifts, self._restocking = shifts, restocking
        self._column = {shift.id: column for column, shift in enumerate(shifts)}
        self._routes: list[tuple[Visit, ...]] = [() for _ in shifts]
        people: dict[str, list[int]] = defaultdict(list)
        alike: dict[_Needs, list[int]] = defaultdict(list)
        for column, shift in enumerate(shifts):
            people[shift.technician].append(column)
            alike[frozenset(shift.skills.items()), shift.tools].append(column)
        self._people, self._alike = people, alike
        self._qualified: dict[_Needs, Bools] = {}
        self._parts: dict[str, Amounts] = {}
        self._loads = self._unlimited(max((len(shift.capacity) for shift in shifts), default=0))
        self._visits = self._unlimited(1)[0]
        limited = [bool(shift.capacity) or shift.max_visits is not None for shift in shifts]
        self._limited = np.array(limited, bool)
        self._any_limited = any(limited)

    def _unlimited(self, rows: int) -> Amounts:
        return np.full((rows, len(self._shifts)), _UNLIMITED)

    def put(self, column: int, visits: tuple[Visit, ...]) -> None:
        """Change the visits of a shift."""
        self._routes[column] = visits
        for part, left in self._parts.items():
            left[column] = self._parts_left(part, column)
        if not self._limited[column]:
            return
        shift = self._shifts[column]
        if shift.max_visits is not None:
            self._visits[column] = shift.max_visits - len(visits)
        for dimension, amount in enumerate(shift.capacity):
            used = sum(visit.load[dimension] for visit in visits if dimension < len(visit.load))
            self._loads[dimension, column] = amount - used

    def _parts_left(self, part: str, column: int) -> int:
        used = sum(visit.parts.get(part, 0) for visit in self._routes[column])
        return self._shifts[column].parts.get(part, 0) - used

    def technicians(self, worth: Mapping[str, int]) -> Amounts:
        """For each shift the number that belongs to its technician; 0 for the others."""
        found = np.zeros(len(self._shifts), np.int64)
        for name, amount in worth.items():
            found[self._people.get(name, [])] = amount
        return found

    def mask(self, visit: Visit) -> Bools:
        """Which shifts could serve the visit beside what is on their routes; not to be changed."""
        mask = self._skilled(visit)
        if visit.technicians is not None or visit.not_technicians:
            mask = mask & self._allowed(visit)
        if visit.pinned is not None and visit.pinned.shift is not None:
            column = self._column.get(visit.pinned.shift)
            mask = mask & (np.arange(len(mask)) == (-1 if column is None else column))
        for part, amount in () if self._restocking else visit.parts.items():
            if part not in self._parts:
                left = [self._parts_left(part, column) for column in range(len(self._shifts))]
                self._parts[part] = np.array(left, np.int64)
            mask = mask & (self._parts[part] >= amount)
        return mask & self._room(visit) if self._any_limited else mask

    def _skilled(self, visit: Visit) -> Bools:
        needs = (frozenset(visit.skills.items()), visit.tools)
        mask = self._qualified.get(needs)
        if mask is None:
            mask = np.zeros(len(self._shifts), bool)
            for (skills, tools), columns in self._alike.items():
                held = dict(skills)
                skilled = all(skill in held and held[skill] >= level for skill, level in needs[0])
                if skilled and (self._restocking or visit.tools <= tools):
                    mask[columns] = True
            self._qualified[needs] = mask
        return mask

    def _allowed(self, visit: Visit) -> Bools:
        allowed = np.full(len(self._shifts), visit.technicians is None)
        for name in visit.technicians or ():
            allowed[self._people.get(name, [])] = True
        for name in visit.not_technicians:
            allowed[self._people.get(name, [])] = False
        return allowed

    def _room(self, visit: Visit) -> Bools:
        room: Bools = self._visits >= 1
        for dimension, left in enumerate(self._loads):
            room = room & (left >= (visit.load[dimension] if dimension < len(visit.load) else 0))
        return room
