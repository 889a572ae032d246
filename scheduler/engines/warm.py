"""Machine code before it is needed: `warm` compiles what is not on disk yet and loads it.

It takes about half a minute on a machine that has never done it, and a fraction of a second afterwards. A
search that cannot wait for it begins in another process with ``python -m scheduler.engines.warm``.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from scheduler.engines.compiled import CACHE
from scheduler.engines.local import LocalSearch
from scheduler.limits import Limit
from scheduler.model import Problem, Shift, Visit

_DONE = CACHE / "complete"


def warm() -> None:
    """Compile or load everything that a search runs; while one process compiles the others wait for it."""
    with _alone():
        _search_a_little()
        _DONE.touch()


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time compile, where files can be locked; nobody waits once it is done."""
    if sys.platform == "win32" or is_warm():
        yield
        return
    import fcntl

    with (CACHE / "compiling").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _search_a_little() -> None:
    shift = Shift(id="S", technician="T", start_location=0, end_location=0, start_s=0, end_s=9)
    visits = tuple(Visit(id=name, location=0, service_s=1) for name in "AB")
    problem = Problem(travel_s=np.zeros((1, 1), np.int32), visits=visits, shifts=(shift,))
    limit = Limit(seconds=None, iterations=1, should_stop=None)
    LocalSearch(problem).improve({}, limit, 1, 1, lambda orders: None)


def is_warm() -> bool:
    """Whether the machine code is on disk."""
    return _DONE.exists()


def begin_to_warm() -> subprocess.Popen[bytes]:
    """Compile in another process: OR-Tools would let no other thread of this one run."""
    return subprocess.Popen(
        [sys.executable, "-m", "scheduler.engines.warm"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


if __name__ == "__main__":
    warm()
