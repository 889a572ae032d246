"""The converters on the files that others published: all of them convert, load and can be solved."""

from pathlib import Path

import pytest

from scheduler.converters import CONVERTERS
from scheduler.costs import evaluate
from scheduler.formats import problem_from_json, problem_to_json
from scheduler.model import Plan
from scheduler.rules import check
from scheduler.solver import solve
from scheduler.timeline import schedule


def files_of(benchmarks, source) -> list[list[Path]]:
    """The arguments of every conversion of a format, the smallest instances first."""
    patterns = {"solomon": "vrptw/*[0-9].txt", "sdvrptw": "sdvrptw/*.vrp", "trsp": "trsp/*.xml"}
    if source != "strsp":
        return sorted(
            ([path] for path in benchmarks.glob(patterns[source])), key=lambda it: it[0].stat().st_size
        )
    staff = sorted(benchmarks.glob("strsp/technicians*_noTeam/*.txt"), key=lambda path: path.stat().st_size)
    tasks = benchmarks / "strsp/tasks_noTeam"
    return [[tasks / path.name.removeprefix("technicians_"), path] for path in staff]


def times_of(benchmarks, path) -> Path:
    """The Solomon file that a TRSP instance was made from."""
    return benchmarks / "vrptw" / f"{path.name.split('.')[0]}.txt"


@pytest.mark.parametrize(("source", "count"), [("solomon", 56), ("strsp", 24), ("trsp", 30)])
def test_the_whole_folder_converts(benchmarks, source, count):
    """Every file becomes a problem with visits and shifts."""
    found = files_of(benchmarks, source)
    assert len(found) == count
    for files in found:
        problem = CONVERTERS[source](files)
        assert problem.visits
        assert problem.shifts


@pytest.mark.parametrize("source", ["solomon", "sdvrptw", "strsp", "trsp"])
def test_the_smallest_loads_and_is_solved(benchmarks, source):
    """The problem survives its JSON, and a short search finds a plan that breaks no rule of it."""
    problem = CONVERTERS[source](files_of(benchmarks, source)[0])
    loaded = problem_from_json(problem_to_json(problem)).problem
    assert (loaded.visits, loaded.shifts) == (problem.visits, problem.shifts)
    assert (loaded.restock, loaded.weights) == (problem.restock, problem.weights)
    assert (loaded.travel_s == problem.travel_s).all()
    plan = solve(problem, iterations=1)
    assert check(problem, plan) == []
    assert plan.cost["unassigned"] < len(problem.visits) / 2


def test_times_of_trsp_come_from_solomon(benchmarks):
    """Each instance whose Solomon file is there has its customers as requests, in order and place."""
    pairs = [(path, times_of(benchmarks, path)) for (path,) in files_of(benchmarks, "trsp")]
    pairs = [(path, times) for path, times in pairs if times.exists()]
    assert len(pairs) == 21
    for path, times in pairs:
        problem, customers = CONVERTERS["trsp"]([path, times]), CONVERTERS["solomon"]([times])
        assert [visit.service_s for visit in problem.visits] == [v.service_s * 100 for v in customers.visits]
        assert all(len(visit.windows) == 1 for visit in problem.visits)


def test_teams_are_disjoint_and_can_do_what_they_are_for(benchmarks):
    """Everybody is in exactly one team; a team's skills are counts of its members; every task has a team."""
    for tasks in sorted(benchmarks.glob("strsp/tasks_Team/*.txt")):
        staff = benchmarks / f"strsp/technicians_Team/technicians_{tasks.name.split('_')[1]}_Team.txt"
        problem = CONVERTERS["strsp"]([tasks, staff])
        levels = technicians(staff)
        members = [name for shift in problem.shifts for name in shift.id.split("+")]
        assert sorted(members) == sorted(levels)
        for shift in problem.shifts:
            team = [levels[name] for name in shift.id.split("+")]
            for skill, count in shift.skills.items():
                domain, level = int(skill[1]), int(skill[2])
                assert count == sum(each[domain - 1] >= level for each in team)
        assert [visit.id for visit in problem.visits if not able(problem, visit)] == []


def able(problem, visit):
    """The teams that have what a visit needs."""
    return [
        shift.id
        for shift in problem.shifts
        if all(shift.skills.get(skill, 0) >= count for skill, count in visit.skills.items())
    ]


def technicians(staff: Path) -> dict[str, list[int]]:
    """The levels of each technician of a file, by domain."""
    lines = staff.read_text(encoding="utf-8").partition("ID")[2].splitlines()[1:]
    return {line.split()[0]: [int(level) for level in line.split()[1:]] for line in lines if line.strip()}


def test_best_known_plans_of_sdvrptw(benchmarks):
    """All best known solutions are legal in the converted problems and cost exactly what their files say."""
    found = files_of(benchmarks, "sdvrptw")
    assert len(found) == 19
    for (path,) in found:
        problem = CONVERTERS["sdvrptw"]([path])
        *lines, cost = path.with_suffix(".sol").read_text().split("\n")[: len(problem.shifts) + 1]
        orders = {line.split(":")[0][7:]: line.split(":")[1].split() for line in lines}
        plan = Plan(
            routes=tuple(
                schedule(problem, vehicle, [str(int(client) + 1) for client in clients])
                for vehicle, clients in orders.items()
                if clients
            )
        )
        assert check(problem, plan) == []
        total = evaluate(problem, plan)
        assert (total["unassigned"], total["travel_s"]) == (0, int(cost.removeprefix("Cost:")))
