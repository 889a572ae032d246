"""The instances say what their files say, and count as their families do."""

import math

import pytest

from bench.instances import LITERATURE, Measure, load
from bench.instances.instance import Instance, outsourcing_cost
from bench.instances.literature import names
from bench.judge import judge, timed
from scheduler.model import Plan
from scheduler.rules import check
from tests.scheduler.scenes import make_problem, make_shift, make_visit

COUNTS = {"solomon": 20, "homberger": 36, "sdvrptw": 19, "trsp": 21, "strsp": 36}


@pytest.mark.parametrize("family", LITERATURE)
def test_every_instance_of_a_family_can_be_read(data, family):
    """Each has visits and shifts; all of them have a best known value where somebody published one."""
    found = [load(name) for name in names(family)]
    assert len(found) == COUNTS[family]
    assert all(instance.problem.visits and instance.problem.shifts for instance in found)
    without = [instance.name for instance in found if instance.best_known is None]
    published = {"strsp": COUNTS["strsp"], "trsp": 1}
    assert len(without) == published.get(family, 0)


def test_published_solutions_have_their_published_cost(data):
    """Every best known solution of the site-dependent family is legal and counts what its file says."""
    for name in names("sdvrptw"):
        instance = load(name)
        path = (data / "benchmarks" / "sdvrptw" / name.partition(":")[2]).with_suffix(".sol")
        judged = judge(instance.problem, solution(path.read_text(encoding="utf-8")))
        assert (judged.repairs, check(instance.problem, judged.plan)) == (0, [])
        assert instance.value(judged.plan) == instance.best_known


def test_the_order_of_a_published_solution_matters(data):
    """The value is of the plan, not of the file: one of its routes turned around is not even legal."""
    instance = load("sdvrptw:PR01")
    text = (data / "benchmarks/sdvrptw/PR01.sol").read_text(encoding="utf-8")
    orders = solution(text)
    assert timed(instance.problem, "3", orders["3"]) is not None
    assert timed(instance.problem, "3", orders["3"][::-1]) is None


def solution(text):
    """The orders of a solution file: its clients are counted from 1 without the depot."""
    lines = [line for line in text.splitlines() if line.startswith("Route")]
    split = [line.removeprefix("Route #").split(":") for line in lines]
    return {number: [str(int(client) + 1) for client in clients.split()] for number, clients in split}


def test_outsourcing_costs_come_back_from_priorities():
    """For every sum of levels the cost is exact although a priority is a whole number."""
    for levels in range(200):
        exact = 200 + levels**1.5
        assert math.isclose(outsourcing_cost(round(exact)), exact)


def test_the_priorities_of_tasks_are_their_outsourcing_costs(data):
    """Leaving everything out costs what the columns of the file of tasks say."""
    instance = load("strsp:technicians/R101_5x4")
    path = data / "benchmarks/strsp/tasks_noTeam/R101_5x4_noTeam.txt"
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines()[5:] if line.strip()]
    total = sum(200 + sum(map(int, row[8:])) ** 1.5 for row in rows)
    assert len(rows) == len(instance.problem.visits)
    assert math.isclose(instance.value(Plan()), total)


def test_working_time_begins_when_the_van_leaves():
    """Duration counts driving, waiting on the way and work, and not the time before leaving."""
    visits = (
        make_visit(id="a", location=1, service_s=100, windows=((50_000, 60_000),)),
        make_visit(id="b", location=2, service_s=100, windows=((61_000, 62_000),)),
    )
    early = make_problem(visits, [make_shift(end_s=90_000)])
    late = make_problem(visits, [make_shift(end_s=90_000, available_s=59_400)])
    shift = early.shifts[0].id
    durations = {}
    for problem in (early, late):
        plan = judge(problem, {shift: ["a", "b"]}).plan
        durations[problem is late] = Instance(name="x:y", problem=problem, measure=Measure.DURATION).value(
            plan
        )
    drives = 600 + 600 + 1200
    assert durations == {
        False: (61_000 - 28_800) + 100 + 1200,
        True: drives + 100 + 100 + (61_000 - 60_000 - 100 - 600),
    }
