"""Other solvers' orders become legal plans, and what had to be changed is counted."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bench.instances.days import Day, generate
from bench.instances.roads import ESTIMATE
from bench.judge import judge, timed
from bench.paths import ROOT
from bench.peers import PEERS, Search, Unsupported, peer
from bench.peers.common import servers
from scheduler.costs import evaluate
from scheduler.model import Plan, Problem, Restock, Route
from scheduler.rules import check
from scheduler.timeline import project

PROBLEM = generate(Day(visits=30, seed=2, breaks=1, roads=ESTIMATE)).problem


def greedy_orders(problem: Problem) -> dict[str, list[str]]:
    """Each visit at the end of the first route that has time for it."""
    orders: dict[str, list[str]] = {shift.id: [] for shift in problem.shifts}
    for visit in sorted(problem.visits, key=lambda each: each.windows):
        for order in orders.items():
            if timed(problem, order[0], [*order[1], visit.id]) is not None:
                order[1].append(visit.id)
                break
    return orders


def test_legal_orders_are_left_alone():
    """The plan has exactly the orders that were given."""
    orders = greedy_orders(PROBLEM)
    judged = judge(PROBLEM, orders)
    assert judged.repairs == 0
    assert {route.shift: list(route.visit_ids) for route in judged.plan.routes} == {
        shift: order for shift, order in orders.items() if order
    }
    assert check(PROBLEM, judged.plan) == []


def test_broken_orders_are_repaired_and_counted():
    """Orders turned around break windows, as check says; what comes out does not, and the count says so."""
    orders = {shift: order[::-1] for shift, order in greedy_orders(PROBLEM).items()}
    broken = Plan(routes=tuple(project(PROBLEM, shift, order) for shift, order in orders.items() if order))
    assert {violation.rule for violation in check(PROBLEM, broken)} >= {"window"}
    judged = judge(PROBLEM, orders)
    assert judged.repairs > 0
    assert check(PROBLEM, judged.plan) == []


def test_a_visit_that_was_taken_out_is_put_where_there_is_room():
    """Everything given to one technician: what does not fit goes to the others, not out of the plan."""
    orders = greedy_orders(PROBLEM)
    first = PROBLEM.shifts[0].id
    heap = {first: [visit for order in orders.values() for visit in order]}
    judged = judge(PROBLEM, heap)
    assert check(PROBLEM, judged.plan) == []
    assert judged.repairs > 5
    assert len([route for route in judged.plan.routes if route.stops]) > 1


def test_somebody_without_the_skill_is_not_a_server():
    """The sets that all peers are told agree with the judge, visit by visit and shift by shift."""
    for visit, allowed in zip(PROBLEM.visits, servers(PROBLEM), strict=True):
        for number, shift in enumerate(PROBLEM.shifts):
            route = project(PROBLEM, shift.id, [visit.id])
            rules = {violation.rule for violation in check(PROBLEM, Plan(routes=(route,)))}
            assert (number in allowed) == (not rules & {"skill", "technician"})


@pytest.mark.parametrize("engine", ["ortools-gls", "ortools-ils"])
def test_a_peer_answers_with_a_plan_that_is_judged(engine):
    """OR-Tools' two searches serve more than half of a small day, legally, whatever they think of breaks."""
    orders = peer(engine)(PROBLEM, Search(seconds=1.0, seed=1))
    judged = judge(PROBLEM, orders)
    assert check(PROBLEM, judged.plan) == []
    assert evaluate(PROBLEM, judged.plan)["unassigned"] < 15


def test_a_peer_refuses_what_it_cannot_express():
    """A crew or a place to restock is named instead of being left out of the model."""
    crew = replace(PROBLEM, visits=(replace(PROBLEM.visits[0], crew=2),))
    with pytest.raises(Unsupported, match="crew"):
        peer("ortools-gls")(crew, Search(seconds=1.0, seed=1))
    restock = replace(PROBLEM, restock=Restock(location=0, service_s=0))
    with pytest.raises(Unsupported, match="restock"):
        peer("ortools-gls")(restock, Search(seconds=1.0, seed=1))


@pytest.mark.parametrize("engine", sorted(set(PEERS) - {"ortools-gls", "ortools-ils"}))
def test_the_installed_peers_answer(engine):
    """VROOM and PyVRP, where their environment was made, give a legal plan of a day without breaks."""
    python = ROOT / ".venv-bench" / "bin" / "python"
    if not python.exists() or shutil.which(str(python)) is None:
        pytest.skip("make bench-smoke installs the other solvers")
    name = Day(visits=25, seed=4, breaks=0, roads=ESTIMATE).name
    command = [python, "-m", "bench.worker", name, engine, "--seconds=1", "--threads=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert '"violations": []' in done.stdout
    assert '"repairs": 0' in done.stdout


def test_an_empty_answer_is_an_empty_plan():
    """Nothing planned is no violation, and counts as everything unserved."""
    judged = judge(PROBLEM, {})
    assert judged.plan == Plan(routes=())
    assert Route(shift="x", stops=()).visit_ids == ()
    assert evaluate(PROBLEM, judged.plan)["unassigned"] == len(PROBLEM.visits)


def test_the_bench_is_no_part_of_the_product():
    """Nothing that is shipped imports the benchmarks."""
    for package in ("fieldservice", "scheduler"):
        for path in (ROOT / package).rglob("*.py"):
            assert "from bench" not in Path(path).read_text(encoding="utf-8"), path
