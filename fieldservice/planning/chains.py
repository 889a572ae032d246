"""Visits that follow each other: windows that can be kept one after the other, and what keeps them in order.

The order is in the windows themselves: the next window opens only when the work of the one before, begun at
the last moment of its own window, has ended. So no plan that keeps every promise can break the order, whoever
makes or changes it, and no solver has to know of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.geo.tables import TravelTables
from fieldservice.models import Visit, Window, WorkOrder
from fieldservice.models.visit import ENDED
from fieldservice.planning.ask import Ask
from fieldservice.planning.linked import links_of, room_of
from fieldservice.planning.problem import Day, build
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import DayOffer, Slot, offered_days, slots
from fieldservice.planning.teams import Team, first_place, with_team
from fieldservice.planning.travel import table_of
from scheduler.insertion import place

WAYS = 5
"""In how many ways a customer may go on from one window."""
NOON = 12


def is_over(window: Window, occupied: timedelta) -> datetime:
    """When the work of a visit has ended that begins at the last moment of its window."""
    return window.ends_at + occupied


def in_order(asks: Sequence[Ask], windows: Sequence[Window]) -> bool:
    """Whether each window opens only after the work of the one before has ended."""
    return all(
        following.starts_at >= is_over(window, ask.needs.occupied)
        for ask, window, following in zip(asks, windows, windows[1:], strict=False)
    )


@dataclass(frozen=True)
class Between:
    """Where a visit's window may lie, so that it stays after those before it and before those after it."""

    earliest: datetime | None = None
    latest: datetime | None = None

    def has(self, window: Window) -> bool:
        """Whether the window keeps the order."""
        early = self.earliest is not None and window.starts_at < self.earliest
        late = self.latest is not None and window.ends_at > self.latest
        return not early and not late


def between(session: Session, visit: Visit) -> Between:
    """What the others leave to a visit of a chain, or to one that a dispatcher has linked.

    In a chain one that ended, or has no window, leaves all; linked ones are held where they are.
    """
    room = room_of(links_of(session, [visit.id]), visit.id, stays=False)
    chain = _between(session, visit)
    lows = [moment for moment in (room.earliest, chain.earliest) if moment]
    highs = [moment for moment in (room.latest, chain.latest) if moment]
    return Between(max(lows, default=None), min(highs, default=None))


def _between(session: Session, visit: Visit) -> Between:
    key = visit.work_order.request_key
    if not visit.turn or not key:
        return Between()
    others = session.scalars(
        select(Visit)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.request_key == key, Visit.id != visit.id, Visit.state.not_in(ENDED))
    ).all()
    before = [
        is_over(each.window, each.occupied) for each in others if each.window and each.turn < visit.turn
    ]
    after = [each.window.starts_at for each in others if each.window and each.turn > visit.turn]
    return Between(max(before, default=None), min(after) - visit.occupied if after else None)


def chain_slots(
    session: Session,
    asks: Sequence[Ask],
    days: Sequence[date],
    *,
    now: datetime,
    tables: TravelTables,
    without: Iterable[str] = (),
) -> dict[date, DayOffer]:
    """For each day the windows of the first visit after which the others can follow; `Slot.then` says how."""
    search = _Search(session, asks, now=now, tables=tables, without=list(without))
    first = slots(session, asks[0], days, now=now, tables=tables, without=search.without)
    return {on: search.completed(first[on]) for on in days}


def soonest_chains(
    session: Session,
    asks: Sequence[Ask],
    offer: DayOffer,
    *,
    now: datetime,
    tables: TravelTables,
    without: Iterable[str] = (),
) -> DayOffer:
    """The windows of one day, each once for every way to go on from it that a customer can pick.

    The first goes on with the soonest window there is, even on the same day; the others with the first window
    of further mornings and afternoons.
    """
    search = _Search(session, asks, now=now, tables=tables, without=list(without))
    return search.continued(offer)


class _Search:
    """Looks for what follows a window.

    Windows on different days do not get in each other's way. Those of one day may want the same technician:
    the first is put into the day's routes before the next is looked for.
    """

    def __init__(
        self,
        session: Session,
        asks: Sequence[Ask],
        *,
        now: datetime,
        tables: TravelTables,
        without: list[str],
    ) -> None:
        self.session, self.asks, self.now = session, asks, now
        self.tables, self.without = tables, without
        self._later: dict[int, list[Slot]] = {}
        self._days: dict[date, Day] = {}
        self._placed: dict[tuple[tuple[int, Window], ...], Day | None] = {}

    def completed(self, offer: DayOffer) -> DayOffer:
        """The day with those of its slots that the other visits can follow."""
        tails = ((slot, next(self._tails([slot], soonest=False), None)) for slot in offer.slots)
        found = [replace(slot, then=tail) for slot, tail in tails if tail is not None]
        return replace(offer, slots=tuple(found))

    def continued(self, offer: DayOffer) -> DayOffer:
        """The day with its slots, each once for every way in which the other visits may follow."""
        found = [replace(slot, then=tail) for slot in offer.slots for tail in self._ways([slot])]
        return replace(offer, slots=tuple(found))

    def _ways(self, chain: list[Slot]) -> Iterator[tuple[Slot, ...]]:
        seen: set[tuple[date, bool]] = set()
        for slot in self._candidates(chain, soonest=True):
            half = self._half(slot.window)
            if half not in seen and self._is_free(chain, slot):
                tail = next(self._tails([*chain, slot], soonest=True), None)
                if tail is not None:
                    seen.add(half)
                    yield tail
            if len(seen) == WAYS:
                return

    def _half(self, window: Window) -> tuple[date, bool]:
        """The day of a window, and whether it is in the afternoon."""
        local = window.starts_at.astimezone(self.asks[0].territory.zone)
        return local.date(), local.hour >= NOON

    def _tails(self, chain: list[Slot], *, soonest: bool) -> Iterator[tuple[Slot, ...]]:
        position = len(chain)
        if position == len(self.asks):
            yield tuple(replace(slot, then=()) for slot in chain[1:])
            return
        for slot in self._candidates(chain, soonest=soonest):
            if self._is_free(chain, slot):
                yield from self._tails([*chain, slot], soonest=soonest)

    def _candidates(self, chain: Sequence[Slot], *, soonest: bool) -> list[Slot]:
        """What may come next, in the order in which to try it: without a hurry first what is surely free."""
        opens = is_over(chain[-1].window, self.asks[len(chain) - 1].needs.occupied)
        found = [slot for slot in self._all(len(chain)) if slot.window.starts_at >= opens]
        if soonest:
            return found
        used = {self._on(slot.window) for slot in chain}
        return sorted(found, key=lambda slot: self._on(slot.window) in used)

    def _all(self, position: int) -> list[Slot]:
        if position not in self._later:
            ask = self.asks[position]
            days = offered_days(ask, now=self.now)
            found = slots(self.session, ask, days, now=self.now, tables=self.tables, without=self.without)
            self._later[position] = [slot for on in days for slot in found[on].slots]
        return self._later[position]

    def _is_free(self, chain: Sequence[Slot], slot: Slot) -> bool:
        """Whether somebody can keep the window beside those of the chain that are on the same day."""
        on = self._on(slot.window)
        same = [(at, each.window) for at, each in enumerate(chain) if self._on(each.window) == on]
        return not same or self._with((*same, (len(chain), slot.window)), on) is not None

    def _with(self, placed: tuple[tuple[int, Window], ...], on: date) -> Day | None:
        """The day with these visits in its routes, put in one by one; None when one does not fit."""
        if placed not in self._placed:
            day = self._with(placed[:-1], on) if len(placed) > 1 else self._day(on)
            self._placed[placed] = None if day is None else self._put(day, *placed[-1])
        return self._placed[placed]

    def _put(self, day: Day, position: int, window: Window) -> Day | None:
        wish = self.asks[position].visit(day, f"wish{position}", window)
        best = first_place(day, wish)
        if best is None:
            return None
        if isinstance(best, Team):
            return with_team(day, wish, best)
        day = day.adding(wish)
        return replace(day, plan=place(day.problem, day.plan, wish, best))

    def _day(self, on: date) -> Day:
        if on not in self._days:
            rows = load_day(self.session, self.asks[0].territory, on, now=self.now)
            table = table_of(self.tables, rows, [ask.place for ask in self.asks])
            self._days[on] = build(rows, table, without=self.without)
        return self._days[on]

    def _on(self, window: Window) -> date:
        return self.asks[0].territory.local_day(window.starts_at)
