"""When a search must end."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Limit:
    """A wall-clock limit in seconds, a number of iterations, and a request to stop from outside.

    The clock starts when the object is made. Only the number of iterations gives the same plan every time.
    """

    seconds: float | None
    iterations: int | None
    should_stop: Callable[[], bool] | None
    _began: float = field(default_factory=time.monotonic)

    def elapsed_s(self) -> float:
        """Seconds since the search began."""
        return time.monotonic() - self._began

    def left_s(self) -> float:
        """Seconds left; infinity without a limit in seconds."""
        return float("inf") if self.seconds is None else self.seconds - self.elapsed_s()

    def until(self, part: float) -> "Limit":
        """A limit that ends when this part of the seconds is over; iterations are counted anew."""
        seconds = None if self.seconds is None else self.seconds * part - self.elapsed_s()
        return Limit(seconds=seconds, iterations=self.iterations, should_stop=self.should_stop)

    def before(self, seconds: float) -> "Limit":
        """This limit, but so many seconds sooner."""
        left = None if self.seconds is None else self.left_s() - seconds
        return Limit(seconds=left, iterations=self.iterations, should_stop=self.should_stop)

    def unless(self, stop: Callable[[], bool]) -> "Limit":
        """This limit, that also ends when `stop` says so."""
        asked = self.should_stop
        both = stop if asked is None else lambda: asked() or stop()
        seconds = None if self.seconds is None else self.left_s()
        return Limit(seconds=seconds, iterations=self.iterations, should_stop=both)

    def reached(self) -> bool:
        """Whether the time is over or somebody asked to stop."""
        return self.left_s() <= 0 or (self.should_stop is not None and self.should_stop())
