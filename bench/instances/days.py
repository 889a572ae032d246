"""Generated days of technicians: skills, homes, shifts, breaks, arrival windows, more work than people.

A day is named by its settings, such as ``visits=200,seed=1,breaks=1,load=1.15,roads=baltimore``; the same
name makes the same day on every machine that has the same map. Nothing in it is promised to customers before
the search, because the other solvers know no promises: a promised window is an arrival window here, and its
visit weighs more.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from bench.instances.instance import Instance, Measure
from bench.instances.roads import default_roads, places
from scheduler.model import Break, Problem, Shift, Visit, Window

HOUR = 3600
TRADES = ("electrical", "gas", "water", "heating", "telecom")
DEMAND = (0.32, 0.2, 0.2, 0.16, 0.12)
"""How often a visit needs each trade."""
LEVELS = (0.5, 0.3, 0.2)
"""How often it needs level 1, 2, 3."""
PRIORITIES, PRIORITY_SHARE = (1, 2, 3, 5), (0.45, 0.3, 0.17, 0.08)
MINUTES, MINUTES_SHARE = (20, 30, 45, 60, 75, 90, 120), (0.1, 0.18, 0.24, 0.22, 0.12, 0.09, 0.05)
TWO_HOURS = tuple((start * HOUR, (start + 2) * HOUR) for start in (8, 10, 12, 14))
HALF_DAYS = ((8 * HOUR, 12 * HOUR), (12 * HOUR, 17 * HOUR))
WHOLE_DAY = (7 * HOUR, 18 * HOUR)
SHIFTS = ((8.0, 16.5), (7.0, 15.5), (9.5, 18.0), (8.0, 12.5))
SHIFT_SHARE = (0.5, 0.22, 0.2, 0.08)
LUNCH = Break(earliest_s=int(11.5 * HOUR), latest_s=13 * HOUR, duration_s=1800)
DRIVE_S = 8 * 60
"""What a visit adds to a route on average, for the number of technicians."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Settings of a day; `load` is the work (drives included) for each hour that the technicians have."""

    visits: int = 200
    seed: int = 1
    breaks: int = 1
    load: float = 1.3
    roads: str = ""

    @property
    def name(self) -> str:
        settings = (f"{each.name}={getattr(self, each.name)}" for each in fields(self))
        return "days:" + ",".join(settings)


def load(text: str) -> Instance:
    """The day of a name without ``days:``.

    Raises
    ------
    ValueError
        For a setting that does not exist or has no such value.
    """
    given = dict(setting.partition("=")[::2] for setting in filter(None, text.split(",")))
    kinds: dict[str, Callable[[str], Any]] = {
        "visits": int,
        "seed": int,
        "breaks": int,
        "load": float,
        "roads": str,
    }
    for name in given:
        if name not in kinds:
            raise ValueError(f"{name!r} is not a setting of a day: {', '.join(kinds)}")
    return generate(Day(**{name: kinds[name](value) for name, value in given.items()}))


def generate(day: Day) -> Instance:
    """The instance of a day."""
    day = day if day.roads else replace(day, roads=default_roads())
    random = np.random.default_rng([day.seed, day.visits])
    visits = [_visit(random, number) for number in range(day.visits)]
    count = _technicians(visits, day)
    shifts = [_shift(random, number, day) for number in range(count)]
    visits = [_servable(random, visit, shifts) for visit in visits]
    there = places(day.roads, day.visits + count, day.seed)
    problem = Problem(
        travel_s=there.seconds, distance_m=there.metres, visits=tuple(visits), shifts=tuple(shifts)
    )
    return Instance(name=day.name, problem=problem, measure=Measure.WEIGHT, note=there.note)


def _technicians(visits: list[Visit], day: Day) -> int:
    """As many as the load says, from the mean hours of a shift."""
    hours = sum(share * (end - start) for (start, end), share in zip(SHIFTS, SHIFT_SHARE, strict=True))
    rest = LUNCH.duration_s * (1 - SHIFT_SHARE[3]) if day.breaks else 0
    work_s = sum(visit.service_s + DRIVE_S for visit in visits)
    return max(1, round(work_s / day.load / (hours * HOUR - rest)))


def _visit(random: np.random.Generator, number: int) -> Visit:
    kind = random.random()
    trade, other = random.choice(len(TRADES), 2, replace=False, p=DEMAND).tolist()
    level = int(random.choice(len(LEVELS), p=LEVELS)) + 1
    skills = {} if kind < 0.1 else {TRADES[trade]: level}
    if kind > 0.93:
        skills[TRADES[other]] = 1
    window, promised = _window(random)
    priority = int(random.choice(PRIORITIES, p=PRIORITY_SHARE)) + promised
    return Visit(
        id=f"V{number + 1}",
        location=number,
        service_s=int(random.choice(MINUTES, p=MINUTES_SHARE)) * 60,
        windows=(window,),
        skills=skills,
        priority=priority,
    )


def _window(random: np.random.Generator) -> tuple[Window, bool]:
    """An arrival window, and whether a customer was told it."""
    kind = random.random()
    if kind < 0.45:
        return TWO_HOURS[random.integers(len(TWO_HOURS))], True
    if kind < 0.75:
        return HALF_DAYS[random.integers(len(HALF_DAYS))], False
    return WHOLE_DAY, False


def _shift(random: np.random.Generator, number: int, day: Day) -> Shift:
    hours = int(random.choice(len(SHIFTS), p=SHIFT_SHARE))
    start, end = (round(hour * HOUR) for hour in SHIFTS[hours])
    home = day.visits + number
    trades = random.choice(len(TRADES), 3, replace=False, p=DEMAND).tolist()
    known = trades[: int(random.choice((1, 2, 3), p=(0.25, 0.45, 0.3)))]
    skills = {TRADES[trade]: int(random.integers(1, 4)) for trade in known}
    skills[TRADES[trades[0]]] = int(random.integers(2, 4))
    return Shift(
        id=f"T{number + 1}",
        technician=f"T{number + 1}",
        start_location=home,
        end_location=home,
        start_s=start,
        end_s=end,
        breaks=(LUNCH,) if day.breaks and end > LUNCH.latest_s else (),
        skills=skills,
    )


def _servable(random: np.random.Generator, visit: Visit, shifts: list[Shift]) -> Visit:
    """The visit with no more skills than somebody holds; a few customers refuse a technician."""
    best: dict[str, int] = {}
    for shift in shifts:
        if all(skill in shift.skills for skill in visit.skills):
            held = {skill: min(level, shift.skills[skill]) for skill, level in visit.skills.items()}
            best = max(best, held, key=lambda skills: sum(skills.values()))
    refused = random.random() < 0.04 and len(shifts) > 3
    unwanted = shifts[int(random.integers(len(shifts)))].technician if refused else None
    return replace(visit, skills=best, not_technicians=frozenset([unwanted] if unwanted else []))
