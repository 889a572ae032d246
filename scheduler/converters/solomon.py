"""Vehicle routing with time windows: files of Solomon, and of Gehring and Homberger.

Service starts inside the window; vans of one capacity leave the depot and come back by its due date. A unit
of distance or time takes `UNIT` seconds, and distances are truncated to one decimal before that: the
convention of the DIMACS challenge, whose distances are a tenth of the travel seconds here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scheduler.converters.source import MOST_SHIFTS, Source, open_sources, truncated
from scheduler.model import Problem, Shift, Visit

UNIT = 10
"""Seconds for each unit of time and distance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One row; the times are in the units of the file. The first row is the depot."""

    place: str
    name: str
    point: tuple[float, float]
    demand: int
    ready: float
    due: float
    service: float


def customers_of(source: Source, rows: Sequence[tuple[str, list[float]]]) -> list[Customer]:
    """The first seven columns of each row; a fault when there is no row."""
    if not rows:
        source.fault("", "has no customers")
    return [
        Customer(
            place=place,
            name=str(source.whole(place, row[0])),
            point=(row[1], row[2]),
            demand=source.whole(place, row[3]),
            ready=row[4],
            due=row[5],
            service=row[6],
        )
        for place, row in rows
    ]


def read_customers(source: Source) -> list[Customer]:
    """The customers of a Solomon file, the depot first."""
    return customers_of(source, source.rows("CUST NO.", 7))


def seconds(value: float, unit_s: int) -> int:
    """A time of a file in whole seconds."""
    return round(value * unit_s)


def visits_of(source: Source, customers: Sequence[Customer], unit_s: int) -> list[Visit | None]:
    """One visit for each customer, at the location of its row."""
    return [
        source.make(
            each.place,
            Visit,
            id=each.name,
            location=number,
            service_s=seconds(each.service, unit_s),
            windows=((seconds(each.ready, unit_s), seconds(each.due, unit_s)),),
            load=(each.demand,),
        )
        for number, each in enumerate(customers)
        if number
    ]


def solomon(files: Sequence[Path]) -> Problem:
    """A problem from one Solomon file.

    Raises
    ------
    FormatError
        With one line for each fault, naming the file and the line.
    """
    (source,) = open_sources(files, "a Solomon file")
    fleet = source.section("NUMBER")
    customers = read_customers(source)
    place, words = fleet[0] if fleet else ("", [])
    if len(words) != 2:
        source.fault(place, "there is no number and capacity of the vans")
    source.finish()
    vans, capacity, depot = (
        source.whole(place, words[0], MOST_SHIFTS),
        source.whole(place, words[1]),
        customers[0],
    )
    shifts = [
        source.make(
            place,
            Shift,
            id=f"van {number}",
            technician=f"van {number}",
            start_location=0,
            end_location=0,
            start_s=seconds(depot.ready, UNIT),
            end_s=seconds(depot.due, UNIT),
            capacity=(capacity,),
        )
        for number in range(1, vans + 1)
    ]
    travel = source.travel([each.point for each in customers], truncated(UNIT))
    return source.problem(travel, visits_of(source, customers, UNIT), shifts)
