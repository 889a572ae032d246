"""The smallest change that would let a visit in: one rule relaxed at a time, everything else kept.

Rules with an amount (a shift that ends later, a break that may begin later, a wider window) are bisected to
the second: whoever still cannot come at an amount that suffices for somebody needs more and drops out.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from scheduler.admission import overload, refusal
from scheduler.insertion import Board
from scheduler.kernel import Kernel
from scheduler.lifts import LACKS, Lack, without
from scheduler.links import linked_ids
from scheduler.model import Shift, Violation, Visit

MOST_S = 8 * 3600
"""Seconds by which a shift, a break or a route is changed at most; a larger change is none to speak of."""
NO_CLOCK = 1 << 40
"""The size of a change that cannot be told in seconds."""
Numbers = Mapping[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that holds, or a change that would help: its code, English words and the numbers behind."""

    rule: str
    shift: str | None
    technician: str | None
    text: str
    numbers: Numbers = field(default_factory=dict)


class Stretch(NamedTuple):
    """How a shift is relaxed by some seconds, by which name that is told, and in which words."""

    relaxed: Callable[[Shift, int], Shift]
    number: str
    words: str


def _ends_later(shift: Shift, by_s: int) -> Shift:
    return replace(shift, end_s=shift.end_s + by_s)


def _begins_sooner(shift: Shift, by_s: int) -> Shift:
    # a van that is under way cannot have left before
    return shift if shift.available_s is not None else replace(shift, start_s=shift.start_s - by_s)


def _breaks_later(shift: Shift, by_s: int) -> Shift:
    breaks = tuple(replace(pause, latest_s=pause.latest_s + by_s) for pause in shift.breaks)
    return replace(shift, breaks=breaks)


def _takes_longer(shift: Shift, by_s: int) -> Shift:
    limit = shift.max_duration_s
    return shift if limit is None else replace(shift, max_duration_s=limit + by_s)


def _drives_longer(shift: Shift, by_s: int) -> Shift:
    limit = shift.max_travel_s
    return shift if limit is None else replace(shift, max_travel_s=limit + by_s)


STRETCHES: Mapping[str, Stretch] = {
    "shift_end": Stretch(_ends_later, "over_s", "{who} could take it if the shift ended {over_s} s later."),
    "shift_start": Stretch(
        _begins_sooner, "early_s", "{who} could take it if the shift began {early_s} s sooner."
    ),
    "break": Stretch(_breaks_later, "late_s", "{who} could take it if the break began {late_s} s later."),
    "duration": Stretch(
        _takes_longer, "over_s", "{who} could take it if the route were allowed {over_s} s more."
    ),
    "max_travel": Stretch(
        _drives_longer, "over_s", "{who} could take it if {over_s} s more of driving were allowed."
    ),
}


def smallest_changes(board: Board, visit: Visit) -> Iterator[Finding]:
    """For each rule that alone keeps the visit off somebody: the smallest change of it that lets it in.

    None for a visit that hangs together with others: what one technician may do does not decide there.
    """
    if visit.crew > 1 or visit.after or visit.id in linked_ids(board.problem):
        return
    finder = _Finder(board, visit)
    yield from finder.window()
    for rule, stretch in STRETCHES.items():
        yield from finder.stretched(rule, stretch)
    for rule in LACKS:
        yield from finder.lifted(rule)


def changes_by_shift(board: Board, visit: Visit) -> Mapping[str, tuple[Finding, ...]]:
    """For each shift that a visit does not fit on: rules that alone keep it off, and their smallest changes.

    The change of fewest seconds comes first, what knows no clock last. Shifts on which no single change helps
    are left out, and all of them for a visit that hangs together with others.
    """
    if visit.crew > 1 or visit.after or visit.id in linked_ids(board.problem):
        return {}
    finder = _Finder(board, visit)
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in finder.each():
        found[finding.shift or ""].append(finding)
    return {shift: tuple(sorted(findings, key=size_of)) for shift, findings in found.items()}


def size_of(finding: Finding) -> int:
    """How large a change is, in seconds; no clock, no seconds."""
    sizes = (finding.numbers.get(name) for name in ("off_s", "over_s", "early_s", "late_s"))
    return next((int(size) for size in sizes if size is not None), NO_CLOCK)


class _Finder:
    """Relaxes one rule at a time for one visit."""

    def __init__(self, board: Board, visit: Visit) -> None:
        self._board, self._visit, self._restock = board, visit, board.problem.restock
        self._shifts = board.problem.shifts
        rows = range(len(self._shifts))
        self._shifts_of: dict[str, list[Shift]] = defaultdict(list)
        for shift in self._shifts:
            self._shifts_of[shift.technician].append(shift)
        self._stopped = {row for row in rows if self._static(visit, row, self._shifts[row]) is not None}
        fitting = self._fits(visit, rows)
        self._busy = [row for row in rows if row not in self._stopped and row not in fitting]

    def _static(self, visit: Visit, row: int, shift: Shift) -> Violation | None:
        """The first rule without a clock that keeps the visit off a shift."""
        others = self._board.visits(row)
        return refusal(visit, shift, self._restock) or overload(visit, shift, others, self._restock)

    def _fits(self, visit: Visit, rows: Sequence[int]) -> dict[int, int]:
        """Shifts with time for the visit, and the position that adds least driving."""
        kernel = self._board.kernel
        starts = kernel.starts(visit, rows)
        best: dict[int, int] = {}
        for index, position in kernel.spots(visit, rows, starts).tolist():
            row, added = rows[index], starts[-1][index]
            if row not in best or added[position] < added[best[row]]:
                best[row] = position
        return best

    def each(self) -> Iterator[Finding]:
        """What `smallest_changes` tells of the best shift, told of every shift."""
        for row in self._busy:
            yield from self.window([row])
        for rule, stretch in STRETCHES.items():
            yield from self.stretched_each(rule, stretch)
        for rule in LACKS:
            yield from self.lifted_each(rule)

    def window(self, busy: Sequence[int] | None = None) -> Iterator[Finding]:
        """The start that is nearest to a window of the visit; a pinned start has no other."""
        visit, kernel = self._visit, self._board.kernel
        busy = self._busy if busy is None else busy
        if not busy or not visit.windows or (visit.pinned and visit.pinned.start_s is not None):
            return
        starts = kernel.starts(visit, busy)
        index_of = {row: index for index, row in enumerate(busy)}

        def wide_enough(rows: Sequence[int], by_s: int) -> list[int]:
            wider = replace(visit, windows=tuple((start - by_s, end + by_s) for start, end in visit.windows))
            picked = [index_of[row] for row in rows]
            first, last, added = (table[picked] for table in starts)
            return _rows(rows, kernel.spots(wider, rows, (first, last, added)).tolist())

        horizon = max(shift.limit_s for shift in self._shifts) - min(shift.begin_s for shift in self._shifts)
        if (found := _least(busy, max(horizon, MOST_S), wide_enough)) is not None:
            yield self._outside(*found)

    def _outside(self, off_s: int, row: int) -> Finding:
        """The start that is so many seconds outside a window."""
        for opens, closes in self._visit.windows:
            for start_s in (opens - off_s, closes + off_s):
                if self._fits(replace(self._visit, windows=((start_s, start_s),)), [row]):
                    window = {"window_start_s": opens, "window_end_s": closes}
                    words = "{who} could take it {off_s} s outside its window."
                    return self._finding("window", row, words, {"start_s": start_s, "off_s": off_s} | window)
        raise AssertionError(f"{self._visit.id} fits only in the midst of a wider window")

    def stretched(self, rule: str, stretch: Stretch) -> Iterator[Finding]:
        """By how many seconds a shift would have to be relaxed at least."""

        def far_enough(rows: Sequence[int], by_s: int) -> list[int]:
            return self._fitting(rule, stretch, rows, [by_s] * len(rows))

        if (found := _least(self._stretchable(rule, stretch), MOST_S, far_enough)) is not None:
            least, row = found
            yield self._finding(rule, row, stretch.words, {stretch.number: least})

    def stretched_each(self, rule: str, stretch: Stretch) -> Iterator[Finding]:
        """By how many seconds each shift would have to be relaxed at least; all are bisected together."""
        able = self._stretchable(rule, stretch)
        able = self._fitting(rule, stretch, able, [MOST_S] * len(able)) if able else []
        least = {row: (0, MOST_S) for row in able}  # too little, and enough
        while open_rows := [row for row, (low, high) in least.items() if high - low > 1]:
            middles = [sum(least[row]) // 2 for row in open_rows]
            enough = set(self._fitting(rule, stretch, open_rows, middles))
            for row, middle in zip(open_rows, middles, strict=True):
                low, high = least[row]
                least[row] = (low, middle) if row in enough else (middle, high)
        for row, (_, high) in least.items():
            yield self._finding(rule, row, stretch.words, {stretch.number: high})

    def _stretchable(self, rule: str, stretch: Stretch) -> list[int]:
        return [row for row in self._busy if self._relaxed(rule, stretch, row, 1) != self._shifts[row]]

    def _relaxed(self, rule: str, stretch: Stretch, row: int, by_s: int) -> Shift:
        return stretch.relaxed(self._shifts[row], min(by_s, self._most(rule, row)))

    def _fitting(self, rule: str, stretch: Stretch, rows: Sequence[int], amounts: Sequence[int]) -> list[int]:
        """Those of the rows on which the visit fits when each is relaxed by its amount."""
        shifts = [self._relaxed(rule, stretch, row, by_s) for row, by_s in zip(rows, amounts, strict=True)]
        routes = self._board.kernel.routes
        kernel = Kernel(self._board.problem, shifts, [routes[row] for row in rows])
        every = range(len(rows))
        spots = kernel.spots(self._visit, every, kernel.starts(self._visit, every))
        return _rows(rows, spots.tolist())

    def _most(self, rule: str, row: int) -> int:
        """Seconds until a shift would meet another one of its technician, who works one at a time."""
        shift, most = self._shifts[row], MOST_S
        for other in self._shifts_of[shift.technician]:
            if other is shift:
                continue
            if rule == "shift_end" and other.start_s >= shift.limit_s:
                most = min(most, other.start_s - shift.limit_s)
            if rule == "shift_start" and other.limit_s <= shift.start_s:
                most = min(most, shift.start_s - other.limit_s)
        return most

    def lifted(self, rule: str) -> Iterator[Finding]:
        """Who could come if a rule without a clock were lifted, and lacks least of it."""
        visit = without(self._visit, rule)
        lacks = dict(self._lacks(rule, visit))
        times = self._fits(visit, list(lacks)) if lacks else {}
        if times:
            row = min(times, key=lambda row: (*lacks[row].size, row))
            yield self._lifted(rule, row, visit, times[row], lacks[row])

    def lifted_each(self, rule: str) -> Iterator[Finding]:
        """The same for everybody who could come then."""
        visit = without(self._visit, rule)
        lacks = dict(self._lacks(rule, visit))
        for row, position in (self._fits(visit, list(lacks)) if lacks else {}).items():
            yield self._lifted(rule, row, visit, position, lacks[row])

    def _lifted(self, rule: str, row: int, visit: Visit, position: int, lack: Lack) -> Finding:
        start_s = self._board.exact(visit, row, position, 0).start_s
        return self._finding(rule, row, lack.words, lack.numbers | {"start_s": start_s})

    def _lacks(self, rule: str, visit: Visit) -> Iterator[tuple[int, Lack]]:
        """The shifts that this rule alone keeps the visit off, and what they lack."""
        pinned_to_time = rule == "pin" and visit != self._visit
        for row in sorted({*self._stopped, *self._busy} if pinned_to_time else self._stopped):
            shift, others = self._shifts[row], self._board.visits(row)
            lifted = replace(shift, max_visits=None) if rule == "max_visits" else shift
            if self._static(visit, row, lifted) is None:
                yield row, LACKS[rule](self._visit, shift, others)

    def _finding(self, rule: str, row: int, words: str, numbers: Numbers) -> Finding:
        shift = self._shifts[row]
        text = words.format(who=shift.technician, **numbers)
        return Finding(
            rule=rule, shift=shift.id, technician=shift.technician, text=text, numbers=dict(numbers)
        )


def _rows(rows: Sequence[int], spots: Sequence[Sequence[int]]) -> list[int]:
    """Which of the rows have a spot."""
    return sorted({rows[index] for index, _ in spots})


def _least(
    rows: Sequence[int], most: int, enough: Callable[[Sequence[int], int], list[int]]
) -> tuple[int, int] | None:
    """The least amount up to `most` that is enough for one of the rows, and the first such row.

    `enough` tells for which rows an amount suffices; then every larger one does.
    """
    able = enough(rows, most) if rows else []
    if not able:
        return None
    too_little, amount = 0, most
    while amount - too_little > 1:
        middle = (amount + too_little) // 2
        if found := enough(able, middle):
            able, amount = found, middle
        else:
            too_little = middle
    return amount, able[0]
