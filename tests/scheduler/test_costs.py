"""Each soft cost alone, and the order of plans."""

import pytest

from scheduler.costs import evaluate, objective
from scheduler.model import Break, Plan, Weights
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, line, make_plan, make_problem, make_shift, make_visit

NOTHING = {"travel": 0.0, "overtime": 0.0, "lateness": 0.0, "change": 0.0}


def cost(visit, shift, weights, **extra):
    problem = make_problem(
        [make_visit(**visit)], [make_shift(**shift)], weights=Weights(**(NOTHING | weights)), **extra
    )
    return evaluate(problem, make_plan(problem, ana=["V1"]))


@pytest.mark.parametrize(
    ("part", "visit", "shift", "weights", "seconds"),
    [
        ("travel", {}, {}, {"travel": 2.0}, 40 * MINUTE),
        ("travel", {}, {"end_location": None}, {"travel": 1.0}, 10 * MINUTE),
        ("duration", {}, {}, {"duration": 1.0}, 80 * MINUTE),
        ("waiting", {"windows": ((9 * HOUR, 9 * HOUR),)}, {}, {"waiting": 1.0}, 50 * MINUTE),
        ("overtime", {}, {"end_s": 9 * HOUR, "overtime_s": HOUR}, {"overtime": 4.0}, 80 * MINUTE),
        ("lateness", {"due_s": EIGHT, "late_cost_per_h": 60}, {}, {"lateness": 1.0}, 10),
        ("labour", {}, {"cost_per_h": 60}, {}, 80),
        ("preference", {"preferred_technicians": {"ben": 300}}, {}, {}, 300),
        ("preference", {"preferred_technicians": {"ben": 300, "ana": 100}}, {}, {}, 200),
        ("preference", {"preferred_windows": ((0, EIGHT, 90), (EIGHT, 9 * HOUR, 20))}, {}, {}, 70),
        ("fairness", {}, {}, {"fairness": 1.0}, 0),
    ],
)
def test_each_part_alone(part, visit, shift, weights, seconds):
    """A part is its weight times its seconds, and with other weights at 0 it is the whole cost."""
    found = cost(visit, shift, weights)
    assert found[part] == seconds
    assert found["cost"] == seconds


def test_fairness_is_the_gap_between_the_busiest_and_the_idlest():
    """One technician works and drives 80 minutes, the other not at all."""
    team = [make_shift(), make_shift(id="ben/mon", technician="ben")]
    problem = make_problem([make_visit()], team, weights=Weights(**(NOTHING | {"fairness": 1.0})))
    assert evaluate(problem, make_plan(problem, ana=["V1"]))["fairness"] == 80 * MINUTE


def test_change_counts_technicians_and_windows():
    """Another technician and another window count; another time in the same window does not."""
    windows = ((EIGHT, 10 * HOUR), (12 * HOUR, 14 * HOUR))
    team = [
        make_shift(),
        make_shift(id="ben/mon", technician="ben", start_location=2, end_location=2),
        make_shift(id="cho/mon", technician="cho", start_s=11 * HOUR),
    ]
    problem = make_problem(
        [make_visit(windows=windows)], team, weights=Weights(**(NOTHING | {"change": 1.0}))
    )
    plans = {name: make_plan(problem, **{name: ["V1"]}) for name in ("ana", "ben", "cho")}
    counted = {name: evaluate(problem, plan, baseline=plans["ana"])["change"] for name, plan in plans.items()}
    assert counted == {"ana": 0, "ben": 600, "cho": 1200}
    assert evaluate(problem, plans["cho"])["change"] == 0


def test_breaks_do_not_hide_the_drive_home():
    """The drive to the end counts once, whether a break is taken before it or not."""
    rest = Break(earliest_s=9 * HOUR + 10 * MINUTE, latest_s=9 * HOUR + 15 * MINUTE, duration_s=15 * MINUTE)
    found = cost({}, {"breaks": (rest,)}, {"travel": 1.0, "waiting": 1.0})
    assert (found["travel_s"], found["waiting_s"]) == (20 * MINUTE, 0)


def test_distance_is_summed_and_weighed():
    """Metres from the start through the visit to the end, and what they cost; nothing without metres."""
    found = cost({}, {}, {"distance": 0.5}, distance_m=line(6, 100))
    assert (found["distance_m"], found["distance"], found["cost"]) == (200, 100, 100)
    assert cost({}, {}, {"distance": 0.5})["cost"] == 0


def test_drive_home_takes_what_the_profile_says():
    """There and back at the pace of the bicycle."""
    found = cost({}, {"profile": "bike"}, {}, travel_profiles={"bike": line(6, 20 * MINUTE)})
    assert found["travel_s"] == 40 * MINUTE


def test_objective_puts_promised_before_weight_before_cost():
    """One promised visit outweighs any priority, and priority any cost."""
    visits = [
        make_visit(id="A", promised=True),
        make_visit(id="B", priority=50),
        make_visit(id="C", location=5),
    ]
    problem = make_problem(visits)
    ranked = [
        make_plan(problem, ana=["A", "B", "C"]),
        make_plan(problem, ana=["A", "B"]),
        make_plan(problem, ana=["A", "C"]),
        make_plan(problem, ana=["A"]),
        make_plan(problem, ana=["B", "C"]),
        Plan(),
    ]
    keys = [objective(evaluate(problem, plan)) for plan in ranked]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
