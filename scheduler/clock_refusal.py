"""Why a visit does not fit the day of a technician who may serve it: the first rule of time that stops it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from scheduler.kernel import Kernel, fits
from scheduler.model import Problem, Shift, Violation, Visit
from scheduler.timeline import NEVER, legs_of, schedule_visits, start_windows
from scheduler.validation import TIME_LIMIT_S


def clock_refusal(kernel: Kernel, visit: Visit, row: int) -> Violation | None:
    """The first rule of time that keeps a visit off a shift; ``None`` when it fits.

    The arrival window comes first (it would fit at another time), then the end of the shift (it would fit if
    that were later), the longest drive, and at last the lack of any gap.
    """
    first, last, _ = kernel.starts(visit, [row])
    if fits(visit, first, last).any():
        return None
    shift, visits = kernel.shifts[row], kernel.routes[row]
    if schedule_visits(kernel.problem, shift, visits) is None:
        return _violation("late_route", visit, shift, "The route is late in itself.")
    possible = (first <= last) & (first < NEVER)
    if possible.any():
        return _window(
            visit, shift, list(zip(first[possible].tolist(), last[possible].tolist(), strict=True))
        )
    return (
        _shift_end(kernel.problem, shift, visits, visit)
        or _max_travel(kernel.problem, shift, visits, visit)
        or _violation("no_gap", visit, shift, "No gap is long enough for the drive and the work.")
    )


def _window(visit: Visit, shift: Shift, possible: Sequence[tuple[int, int]]) -> Violation:
    """It could start in one of the `possible` intervals: say which start is nearest to a window."""
    windows = start_windows(visit)
    if not windows:
        return _violation("window", visit, shift, "Its pinned start is outside its arrival windows.")
    off, start, (opens, closes) = min(_misses(windows, possible))
    text = f"It could start at {start}, {off} s outside its window {opens} to {closes}."
    numbers = {"start_s": start, "window_start_s": opens, "window_end_s": closes, "off_s": off}
    return _violation("window", visit, shift, text, **numbers)


def _misses(
    windows: Sequence[tuple[int, int]], possible: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, tuple[int, int]]]:
    for opens, closes in windows:
        for first, last in possible:
            if first > closes:
                yield first - closes, first, (opens, closes)
            elif last < opens:
                yield opens - last, last, (opens, closes)


def _shift_end(problem: Problem, shift: Shift, visits: Sequence[Visit], visit: Visit) -> Violation | None:
    """By how much the shift would have to end later."""
    relaxed = replace(shift, overtime_s=TIME_LIMIT_S, max_duration_s=None)
    over = [end - shift.limit_s for end in _ends(problem, relaxed, visits, visit)]
    if not over:
        return None
    rule = "shift_end" if shift.limit_s == shift.end_s + shift.overtime_s else "duration"
    text = f"The route would end {min(over)} s after the allowed {shift.limit_s}."
    numbers = {"end_s": shift.limit_s + min(over), "limit_s": shift.limit_s, "over_s": min(over)}
    return _violation(rule, visit, shift, text, **numbers)


def _ends(problem: Problem, shift: Shift, visits: Sequence[Visit], visit: Visit) -> Iterator[int]:
    """When the route would end, for each position where the visit fits."""
    first, last, _ = Kernel(problem, [shift], [visits]).starts(visit, [0])
    for _, position in np.argwhere(fits(visit, first, last)).tolist():
        order = (*visits[:position], visit, *visits[position:])
        route = schedule_visits(problem, shift, order)
        if route is not None:
            yield route.stops[-1].departure_s + legs_of(problem, shift, order)[-1]


def _max_travel(problem: Problem, shift: Shift, visits: Sequence[Visit], visit: Visit) -> Violation | None:
    """How much the route would have to drive."""
    limit = shift.max_travel_s
    if limit is None:
        return None
    relaxed = Kernel(problem, [replace(shift, max_travel_s=None)], [visits])
    first, last, added = relaxed.starts(visit, [0])
    fitting = added[fits(visit, first, last)]
    if not fitting.size:
        return None
    need = int(fitting.min()) + (sum(legs_of(problem, shift, visits)) if visits else 0)
    text = f"The route would drive {need} s; {limit} are allowed."
    return _violation("max_travel", visit, shift, text, travel_s=need, limit_s=limit)


def _violation(rule: str, visit: Visit, shift: Shift, text: str, **numbers: int | str) -> Violation:
    return Violation(rule=rule, visit=visit.id, shift=shift.id, text=text, numbers=numbers)
