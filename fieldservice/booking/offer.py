"""The arrival windows that a customer can pick from: a strip of days, and the windows of one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import takewhile

from fieldservice.models import Window
from fieldservice.planning.service import DayOffer, Slot

STRIP = 8
LESS_DRIVING = timedelta(minutes=2)

type FindSlots = Callable[[Sequence[date]], Mapping[date, DayOffer]]


@dataclass(frozen=True)
class Offer:
    """A strip of days, one of them shown with its windows; `shown` is None when none of them has any.

    `wanted` is the day that was asked for, if any. `full` is the first day before those with a free window on
    which somebody works: others may be able to move there.
    """

    wanted: date | None
    days: tuple[DayOffer, ...]
    shown: DayOffer | None
    soonest: Slot | None
    earlier: date | None
    later: date | None
    full: date | None = None

    def has(self, window: Window) -> bool:
        """Whether the window is free on a day of the strip."""
        return any(slot.window == window for day in self.days for slot in day.slots)

    @property
    def is_nothing(self) -> bool:
        """Whether there is no window at all, in no strip of days."""
        return self.shown is None and not self.later and self.wanted is None

    def showing(self, day: DayOffer) -> Offer:
        """The same offer with the shown day in another form: what follows its windows is different."""
        first = day.slots[0] if day.slots else None
        return replace(
            self,
            days=tuple(day if each is self.shown else each for each in self.days),
            shown=day,
            soonest=first if self.shown and self.soonest in self.shown.slots else self.soonest,
        )

    @property
    def estimated(self) -> bool:
        """Whether a shown window rests on estimated travel times."""
        return self.shown is not None and any(slot.estimated for slot in self.shown.slots)

    @property
    def less_driving(self) -> Slot | None:
        """The shown window that adds clearly less driving than any other."""
        slots = self.shown.firsts if self.shown else ()
        by_travel = sorted(slots, key=lambda slot: slot.added_travel)
        if len(by_travel) > 1 and by_travel[1].added_travel - by_travel[0].added_travel >= LESS_DRIVING:
            return by_travel[0]
        return None


def make_offer(
    days: Sequence[date], wanted: date | None, find_slots: FindSlots, *, insist: bool = False
) -> Offer:
    """What to show: the strip of the wanted day, or else the first strip that has a free window.

    Within the strip the wanted day is shown, or else the next one with a free window; a full day only to who
    insists on it.
    """
    if not days:
        return Offer(wanted, days=(), shown=None, soonest=None, earlier=None, later=None)
    strips = [days[at : at + STRIP] for at in range(0, len(days), STRIP)]
    asked = next((number for number, strip in enumerate(strips) if wanted in strip), None)
    seen: list[DayOffer] = []
    for number in range(len(strips)) if asked is None else [asked]:
        found = find_slots(strips[number])
        offered = tuple(found[on] for on in strips[number])
        seen += offered
        free = [day for day in offered if day.slots]
        if free or number in (asked, len(strips) - 1):
            break
    return Offer(
        wanted=wanted,
        days=offered,
        shown=_full(offered, wanted) if insist and _full(offered, wanted) else _shown(free, wanted),
        soonest=free[0].slots[0] if free and (asked is None or number == 0) else None,
        earlier=strips[number - 1][0] if number else None,
        later=strips[number + 1][0] if number + 1 < len(strips) else None,
        full=next((day.on for day in takewhile(lambda day: not day.slots, seen) if not day.closed), None),
    )


def _full(days: Sequence[DayOffer], wanted: date | None) -> DayOffer | None:
    return next((day for day in days if day.on == wanted and not day.slots and not day.closed), None)


def _shown(free: Sequence[DayOffer], wanted: date | None) -> DayOffer | None:
    later = [day for day in free if wanted is None or day.on >= wanted]
    return next(iter(later or free), None)
