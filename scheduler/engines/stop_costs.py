"""Costs that depend on when each stop is, compiled: waiting, lateness, windows missed and windows changed."""

from typing import Any

import numpy as np

from scheduler.engines.compiled import compiled
from scheduler.engines.layout import Column
from scheduler.engines.windows import LEFT, REACHED, READY, SERVED, earliest_in


@compiled
def taken_here(data: Any, shift: int, before: Any, after: Any, taken: int) -> Any:
    """How many of the last breaks that led to ``after[taken]`` were taken at this place."""
    count = 0
    while taken > 0:
        begin = max(after[taken - 1], data.breaks[shift, taken - 1, 0])
        late = begin > data.breaks[shift, taken - 1, 1]
        if late or begin + data.breaks[shift, taken - 1, 2] > before[taken]:
            break
        count, taken = count + 1, taken - 1
    return count


@compiled
def timed_cost(data: Any, state: Any, shift: int, count: int, leave: int, taken: int) -> Any:
    """Waiting, lateness, windows missed and windows changed on the tried route with its breaks in place."""
    times = state.line_times
    state.line[count + 1].before = taken_here(data, shift, times[count, SERVED], times[count, LEFT], taken)
    taken -= state.line[count + 1].before
    for column in range(count, 0, -1):
        state.line[column].after = taken_here(
            data, shift, times[column, REACHED], times[column, READY], taken
        )
        taken -= state.line[column].after
        before = times[column - 1]
        state.line[column].before = taken_here(data, shift, before[SERVED], before[LEFT], taken)
        taken -= state.line[column].before
    return laid_out_cost(data, state, shift, count, leave)


@compiled
def laid_out_cost(data: Any, state: Any, shift: int, count: int, leave: int) -> Any:
    time, waiting, late, missed, moved = leave, 0, 0.0, 0, 0
    number = 0
    for column in range(1, count + 2):
        before = state.line[column].before
        for pause in range(before + (state.line[column].after if column <= count else 0)):
            if pause == before:
                time += state.line[column - 1].leg
            begin = max(time, data.breaks[shift, number, 0])
            waiting += begin - time
            time = begin + data.breaks[shift, number, 2]
            number += 1
        if column > count:
            break
        visit = state.line[column].node
        if state.line[column].after == 0:
            time += state.line[column - 1].leg
        start = earliest_in(data, visit, time)
        waiting += start - time
        time = start + data.visits[visit].service
        if visit < len(data.visits) - 1:
            late += max(start - data.visits[visit].due, 0) * data.visits[visit].late_cost / 3600
            missed += data.visits[visit].preferred_most - window_worth(data, visit, start)
            moved += window_moved(data, visit, start)
    return (
        np.rint(data.rules[0].waiting * waiting)
        + np.rint(data.rules[0].lateness * late)
        + missed
        + data.rules[0].change * moved
    )


@compiled
def window_worth(data: Any, visit: int, start: int) -> Any:
    """What the best preferred window with this start is worth."""
    best = 0
    for index in range(data.windows.shape[1]):
        window = data.windows[visit, index]
        if window[Column.PREFERRED_START] <= start <= window[Column.PREFERRED_END]:
            best = max(best, window[Column.WORTH])
    return best


@compiled
def window_moved(data: Any, visit: int, start: int) -> Any:
    """Whether the visit was in other arrival windows before."""
    former = data.visits[visit].former_windows
    if former == 0:
        return 0
    bits = 0
    for index in range(data.windows.shape[1]):
        window = data.windows[visit, index]
        if window[Column.RAW_START] <= start <= window[Column.RAW_END]:
            bits |= 1 << (index % 62)
    if bits == 0:
        bits = 1 << 62
    return 0 if bits & former else 1
