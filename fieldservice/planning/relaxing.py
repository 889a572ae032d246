"""Limits that the present routes break already, relaxed just as far as they break them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import scheduler


def postponed(shift: scheduler.Shift, route: scheduler.Route) -> scheduler.Shift:
    """The shift with breaks that may begin as late as they do on this route."""
    starts = {stop.break_index: stop.start_s for stop in route.stops if stop.break_index is not None}
    latest_s = 0
    breaks = []
    for index, pause in enumerate(shift.breaks):
        latest_s = max(latest_s, pause.latest_s, starts.get(index, 0))  # their order is that of their ends
        breaks.append(replace(pause, latest_s=latest_s))
    return replace(shift, breaks=tuple(breaks))


def pinned_to(shifts: Collection[str], visit: scheduler.Visit) -> scheduler.Visit:
    """The visit without a pin to a shift that is none of these: nobody can keep it there."""
    pin = visit.pinned
    if pin is None or pin.shift is None or pin.shift in shifts:
        return visit
    return replace(visit, pinned=replace(pin, shift=None) if pin.start_s is not None else None)


def relaxed(visit: scheduler.Visit, start_s: int) -> scheduler.Visit:
    """The visit with windows, and a pinned start, that reach to where it begins."""
    pinned, windows = visit.pinned, visit.windows
    if pinned and pinned.start_s is not None and pinned.start_s != start_s:
        pinned = scheduler.Pin(shift=pinned.shift, start_s=start_s)
    if not any(low <= start_s <= high for low, high in windows):
        windows = (*windows, (min(windows[-1][0], start_s), start_s))
    return replace(visit, windows=windows, pinned=pinned)


def within(
    windows: tuple[tuple[int, int], ...], earliest_s: int | None, latest_s: int | None
) -> tuple[tuple[int, int], ...]:
    """The windows as far as they lie between two moments; nothing when these leave none of them."""
    cut = (
        (
            low if earliest_s is None else max(low, earliest_s),
            high if latest_s is None else min(high, latest_s),
        )
        for low, high in windows
    )
    return tuple((low, high) for low, high in cut if low <= high)


def as_member(visit: scheduler.Visit, name: str) -> scheduler.Visit:
    """A visit of a crew as one of them makes it; that one of them made another visit as well is enough."""
    return replace(visit, id=name, crew=1, technicians=visit.technicians if name[0] == "v" else None)


def held(visit: scheduler.Visit, shift: str, start_s: int) -> scheduler.Visit:
    """The visit pinned to a shift and a start, which its windows then allow."""
    allowed = any(low <= start_s <= high for low, high in visit.windows)
    windows = visit.windows if allowed else ((start_s, start_s),)
    return replace(visit, windows=windows, pinned=scheduler.Pin(shift=shift, start_s=start_s))
