"""Service technician routing and scheduling: the tasks and technicians of Kovacs, Parragh, Doerner and Hartl.

Two files: the tasks, with a column ``dXY`` for the number of technicians of at least level Y in domain X that
a task needs, and the technicians with their level in each domain. A task that needs one technician becomes a
visit with the highest level of each domain; everybody starts and ends at the first row within its window.

Where a task needs several technicians of one level (the files called Team) the levels of a team count
together, while each technician of a visit's crew must hold all its skills. Then a shift is a team, formed by
`scheduler.converters.strsp_teams`; a skill ``d12`` is "at least level 2 in domain 1", and its level says how
many technicians of the team have that or how many a task needs.

Leaving a task to others costs 200 + (sum of its numbers) ** 1.5 units; its priority is that cost, to the
nearest unit. The problem puts priorities before travel, the article adds them up. The columns ``DEMAND`` and
``cost`` and the capacity are not part of the article's problem and are left out.

A unit of distance or time takes `UNIT` seconds, to the nearest second; the article does not round.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scheduler.converters.solomon import customers_of, visits_of
from scheduler.converters.source import Source, open_sources, rounded
from scheduler.converters.strsp_teams import Counts, Work, form_teams, joint
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
    holders = _holders(people, domains)
    people.finish()
    teams = any(need.technicians > 1 for each in needs for need in each)
    skills = _joint_skills if teams else _skills
    visits = [
        visit and replace(visit, load=(), skills=skills(need), priority=_priority(need))
        for visit, need in zip(visits_of(tasks, customers, UNIT), needs[1:], strict=True)
    ]
    tasks.finish()
    travel = tasks.travel([each.point for each in customers], rounded(UNIT))
    day = round(customers[0].ready * UNIT), round(customers[0].due * UNIT)
    if not teams:
        return tasks.problem(travel, visits, [_alone(people, day, holder) for holder in holders])
    work = Work(
        visits=[visit for visit in visits if visit is not None],
        needs=[_counts(need, domains, levels) for need in needs[1:]],
        technicians=[_held(holder.levels, levels) for holder in holders],
        travel_s=travel,
        day=day,
    )
    return tasks.problem(travel, visits, _team_shifts(people, work, [holder.name for holder in holders]))


def _size(people: Source) -> tuple[int, int]:
    """How many domains and levels there are."""
    sizes = []
    for name in ("domains", "proficiency level"):
        found = re.search(rf"^{name}:(.*)$", people.text, re.MULTILINE)
        sizes.append(people.whole(name, found and found[1], 100))
    people.finish()
    return sizes[0], sizes[1]


def _needs(tasks: Source, place: str, columns: Sequence[float], levels: int) -> Iterator[Need]:
    """What a task needs."""
    for index, value in enumerate(columns):
        need = Need(index // levels + 1, index % levels + 1, tasks.whole(place, value))
        if need.technicians:
            yield need


def _skills(needs: Sequence[Need]) -> dict[str, int]:
    """The highest level of each domain: the levels below come with it."""
    return {f"domain{need.domain}": need.level for need in sorted(needs, key=lambda need: need.level)}


def _joint_skills(needs: Sequence[Need]) -> dict[str, int]:
    """For each level of each domain how many technicians a task needs."""
    return {f"d{need.domain}{need.level}": need.technicians for need in needs}


def _priority(needs: Sequence[Need]) -> int:
    return round(200 + math.pow(sum(need.technicians for need in needs), 1.5))


class _Holder(NamedTuple):
    place: str
    name: str
    levels: list[int]
    """By domain."""


def _holders(people: Source, domains: int) -> list[_Holder]:
    """The technicians."""
    return [
        _Holder(place, str(people.whole(place, row[0])), [people.whole(place, level) for level in row[1:]])
        for place, row in people.rows("ID", domains + 1)
    ]


def _alone(people: Source, day: tuple[int, int], holder: _Holder) -> Shift | None:
    skills = {f"domain{domain}": level for domain, level in enumerate(holder.levels, start=1) if level}
    return _shift(people, day, holder.place, holder.name, skills)


def _shift(
    people: Source, day: tuple[int, int], place: str, name: str, skills: Mapping[str, int]
) -> Shift | None:
    return people.make(
        place,
        Shift,
        id=name,
        technician=name,
        start_location=0,
        end_location=0,
        start_s=day[0],
        end_s=day[1],
        skills=skills,
    )


def _counts(needs: Sequence[Need], domains: int, levels: int) -> Counts:
    counts = np.zeros((domains, levels), np.int64)
    for need in needs:
        counts[need.domain - 1, need.level - 1] = need.technicians
    return counts


def _held(levels_of: Sequence[int], levels: int) -> Counts:
    """One at each level up to that of the technician."""
    held: Counts = (np.array(levels_of)[:, None] > np.arange(levels)).astype(np.int64)
    return held


def _team_shifts(people: Source, work: Work, names: Sequence[str]) -> list[Shift | None]:
    """One shift for each team, named after its members."""
    shifts = []
    for team in form_teams(work):
        counts = joint(work, team.members)
        name = "+".join(names[number] for number in sorted(team.members))
        skills = {
            f"d{domain + 1}{level + 1}": int(counts[domain, level]) for domain, level in np.argwhere(counts)
        }
        shifts.append(_shift(people, work.day, "", name, skills))
    return shifts
