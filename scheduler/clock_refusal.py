"""Why a visit does not fit the day of a technician who may serve it: the first rule of time that stops it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from scheduler.kernel import Kernel
from scheduler.model import Problem, Shift, Violation, Visit, Window
from scheduler.timeline import NEVER, legs_of, schedule_visits, start_windows
from scheduler.validation import TIME_LIMIT_S


def clock_refusal(kernel: Kernel, visit: Visit, row: int) -> Violation | None:
    """The first rule of time that keeps a visit off a shift; ``None`` when it fits.

    The arrival window comes first (it would fit at another time), then the end of the shift (it would fit if
    that were later), the longest duration and drive, and at last the lack of any gap.
    """
    starts = kernel.starts(visit, [row])
    if kernel.spots(visit, [row], starts).size:
        return None
    shift, visits = kernel.shifts[row], kernel.routes[row]
    if schedule_visits(kernel.problem, shift, visits) is None:
        return _violation("late_route", visit, shift, "The route is late in itself.")
    return (
        _window(kernel, visit, row)
        or _shift_end(kernel.problem, shift, visits, visit)
        or _duration(kernel.problem, shift, visits, visit)
        or _max_travel(kernel.problem, shift, visits, visit)
        or _violation("no_gap", visit, shift, "No gap is long enough for the drive and the work.")
    )


def _window(kernel: Kernel, visit: Visit, row: int) -> Violation | None:
    """It could start outside its windows: say which start is nearest to one."""
    shift = kernel.shifts[row]
    first, last, _ = kernel.starts(visit, [row])
    possible = (first <= last) & (first < NEVER)
    windows = start_windows(visit)
    if possible.any() and not windows:
        return _violation("window", visit, shift, "Its pinned start is outside its arrival windows.")
    intervals = list(zip(first[possible].tolist(), last[possible].tolist(), strict=True))
    found = min(_misses(kernel, visit, row, intervals), default=None)
    if found is None:
        return None
    off, start, (opens, closes) = found
    text = f"It could start at {start}, {off} s outside its window {opens} to {closes}."
    numbers = {"start_s": start, "window_start_s": opens, "window_end_s": closes, "off_s": off}
    return _violation("window", visit, shift, text, **numbers)


def _misses(
    kernel: Kernel, visit: Visit, row: int, intervals: Sequence[Window]
) -> Iterator[tuple[int, int, Window]]:
    """How far the start nearest to a window is outside it, by interval of possible starts."""
    for opens, closes in start_windows(visit):
        for first, last in intervals:
            for near, far in ((max(first, closes + 1), last), (min(last, opens - 1), first)):
                outside = near > closes and far >= near or near < opens and far <= near
                start = _nearest_start(kernel, visit, row, (near, far)) if outside else None
                if start is not None:
                    yield max(start - closes, opens - start), start, (opens, closes)


def _nearest_start(kernel: Kernel, visit: Visit, row: int, between: Window) -> int | None:
    """The possible start that is nearest to the first of two seconds; the longest duration may forbid it."""
    near, far = between

    def start_in(one: int, other: int) -> int | None:
        moved = replace(visit, windows=((min(one, other), max(one, other)),), pinned=None)
        spots = kernel.spots(moved, [row], kernel.starts(moved, [row]))
        route = kernel.scheduled(moved, row, int(spots[0, 1])) if spots.size else None
        return next((stop.start_s for stop in route.stops if stop.visit == visit.id), None) if route else None

    if start_in(near, near) is not None:
        return near
    if (found := start_in(near, far)) is None:
        return None
    while abs(found - near) > 1:
        middle = (found + near) // 2
        found, near = (found, middle) if start_in(middle, middle) is None else (middle, near)
    return found


def _shift_end(problem: Problem, shift: Shift, visits: Sequence[Visit], visit: Visit) -> Violation | None:
    """By how much the shift would have to end later."""
    relaxed = replace(shift, overtime_s=TIME_LIMIT_S)
    ends = [span.end_s for span in _spans(problem, relaxed, visits, visit)]
    over = min(ends, default=0) - shift.limit_s
    if over <= 0:
        return None
    text = f"The route would end {over} s after the allowed {shift.limit_s}."
    numbers = {"end_s": shift.limit_s + over, "limit_s": shift.limit_s, "over_s": over}
    return _violation("shift_end", visit, shift, text, **numbers)


def _duration(problem: Problem, shift: Shift, visits: Sequence[Visit], visit: Visit) -> Violation | None:
    """How much longer the route would have to be allowed to take."""
    limit = shift.max_duration_s
    if limit is None:
        return None
    relaxed = replace(shift, max_duration_s=TIME_LIMIT_S)
    took = min((span.end_s - span.leave_s for span in _spans(problem, relaxed, visits, visit)), default=None)
    if took is None:
        return None
    text = f"The route would take {took} s; {limit} are allowed."
    return _violation("duration", visit, shift, text, duration_s=took, limit_s=limit, over_s=took - limit)


def _max_travel(problem: Problem, shift: Shift, visits: Sequence[Visit], visit: Visit) -> Violation | None:
    """How much the route would have to drive."""
    limit = shift.max_travel_s
    if limit is None:
        return None
    relaxed = replace(shift, max_travel_s=None)
    need = min((span.travel_s for span in _spans(problem, relaxed, visits, visit)), default=None)
    if need is None:
        return None
    text = f"The route would drive {need} s; {limit} are allowed."
    return _violation("max_travel", visit, shift, text, travel_s=need, limit_s=limit)


class _Span(NamedTuple):
    """When a route leaves and ends, and how much it drives (seconds)."""

    leave_s: int
    end_s: int
    travel_s: int


def _spans(problem: Problem, shift: Shift, visits: Sequence[Visit], visit: Visit) -> Iterator[_Span]:
    """The route that there would be, for each position where the visit fits."""
    kernel = Kernel(problem, [shift], [visits])
    for _, position in kernel.spots(visit, [0], kernel.starts(visit, [0])).tolist():
        route = kernel.scheduled(visit, 0, position)
        if route is not None:
            order = (*visits[:position], visit, *visits[position:])
            first, home_s = route.stops[0], legs_of(problem, shift, order)[-1]
            yield _Span(
                leave_s=first.arrival_s - first.travel_s,
                end_s=route.stops[-1].departure_s + home_s,
                travel_s=sum(stop.travel_s for stop in route.stops) + home_s,
            )


def _violation(rule: str, visit: Visit, shift: Shift, text: str, **numbers: int | str) -> Violation:
    return Violation(rule=rule, visit=visit.id, shift=shift.id, text=text, numbers=numbers)
