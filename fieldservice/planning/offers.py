"""What is offered to a customer: windows that can be kept, day by day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from fieldservice.models import Window


@dataclass(frozen=True)
class Slot:
    """A window that can be kept, with the cheapest way found to keep it."""

    window: Window
    technician_id: int
    starts_at: datetime
    added_travel: timedelta
    estimated: bool
    then: tuple[Slot, ...] = ()  # those of the visits that follow, in their order

    @property
    def windows(self) -> tuple[Window, ...]:
        """Its window, and those of the visits that follow."""
        return (self.window, *(slot.window for slot in self.then))


@dataclass(frozen=True)
class DayOffer:
    """What one day offers. `closed`: no window may be offered at all; else full when it has no slots."""

    on: date
    slots: tuple[Slot, ...]
    closed: bool

    @property
    def firsts(self) -> tuple[Slot, ...]:
        """One slot for each of its windows, the first way where there are several to go on from it."""
        return tuple({slot.window: slot for slot in reversed(self.slots)}.values())[::-1]

    def having(self, wanted: Callable[[Window], bool]) -> DayOffer:
        """The day with those of its windows that are wanted."""
        return replace(self, slots=tuple(slot for slot in self.slots if wanted(slot.window)))
