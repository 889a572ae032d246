"""A file to convert: its text, its numbers, and what is wrong with it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduler.json_fields import FormatError, short
from scheduler.model import Matrix, Problem, Shift, Visit
from scheduler.validation import TIME_LIMIT_S

MOST_SHIFTS = 100_000
"""More vans or technicians than this are a mistake in the file, not a fleet."""
SECTION_END = ("_SECTION", "EOF")


class Source:
    """One text file; faults are collected with its name and their place, and raised by ``finish``.

    Raises
    ------
    FormatError
        When the file cannot be read as text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[str] = []
        try:
            self.text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise FormatError([f"{path}: {error.strerror}"]) from error
        except UnicodeDecodeError as error:
            raise FormatError([f"{path}: is not text"]) from error
        self.lines = self.text.splitlines()

    def fault(self, place: str, text: str) -> None:
        self.faults.append(f"{self.path}: {place}: {text}" if place else f"{self.path}: {text}")

    def finish(self) -> None:
        """Raise a `FormatError` with every fault, if there is one."""
        if self.faults:
            raise FormatError(list(dict.fromkeys(self.faults)))

    def make[**P, T](self, place: str, kind: Callable[P, T], *args: P.args, **parts: P.kwargs) -> T | None:
        """An object of the model, or ``None`` with its faults at this place."""
        try:
            return kind(*args, **parts)
        except ValueError as error:
            for line in str(error).splitlines():
                self.fault(place, line)
            return None

    def number(self, place: str, value: str | float | None) -> float:
        """A finite number no larger than any time of a problem; 0 with a fault otherwise."""
        try:
            found = math.nan if value is None else float(value)
        except ValueError:
            found = math.nan
        if abs(found) <= TIME_LIMIT_S:
            return found
        self.fault(place, f"{short(value)} is not a number")
        return 0.0

    def whole(self, place: str, value: str | float | None, high: int = TIME_LIMIT_S) -> int:
        """A whole number from 0 to `high`; 0 with a fault otherwise."""
        found = self.number(place, value)
        if found.is_integer() and 0 <= found <= high:
            return int(found)
        self.fault(place, f"{short(value)} is not a whole number from 0 to {high}")
        return 0

    def section(self, header: str) -> list[tuple[str, list[str]]]:
        """The place and the words of each line from this header to the next section or the end."""
        found: list[tuple[str, list[str]]] = []
        lines = iter(enumerate(self.lines, start=1))
        if not any(line.strip().upper().startswith(header) for _, line in lines):
            self.fault("", f"there is no line {header!r}")
        for number, line in lines:
            words = line.split()
            if words and words[0].endswith(SECTION_END):
                break
            if words:
                found.append((f"line {number}", words))
        return found

    def rows(self, header: str, columns: int) -> list[tuple[str, list[float]]]:
        """The rows of a section that is a table of this many numbers."""
        return list(self.numbers(self.section(header), columns))

    def numbers(
        self, section: Sequence[tuple[str, list[str]]], columns: int
    ) -> Iterator[tuple[str, list[float]]]:
        """The lines that are this many numbers; a fault for each other one."""
        for place, words in section:
            if len(words) == columns:
                yield place, [self.number(place, word) for word in words]
            else:
                self.fault(place, f"has {len(words)} values, not {columns}")

    def travel(self, points: Sequence[Sequence[float]], to_seconds: "Rounding") -> Matrix:
        """Straight-line travel times between points; a fault when they are too far apart."""
        xy = np.asarray(points, np.float64).reshape(len(points), 2)
        times = to_seconds(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)))
        if times.size and times.max() > TIME_LIMIT_S:
            self.fault("", f"two places are more than {TIME_LIMIT_S} s apart")
            return np.zeros(times.shape, np.int32)
        return times.astype(np.int32)

    def problem(
        self, travel_s: Matrix, visits: Sequence[Visit | None], shifts: Sequence[Shift | None], **parts: Any
    ) -> Problem:
        """The problem, or a `FormatError` with the faults of everything it is made of."""
        self.finish()
        found = self.make(
            "",
            Problem,
            travel_s=travel_s,
            visits=tuple(visit for visit in visits if visit is not None),
            shifts=tuple(shift for shift in shifts if shift is not None),
            **parts,
        )
        if found is None:
            raise FormatError(self.faults)
        return found


Rounding = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From distances to whole seconds."""


def truncated(unit_s: int) -> Rounding:
    """A distance of 1 takes `unit_s` seconds; what is left of a second is cut off."""
    return lambda distances: np.floor(distances * unit_s + 1e-9)


def rounded(unit_s: int) -> Rounding:
    """A distance of 1 takes `unit_s` seconds, to the nearest second."""
    return lambda distances: np.rint(distances * unit_s)


def open_sources(files: Sequence[Path], *names: str, optional: int = 0) -> list[Source]:
    """The sources of a conversion that wants these files in this order; the last `optional` may be left out.

    Raises
    ------
    FormatError
        When there are fewer or more, or one cannot be read.
    """
    if not len(names) - optional <= len(files) <= len(names):
        raise FormatError([f"files: wanted {' and '.join(names)}, not {len(files)} files"])
    return [Source(path) for path in files]


def unknown(source: Source, place: str, content: Mapping[str, object], known: frozenset[str]) -> None:
    """A fault for each field that the converter does not carry over: nothing is left out silently."""
    for name in content:
        if name not in known:
            source.fault(f"{place}.{name}" if place else name, "is not supported")
