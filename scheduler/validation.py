"""Collects what is wrong with a value, one line a fault, each with the path to the field."""

from collections.abc import Sequence

TIME_LIMIT_S = 1_000_000_000
"""No time or duration of a problem is further than this (about 31 years) from its epoch."""
PRIORITY_LIMIT = 1_000_000
"""The largest weight of a visit; keeps sums of weights inside 64 bits."""


class Faults:
    """Faults of one object; ``finish`` raises them together."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, path: str, text: str) -> None:
        self.lines.append(f"{path}: {text}")

    def integer(self, path: str, value: object, *, low: int = 0, high: int = TIME_LIMIT_S) -> bool:
        """Whether `value` is a whole number from `low` to `high`; a fault otherwise."""
        if isinstance(value, bool) or not isinstance(value, int):
            self.add(path, f"must be a whole number, not {value!r}")
            return False
        if not low <= value <= high:
            self.add(path, f"{value} is not between {low} and {high}")
            return False
        return True

    def time(self, path: str, value: object) -> bool:
        return self.integer(path, value, low=-TIME_LIMIT_S)

    def interval(self, path: str, interval: Sequence[object]) -> None:
        """The first two values are a start and an end, in this order."""
        start, end = interval[0], interval[1]
        timed = self.time(f"{path}[0]", start) and self.time(f"{path}[1]", end)
        if timed and isinstance(start, int) and isinstance(end, int) and end < start:
            self.add(path, f"end {end} is before start {start}")

    def text(self, path: str, value: object) -> None:
        if not isinstance(value, str) or not value:
            self.add(path, f"must be a non-empty text, not {value!r}")

    def amounts(self, path: str, values: dict[str, int], *, low: int = 0) -> None:
        """Every key is a name and every value a whole number of at least `low`."""
        for name, value in values.items():
            self.text(f"{path} key", name)
            self.integer(f"{path}.{name}", value, low=low)

    def finish(self) -> None:
        if self.lines:
            raise ValueError("\n".join(self.lines))
