"""Every field of a problem in every place that must know it, against the best plan that brute force finds."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from scheduler.costs import evaluate, objective
from scheduler.insertion import place, suggest, without_visit
from scheduler.links import held_routes, linked_ids
from scheduler.model import Plan, Shift, Visit, Weights
from scheduler.rules import check
from scheduler.solver import solve
from scheduler.timeline import schedule_visits
from tests.scheduler.brute import best
from tests.scheduler.field_scenes import SCENES
from tests.scheduler.scenes import make_shift, make_visit

HELPERS = frozenset({"dee", "eve"})


NAMES = {"id", "technician", "location", "start_location", "service_s"}  # what no problem can do without
TABLE = Path(__file__).parents[2] / "docs" / "scheduler.md"


def test_the_table_of_the_guide_has_every_field_and_rule():
    """A field or a rule that is added needs a row that says where it is handled, and so a scene."""
    rows = [line.split("|")[1] for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    told = set(re.findall(r"[a-z_]+", " ".join(rows)))
    own = {each.name for kind in (Visit, Shift, Weights) for each in fields(kind)} - NAMES
    rules = {SCENES[name]().rule for name in SCENES} - {None}
    assert own <= told
    assert rules <= told


@pytest.fixture(params=SCENES)
def scene(request):
    return SCENES[request.param]()


def judged(problem, plan, baseline=None):
    return objective(evaluate(problem, plan, baseline=baseline))


def test_the_field_matters(scene):
    """Control: the best plan without the field breaks just its rule, in words, or is dearer than need be."""
    _, blind = best(scene.without, scene.starts, scene.baseline)
    violations = check(scene.problem, blind)
    assert {found.rule for found in violations} == scene.rules
    for found in violations:
        assert found.text.endswith(".")
        assert found.numbers
    if scene.rule is None:
        found, _ = best(scene.problem, scene.starts, scene.baseline)
        assert judged(scene.problem, blind, scene.baseline) > found


@pytest.mark.parametrize("engine", ["local", "routing", "auto"])
def test_engine_finds_the_best_plan(scene, engine):
    """Each engine's plan passes the judge and costs what the best of all orders costs."""
    plan = solve(scene.problem, scene.baseline, iterations=2, engine=engine)
    assert check(scene.problem, plan) == []
    assert objective(plan.cost) == best(scene.problem, scene.starts, scene.baseline)[0]


def test_best_plan_beside_a_crew(scene):
    """The field is honoured where CP-SAT has its turn: with a crew of two others the rest costs the same."""
    problem = scene.problem
    crew = make_visit(id="crew", location=0, service_s=0, crew=2, technicians=frozenset(HELPERS))
    visits = [replace(visit, not_technicians=visit.not_technicians | HELPERS) for visit in problem.visits]
    team = [make_shift(id=f"{name}/mon", technician=name) for name in sorted(HELPERS)]
    both = replace(problem, visits=(*visits, crew), shifts=(*problem.shifts, *team))
    plan = solve(both, scene.baseline, iterations=2)
    assert check(both, plan) == []
    assert {route.shift for route in plan.routes if "crew" in route.visit_ids} == {"dee/mon", "eve/mon"}
    if not problem.weights.fairness:  # the helpers are the idlest there
        assert objective(plan.cost) == best(problem, scene.starts, scene.baseline)[0]


def insertions(problem, plan, visit):
    """Every legal plan with the visit put in somewhere, the others in their order."""
    orders = held_routes(problem, plan.routes)
    for row, shift in enumerate(problem.shifts):
        for position in range(len(orders[row]) + 1):
            for window in visit.windows or (None,):
                single = visit if window is None else replace(visit, windows=(window,))
                order = (*orders[row][:position], single, *orders[row][position:])
                route = schedule_visits(problem, shift, order)
                if route is not None:
                    others = (each for each in plan.routes if each.shift != shift.id)
                    found = Plan(routes=(*others, route))
                    if not check(problem, found):
                        yield found


def test_suggest_is_exact(scene):
    """Taken out of the best plan, a visit is offered where trying every position finds it cheapest."""
    problem = replace(scene.problem, weights=replace(scene.problem.weights, fairness=0.0))
    _, plan = best(problem, scene.starts)
    for visit in problem.visits:
        left = without_visit(problem, plan, visit.id)
        if check(problem, left):
            continue  # others hang on it
        offered = [place(problem, left, visit, found) for found in suggest(problem, left, visit)]
        assert all(check(problem, each) == [] for each in offered)
        if visit.id not in linked_ids(problem):
            tried = {judged(problem, each) for each in insertions(problem, left, visit)}
            assert {judged(problem, each) for each in offered} == tried
