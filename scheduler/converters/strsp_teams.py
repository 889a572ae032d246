"""Teams for the day: who goes together, when tasks need several technicians whose levels count jointly.

The article forms teams and routes at once. A problem has shifts instead, so the teams are formed here by
insertion: the most demanding task first, each at the cheapest place of the routes so far, where a team may
recruit technicians who are still free or a new team may begin. How dear a recruit is decides between few
large and many small teams; several prices are tried and the one with the least travel and outsourcing is
kept. Every plan with these teams is one of the article's problem; other teams may allow better ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduler.model import Matrix, Visit

Counts = NDArray[np.int64]
"""By domain and level, how many technicians a task needs or a team has; of at least that level."""
RECRUIT_PRICES = (0.0, 0.2, 0.5, 1.0, 2.0)
"""What recruiting one technician costs, in parts of the mean drive between two places."""
NO_TEAM = float("inf")


@dataclass(slots=True)
class Team:
    """Members by number, what they have jointly, and the tasks of a first route, by number."""

    members: list[int] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Tasks with what they need, and technicians with what they count for; all from and to location 0.

    Parameters
    ----------
    visits
        With one window each; their locations are rows of `travel_s`.
    needs
        For each visit.
    technicians
        For each technician the counts of a team of him alone.
    day
        When the routes begin and must be over.
    """

    visits: Sequence[Visit]
    needs: Sequence[Counts]
    technicians: Sequence[Counts]
    travel_s: Matrix
    day: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Offer:
    cost: float
    team: Team
    position: int
    recruits: list[int]


def form_teams(work: Work) -> list[Team]:
    """Disjoint teams that cover the work well; who is left over is a team alone.

    Parameters
    ----------
    work
        Every task with one window.

    Returns
    -------
    list of Team
        Every technician is in exactly one of them.
    """
    mean = float(work.travel_s.mean()) if work.travel_s.size else 0.0
    plans = [_insert_all(work, price * mean) for price in RECRUIT_PRICES]
    teams = min(plans, key=lambda plan: _cost(work, plan))
    busy = {member for team in teams for member in team.members}
    alone = (Team([number]) for number in range(len(work.technicians)) if number not in busy)
    return [*teams, *alone]


def joint(work: Work, members: Sequence[int]) -> Counts:
    """What technicians have together."""
    total: Counts = np.sum([work.technicians[number] for number in members], axis=0, dtype=np.int64)
    return total


def _cost(work: Work, teams: Sequence[Team]) -> float:
    """Seconds of travel, and for each task left out the most a detour could cost, by its priority."""
    served = {task for team in teams for task in team.tasks}
    dearest = float(work.travel_s.max(initial=1))
    left = sum(visit.priority for number, visit in enumerate(work.visits) if number not in served)
    return left * dearest + sum(_travel_s(work, team.tasks) for team in teams)


def _travel_s(work: Work, tasks: Sequence[int]) -> int:
    places = [0, *(work.visits[task].location for task in tasks), 0]
    return sum(int(work.travel_s[pair]) for pair in zip(places, places[1:], strict=False))


def _insert_all(work: Work, price: float) -> list[Team]:
    teams: list[Team] = []
    free = list(range(len(work.technicians)))
    for task in sorted(range(len(work.visits)), key=lambda number: -int(work.needs[number].sum())):
        offers = [offer for team in (*teams, Team()) for offer in _offers(work, team, task, free, price)]
        if not offers:
            continue
        best = min(offers, key=lambda offer: offer.cost)
        if best.team not in teams:
            teams.append(best.team)
        best.team.tasks.insert(best.position, task)
        best.team.members.extend(best.recruits)
        free = [number for number in free if number not in best.recruits]
    return teams


def _offers(work: Work, team: Team, task: int, free: Sequence[int], price: float) -> Iterator[_Offer]:
    """The cheapest place of a task on a team's route, if the team can be made able to do it."""
    added, position = _cheapest_place(work, team.tasks, task)
    if added == NO_TEAM:
        return
    recruits = _recruits(work, team.members, task, free)
    if recruits is not None:
        yield _Offer(added + price * len(recruits), team, position, recruits)


def _recruits(work: Work, members: Sequence[int], task: int, free: Sequence[int]) -> list[int] | None:
    """Few free technicians who give a team what a task needs: again and again who brings most of it."""
    missing = np.maximum(work.needs[task] - (joint(work, members) if members else 0), 0)
    chosen: list[int] = []
    while missing.any():
        rest = [number for number in free if number not in chosen]
        gains = {number: _gain(work, missing, number) for number in rest}
        best = max(gains, key=lambda number: gains[number], default=None)
        if best is None or gains[best][0] == 0:
            return None
        chosen.append(best)
        missing = np.maximum(missing - work.technicians[best], 0)
    return chosen


def _gain(work: Work, missing: Counts, number: int) -> tuple[int, int]:
    """How much of what is missing a technician brings; on a tie the least able."""
    brings = work.technicians[number]
    return int(np.minimum(missing, brings).sum()), -int(brings.sum())


def _cheapest_place(work: Work, tasks: Sequence[int], task: int) -> tuple[float, int]:
    """Seconds of travel that a task adds at its best feasible position, which may not exist."""
    before = _travel_s(work, tasks)
    best: tuple[float, int] = (NO_TEAM, 0)
    for position in range(len(tasks) + 1):
        order = [*tasks[:position], task, *tasks[position:]]
        added = _travel_s(work, order) - before
        if added < best[0] and _in_time(work, order):
            best = added, position
    return best


def _in_time(work: Work, order: Sequence[int]) -> bool:
    time, end = work.day
    place = 0
    for number in order:
        visit = work.visits[number]
        opens, closes = visit.windows[0]
        time = max(opens, time + int(work.travel_s[place, visit.location]))
        if time > closes:
            return False
        time, place = time + visit.service_s, visit.location
    return time + int(work.travel_s[place, 0]) <= end
