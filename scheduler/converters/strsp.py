"""Service technician routing and scheduling: the tasks and technicians of Kovacs, Parragh, Doerner and Hartl.

Two files: the tasks, with a column ``dXY`` for the number of technicians of at least level Y in domain X that
a task needs, and the technicians with their level in each domain. A task that needs one technician becomes a
visit with the highest level of each domain; everybody starts and ends at the first row within its window.

A task that needs several technicians of one level (the files called Team) is refused with its column: there
the levels of a team count together, while each technician of a visit's crew must hold all its skills.

Leaving a task to others costs 200 + (sum of its numbers) ** 1.5 units; its priority is that cost, to the
nearest unit. The problem puts priorities before travel, the article adds them up. The columns ``DEMAND`` and
``cost`` and the capacity are not part of the article's problem and are left out.

A unit of distance or time takes `UNIT` seconds, to the nearest second; the article does not round.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scheduler.converters.solomon import Customer, customers_of, visits_of
from scheduler.converters.source import Source, open_sources, rounded
from scheduler.model import Problem, Shift

UNIT = 1000
"""Seconds for each unit of time and distance."""
TASK_COLUMNS = 8
"""Columns of a task before those of its skills."""


@dataclass(frozen=True, slots=True)
class Need:
    """A task's column: this many technicians of at least this level in a domain."""

    domain: int
    level: int
    technicians: int


def strsp(files: Sequence[Path]) -> Problem:
    """A problem from a file of tasks and a file of technicians, in this order.

    Raises
    ------
    FormatError
        With one line for each fault, naming the file and the line.
    """
    tasks, people = open_sources(files, "a file of tasks", "a file of technicians")
    domains, levels = _size(people)
    rows = tasks.rows("CUST NO.", TASK_COLUMNS + domains * levels)
    customers = customers_of(tasks, rows)
    needs = [list(_needs(tasks, place, row[TASK_COLUMNS:], levels)) for place, row in rows]
    tasks.finish()
    shifts = _shifts(people, domains, customers[0])
    people.finish()
    visits = [
        visit and replace(visit, load=(), skills=_skills(need), priority=_priority(need))
        for visit, need in zip(visits_of(tasks, customers, UNIT), needs[1:], strict=True)
    ]
    return tasks.problem(tasks.travel([each.point for each in customers], rounded(UNIT)), visits, shifts)


def _size(people: Source) -> tuple[int, int]:
    """How many domains and levels there are."""
    sizes = []
    for name in ("domains", "proficiency level"):
        found = re.search(rf"^{name}:(.*)$", people.text, re.MULTILINE)
        sizes.append(people.whole(name, found and found[1], 100))
    people.finish()
    return sizes[0], sizes[1]


def _needs(tasks: Source, place: str, columns: Sequence[float], levels: int) -> Iterator[Need]:
    """What a task needs; a fault for its first column that no single technician can fill."""
    told = False
    for index, value in enumerate(columns):
        need = Need(index // levels + 1, index % levels + 1, tasks.whole(place, value))
        if need.technicians > 1 and not told:
            name = f"d{need.domain}{need.level}"
            tasks.fault(place, f"{name}: a team of {need.technicians} with joint levels is not supported")
            told = True
        if need.technicians:
            yield need


def _skills(needs: Sequence[Need]) -> dict[str, int]:
    """The highest level of each domain: the levels below come with it."""
    return {f"domain{need.domain}": need.level for need in sorted(needs, key=lambda need: need.level)}


def _priority(needs: Sequence[Need]) -> int:
    return round(200 + math.pow(sum(need.technicians for need in needs), 1.5))


def _shifts(people: Source, domains: int, depot: Customer) -> list[Shift | None]:
    rows = people.rows("ID", domains + 1)
    return [
        people.make(
            place,
            Shift,
            id=str(people.whole(place, row[0])),
            technician=str(people.whole(place, row[0])),
            start_location=0,
            end_location=0,
            start_s=round(depot.ready * UNIT),
            end_s=round(depot.due * UNIT),
            skills={
                f"domain{domain}": people.whole(place, level)
                for domain, level in enumerate(row[1:], start=1)
                if level
            },
        )
        for place, row in rows
    ]
