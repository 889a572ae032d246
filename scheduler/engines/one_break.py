"""The usual day, compiled: no break or one a shift and one window a visit, in numbers instead of loops.

It says the same as the general code in `timing` and `insertion_scan`, five times as fast.
"""

from typing import Any

from scheduler.engines.compiled import compiled, inlined
from scheduler.engines.layout import Column
from scheduler.engines.windows import NEVER


@inlined
def pause(data: Any, shift: int, time: Any) -> Any:
    """When a break that may begin at `time` is over, or `NEVER`."""
    begin = max(time, data.breaks[shift, 0, 0])
    return begin + data.breaks[shift, 0, 2] if begin <= data.breaks[shift, 0, 1] else NEVER


@inlined
def pause_before(data: Any, shift: int, time: Any) -> Any:
    """When a break that is to be over by `time` must begin at the latest, or ``-NEVER``."""
    begin = min(time - data.breaks[shift, 0, 2], data.breaks[shift, 0, 1])
    return begin if begin >= data.breaks[shift, 0, 0] else -NEVER


@compiled
def forward_one(data: Any, state: Any, shift: int) -> None:
    """`timing.forward` of a whole route."""
    before = data.shifts[shift].begin
    after = pause(data, shift, before)
    state.times[shift, 0, 0, 0], state.times[shift, 0, 1, 0] = before, after
    for column in range(1, state.routes[shift].count + 1):
        visit, drive = state.stops[shift, column].visit, state.stops[shift, column - 1].leg
        first, last = data.windows[visit, 0, Column.START], data.windows[visit, 0, Column.END]
        service = data.visits[visit].service
        before += drive
        after = min(after + drive, pause(data, shift, before))
        before = max(before, first) + service if before <= last else NEVER
        after = max(after, first) + service if after <= last else NEVER
        after = min(after, pause(data, shift, before))
        state.times[shift, column, 0, 0], state.times[shift, column, 1, 0] = before, after


@compiled
def backward_one(data: Any, state: Any, shift: int) -> None:
    """`timing.backward` of a whole route."""
    end = state.routes[shift].count + 1
    after = data.shifts[shift].limit
    before = min(after, data.breaks[shift, 0, 1])
    state.times[shift, end, 0, 1], state.times[shift, end, 1, 1] = before, after
    for column in range(end - 1, 0, -1):
        visit, drive = state.stops[shift, column].visit, state.stops[shift, column].leg
        first, last = data.windows[visit, 0, Column.START], data.windows[visit, 0, Column.END]
        service = data.visits[visit].service
        after -= drive
        before = max(before - drive, pause_before(data, shift, after)) - service
        after -= service
        after = min(after, last) if after >= first else -NEVER
        before = min(before, last) if before >= first else -NEVER
        before = max(before, pause_before(data, shift, after))
        state.times[shift, column, 0, 1], state.times[shift, column, 1, 1] = before, after


@compiled
def both_ways(data: Any, state: Any, shift: int) -> None:
    """`timing.forward` and `timing.backward` of a whole route without breaks."""
    end = state.routes[shift].count + 1
    time = data.shifts[shift].begin
    state.times[shift, 0, 0, 0] = time
    for column in range(1, end):
        visit = state.stops[shift, column].visit
        time += state.stops[shift, column - 1].leg
        start = max(time, data.windows[visit, 0, Column.START])
        time = start + data.visits[visit].service if time <= data.windows[visit, 0, Column.END] else NEVER
        state.times[shift, column, 0, 0] = time
    time = data.shifts[shift].limit
    state.times[shift, end, 0, 1] = time
    for column in range(end - 1, 0, -1):
        visit = state.stops[shift, column].visit
        time -= state.stops[shift, column].leg + data.visits[visit].service
        start = min(time, data.windows[visit, 0, Column.END])
        time = start if time >= data.windows[visit, 0, Column.START] else -NEVER
        state.times[shift, column, 0, 1] = time


@inlined
def fits_one(data: Any, state: Any, shift: int, visit: int, column: int, near: int, onward: int) -> Any:
    """`insertion_scan.fits` for a visit with a single window."""
    first, last = data.windows[visit, 0, Column.START], data.windows[visit, 0, Column.END]
    service = data.visits[visit].service
    before = state.times[shift, column, 0, 0] + near
    after = min(state.times[shift, column, 1, 0] + near, pause(data, shift, before))
    before = max(before, first) + service if before <= last else NEVER
    if before + onward <= state.times[shift, column + 1, 0, 1]:
        return True
    after = max(after, first) + service if after <= last else NEVER
    after = min(after, pause(data, shift, before))
    return after + onward <= state.times[shift, column + 1, 1, 1]
