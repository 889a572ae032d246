"""Problems from other formats."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from scheduler.json_fields import FormatError
from scheduler.model import Problem, Shift, Visit

UNIT = 10
"""Seconds for each unit of time and distance of a Solomon file: distances keep one decimal, as is usual."""


def solomon(files: Sequence[Path]) -> Problem:
    """A vehicle routing problem with time windows from one Solomon or Gehring and Homberger file.

    A unit of distance takes `UNIT` seconds. Every customer is to be served from a window in which service
    starts, by vans of one capacity that leave the depot and come back.

    Raises
    ------
    FormatError
        When there is not exactly one file, or it is not such a file.
    """
    if len(files) != 1:
        raise FormatError([f"files: a problem is made of one file, not of {len(files)}"])
    path = files[0]
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError([f"{path}: {error}"]) from error
    rows = [_numbers(line) for line in lines]
    vans = [row for row in rows if len(row) == 2]
    places = np.array([row for row in rows if len(row) == 7])
    if len(vans) != 1 or not len(places):
        raise FormatError([f"{path}: is not a Solomon file"])
    return _problem(int(vans[0][0]), int(vans[0][1]), places)


def _numbers(line: str) -> list[float]:
    """The numbers of a line of nothing else."""
    words = line.split()
    return (
        [float(word) for word in words] if all(re.fullmatch(r"\d+(\.\d+)?", word) for word in words) else []
    )


def _problem(vans: int, capacity: int, places: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Problem:
    points = places[:, 1:3]
    distances = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    times = np.rint(places * UNIT).astype(np.int64).tolist()
    visits = tuple(
        Visit(
            id=str(int(place[0])),
            location=number,
            service_s=time[6],
            windows=((time[4], time[5]),),
            load=(int(place[3]),),
        )
        for number, (place, time) in enumerate(zip(places, times, strict=True))
        if number
    )
    shifts = tuple(
        Shift(
            id=f"van {number + 1}",
            technician=f"van {number + 1}",
            start_location=0,
            end_location=0,
            start_s=times[0][4],
            end_s=times[0][5],
            capacity=(capacity,),
        )
        for number in range(vans)
    )
    travel = np.floor(distances * UNIT + 1e-9).astype(np.int32)
    return Problem(travel_s=travel, visits=visits, shifts=shifts)


CONVERTERS: Mapping[str, Callable[[Sequence[Path]], Problem]] = {"solomon": solomon}
"""By the name that the command line gives them."""
