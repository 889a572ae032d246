"""One visit against every position of every route, and the cheapest place in each of many windows."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.insertion import Place
from scheduler.model import Visit
from scheduler.slot_pricing import Pricing, is_soft
from scheduler.slot_table import SMALL, Numbers, SlotTable
from scheduler.slot_times import Spots, end_and_taken

Window = tuple[int, int]
NOT_HERE = (1 << 31) - 1
NOT_HERE_WIDE = 1 << 62


class Asked(NamedTuple):
    """A visit and where it is: `there` and `onward` are seconds by profile from and to each location."""

    visit: Visit
    there: Numbers
    onward: Numbers
    admitted: NDArray[np.bool_]  # by shift: whether it may serve the visit, time aside
    missed: Numbers  # by shift: seconds of cost that another technician would be worth


class Field(NamedTuple):
    """Every position of every route: by breaks taken before the work (the first two and the last) too."""

    first: Numbers  # when its work could start at the earliest; `far` where it does not fit at all
    last: Numbers  # when at the latest
    onward: Numbers  # seconds from there to the place after
    added: Numbers  # seconds of driving that it adds
    bound: Numbers  # what it adds to the cost at least, overtime aside
    free: Numbers | None  # the latest start without overtime; None when no shift has any


class FieldMaker:
    """Makes `Field`s in the same memory again and again; only the last one made holds."""

    def __init__(self, table: SlotTable) -> None:
        self._table = table
        shape = table.left.shape
        self._first, self._last, self._free = (np.empty(shape, table.dtype) for _ in range(3))
        self._there, self._onward, self._added, self._spare = (
            np.empty(shape[1:], table.dtype) for _ in range(4)
        )
        self._not = np.empty(shape[1:], bool)

    def fits(self) -> bool:
        """Whether the table still has the shape of this memory."""
        return bool(self._first.shape == self._table.left.shape)

    def make(self, asked: Asked, pricing: Pricing) -> Field:
        table, service_s = self._table, asked.visit.service_s
        np.take(table.flat(asked.there), table.origin, out=self._there, mode="clip")
        np.take(table.flat(asked.onward), table.target, out=self._onward, mode="clip")
        first = np.add(table.left, self._there, out=self._first)
        last = np.subtract(table.reach, self._onward, out=self._last)
        self._take_breaks(first, last)
        last -= service_s
        added = np.add(self._there, self._onward, out=self._added)
        added -= table.drive
        self._leave_out(first, last, asked, added)
        free = None
        if pricing.overtime:
            free = np.subtract((table.end - table.owed)[:, None], self._onward, out=self._free)
            free -= table.tail
            free -= service_s
        return Field(first, last, self._onward, added, pricing.bound(asked.visit, added, asked.missed), free)

    def _take_breaks(self, first: Numbers, last: Numbers) -> None:
        """Let every state also take the next breaks at the visit, before its work and after it."""
        table, spare, refused = self._table, self._spare, self._not
        for taken in range(table.states - 1):
            np.maximum(first[taken], table.earliest[taken], out=spare)
            spare += table.pause[taken]
            np.greater(spare, table.latest_over[taken], out=refused)
            np.copyto(spare, table.far, where=refused)
            np.minimum(first[taken + 1], spare, out=first[taken + 1])
        for taken in range(table.states - 2, -1, -1):
            np.subtract(last[taken + 1], table.pause[taken], out=spare)
            np.minimum(spare, table.latest[taken], out=spare)
            np.less(spare, table.earliest[taken], out=refused)
            np.copyto(spare, -table.far, where=refused)
            np.maximum(last[taken], spare, out=last[taken])

    def _leave_out(self, first: Numbers, last: Numbers, asked: Asked, added: Numbers) -> None:
        table = self._table
        refused = np.broadcast_to(~asked.admitted, self._not.shape)
        if table.any_longest_drive:
            refused = refused | (table.driven + added > table.longest_drive)
        for state in range(table.states):
            np.greater(first[state], last[state], out=self._not)
            self._not |= refused
            np.copyto(first[state], table.far, where=self._not)


class _Group(NamedTuple):
    """Windows that meet the same shifts, and the bounds of every place in them."""

    windows: Numbers
    begin: int  # the first of these shifts
    width: int  # how many
    cost: Numbers  # by window, then by position and shift in one


class Search:
    """Looks for the cheapest place in each window.

    Parameters
    ----------
    table, pricing
        The routes and their costs.
    asked, field
        The visit and its `Field`.
    windows
        In each of them work may start; one that ends before it begins has no place.
    """

    def __init__(
        self, table: SlotTable, pricing: Pricing, asked: Asked, field: Field, windows: Sequence[Window]
    ) -> None:
        self._table, self._pricing, self._asked, self._field = table, pricing, asked, field
        clip = table.far - 1
        spans = [(start, end) if start <= end else (clip, -clip) for start, end in windows]
        self._opens = np.array([min(max(start, -clip), clip) for start, _ in spans], table.dtype)
        self._closes = np.array([min(max(end, -clip), clip) for _, end in spans], table.dtype)
        small = field.bound.dtype.itemsize <= 4 and pricing.overtime * 4 * SMALL < NOT_HERE
        self._none = NOT_HERE if small else NOT_HERE_WIDE
        self._cost_type = np.int32 if small else np.int64
        self._found: list[Place | None] = [None] * len(windows)
        self._exact: dict[tuple[int, int, int], Place] = {}

    def run(self, begins: Numbers, ends: Numbers) -> list[Place | None]:
        """The answer; `begins` are those of the shifts, `ends` the latest end of each and those before it."""
        low = np.searchsorted(ends, self._opens, side="left").tolist()
        high = np.searchsorted(begins, self._closes, side="right").tolist()
        order = sorted(range(len(low)), key=lambda number: (low[number], high[number]))
        groups = []
        for (begin, end), numbers in groupby(order, key=lambda number: (low[number], high[number])):
            if begin < end:
                groups.append(self._group(list(numbers), begin, end))
        while groups:
            groups = self._round(groups)
        return self._found

    def _group(self, numbers: list[int], begin: int, end: int) -> _Group:
        field, windows = self._field, np.array(numbers)
        opens, closes = self._opens[windows, None, None], self._closes[windows, None, None]
        first, last = field.first[:, :, begin:end], field.last[:, :, begin:end]
        inside = [(first[state] <= closes) & (last[state] >= opens) for state in range(len(first))]
        bound = field.bound[:, begin:end]
        if field.free is not None:
            bound = bound + self._overtime(first, field.free[:, :, begin:end], opens, inside)
        possible = inside[0]
        for other in inside[1:]:
            possible = possible | other
        cost = np.where(possible, bound, self._cost_type(self._none)).reshape(len(numbers), -1)
        return _Group(windows, begin, end - begin, cost)

    def _overtime(self, first: Numbers, free: Numbers, opens: Numbers, inside: list[Numbers]) -> Numbers:
        """What the overtime of each place costs at least, by window, position and shift."""
        least = np.full(inside[0].shape, self._table.far, self._table.dtype)
        for state, here in enumerate(inside):
            over = np.maximum(first[state], opens)
            over -= free[state]
            np.copyto(over, self._table.far, where=~here)
            np.minimum(least, over, out=least)
        np.maximum(least, 0, out=least)
        weight = self._pricing.overtime
        if weight == int(weight):
            return least * self._cost_type(weight)
        return np.rint(least * weight).astype(np.int64)

    def _round(self, groups: list[_Group]) -> list[_Group]:
        """Price what looks cheapest in each window; the windows in which that was dearer than it looked."""
        flat = [group.cost.argmin(axis=1) for group in groups]
        value = np.concatenate([g.cost[np.arange(len(f)), f] for g, f in zip(groups, flat, strict=True)])
        column = np.concatenate([g.begin + f % g.width for g, f in zip(groups, flat, strict=True)])
        position = np.concatenate([f // g.width for g, f in zip(groups, flat, strict=True)])
        windows = np.concatenate([group.windows for group in groups])
        open_ = self._settle(windows, column, position, value)
        left = []
        start = 0
        for group, chosen in zip(groups, flat, strict=True):
            mine = open_[start : start + len(chosen)]
            start += len(chosen)
            rows = [row for row, exact in enumerate(mine) if exact is not None]
            if rows:
                cost = group.cost[rows]
                cost[np.arange(len(rows)), chosen[rows]] = [exact for exact in mine if exact is not None]
                left.append(_Group(group.windows[rows], group.begin, group.width, cost))
        return left

    def _settle(
        self, windows: Numbers, column: Numbers, position: Numbers, value: Numbers
    ) -> list[int | None]:
        """Note the windows that are answered by these places; the true cost of those that are not."""
        keys = list(zip(windows.tolist(), column.tolist(), position.tolist(), strict=True))
        values = value.tolist()
        new = [n for n, key in enumerate(keys) if values[n] < self._none and key not in self._exact]
        if new:
            chosen = np.array(new)
            self._price(windows[chosen], column[chosen], position[chosen])
        result: list[int | None] = []
        for key, looked in zip(keys, values, strict=True):
            place = self._exact.get(key) if looked < self._none else None
            cost = self._none if place is None else place.added_cost
            answered = cost <= looked
            if answered:
                self._found[key[0]] = place
            result.append(None if answered else cost)
        return result

    def _price(self, windows: Numbers, column: Numbers, position: Numbers) -> None:
        """Time and price these places exactly; those that turn out to be none are left out."""
        plain = self._pricing.plain[column] & (not is_soft(self._asked.visit))
        if plain.all():
            self._price_plain(windows, column, position)
            return
        if plain.any():
            self._price_plain(windows[plain], column[plain], position[plain])
        others = zip(
            windows[~plain].tolist(), column[~plain].tolist(), position[~plain].tolist(), strict=True
        )
        for key in others:
            self._price_one(*key)

    def _price_plain(self, windows: Numbers, column: Numbers, position: Numbers) -> None:
        table, field, visit = self._table, self._field, self._asked.visit
        ready = field.first[:, position, column]
        start = np.maximum(ready, self._opens[windows])
        fits = start <= np.minimum(field.last[:, position, column], self._closes[windows])
        start[~fits] = table.far
        taken = fits.argmax(axis=0)
        over = np.zeros(len(windows), np.int64)
        late = (
            table.limit[column] > table.end[column]
            if field.free is not None
            else np.zeros(len(windows), bool)
        )
        unsure = np.flatnonzero(late | (fits.sum(axis=0) > 1))
        if len(unsure):
            spots = Spots(column, position, ready, start, field.onward[position, column]).only(unsure)
            end, taken[unsure] = end_and_taken(table, spots, visit.service_s)
            over[unsure] = np.maximum(0, end - table.end[column[unsure]])
        cost = field.bound[position, column] + np.rint(self._pricing.overtime * over).astype(np.int64)
        number = np.arange(len(windows))
        times = zip(
            windows.tolist(),
            column.tolist(),
            position.tolist(),
            ready[taken, number].tolist(),
            start[taken, number].tolist(),
            cost.tolist(),
            field.added[position, column].tolist(),
            strict=True,
        )
        for window, shift_column, at, arrival_s, start_s, added_cost, added_s in times:
            shift = table.shifts[shift_column]
            self._exact[window, shift_column, at] = Place(
                shift=shift.id,
                technician=shift.technician,
                position=at,
                window=window,
                arrival_s=arrival_s,
                start_s=start_s,
                departure_s=start_s + visit.service_s,
                added_cost=added_cost,
                added_travel_s=added_s,
            )

    def _price_one(self, window: int, column: int, position: int) -> None:
        span = (int(self._opens[window]), int(self._closes[window]))
        visit = replace(self._asked.visit, windows=(span,), pinned=None)
        priced = self._pricing.exact(visit, column, position, (self._asked.there, self._asked.onward))
        if priced is None:
            return
        route, cost = priced
        stop = next(stop for stop in route.stops if stop.visit == visit.id)
        shift = self._table.shifts[column]
        self._exact[window, column, position] = Place(
            shift=shift.id,
            technician=shift.technician,
            position=position,
            window=window,
            arrival_s=stop.arrival_s,
            start_s=stop.start_s,
            departure_s=stop.departure_s,
            added_cost=cost,
            added_travel_s=int(self._field.added[position, column]),
        )
