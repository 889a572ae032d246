"""The smallest change: applied to the problem it lets the visit in, and a smaller one does not."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings

from scheduler.explain import explain, ways_in, why_not
from scheduler.insertion import place, suggest
from scheduler.lifts import LACKS
from scheduler.model import Break, Pin, Plan
from scheduler.relax import MOST_S, STRETCHES
from scheduler.rules import check
from scheduler.solver import solve
from tests.scheduler.instances import greedy_plan, people, problems
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_plan, make_problem, make_shift, make_visit

BEN = {"id": "ben/mon", "technician": "ben"}
SMALLEST = {"window": "off_s"} | {rule: stretch.number for rule, stretch in STRETCHES.items()}


def with_shift(problem, shift):
    """The problem with another shift of the same id."""
    shifts = tuple(shift if other.id == shift.id else other for other in problem.shifts)
    return replace(problem, shifts=shifts)


def granted(visit, shift, change, less=0):
    """The visit and the shift after the change, or after one that is smaller by `less` seconds."""
    numbers = change.numbers
    if change.rule == "window":
        off_s = numbers["off_s"] - less
        start, end = numbers["window_start_s"] - off_s, numbers["window_end_s"] + off_s
        return replace(visit, windows=(*visit.windows, (start, end))), shift
    if change.rule in STRETCHES:
        stretch = STRETCHES[change.rule]
        return visit, stretch.relaxed(shift, numbers[stretch.number] - less)
    if change.rule == "skill":
        levels = {skill: max(level, shift.skills.get(skill, 0)) for skill, level in visit.skills.items()}
        return visit, replace(shift, skills={**shift.skills, **levels})
    if change.rule == "technician":
        return replace(visit, technicians=None, not_technicians=frozenset()), shift
    if change.rule == "pin":
        return replace(visit, pinned=None), shift
    if change.rule == "tools":
        return visit, replace(shift, tools=shift.tools | visit.tools)
    if change.rule == "parts":
        return visit, replace(shift, parts={**shift.parts, numbers["part"]: numbers["need"]})
    if change.rule == "capacity":
        held = tuple(
            numbers["need"] if dimension == numbers["dimension"] else have
            for dimension, have in enumerate(shift.capacity)
        )
        return visit, replace(shift, capacity=held)
    return visit, replace(shift, max_visits=numbers["visits"])


def places_after(problem, plan, visit, change, less=0):
    """Where the visit fits on the changed shift."""
    asked, shift = granted(visit, problem.shift_by_id[change.shift], change, less)
    changed = with_shift(problem, shift)
    changed = replace(
        changed, visits=tuple(asked if other.id == asked.id else other for other in changed.visits)
    )
    return changed, [found for found in suggest(changed, plan, asked) if found.shift == change.shift]


def test_applied_change_places_the_visit_and_nothing_smaller_does():
    """Every change that is named lets the visit in on that very shift, legally; a second less does not.

    The proof would be empty if changes of these rules had not been found.
    """
    met: Counter[str] = Counter()

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(problems())
    def holds(problem):
        visit = problem.visits[0]
        plan = greedy_plan(problem, keep_out=visit.id)
        possible = {found.shift for found in suggest(problem, plan, visit)}
        for change in why_not(problem, plan, visit).changes:
            met[change.rule] += 1
            assert change.shift not in possible
            changed, found = places_after(problem, plan, visit, change)
            assert found, change
            assert check(changed, place(changed, plan, changed.visit_by_id[visit.id], found[0])) == []
            if change.rule in SMALLEST:
                assert not places_after(problem, plan, visit, change, less=1)[1], change

    holds()
    assert {"window", "shift_end", "shift_start", "skill"} <= set(met)  # the scenes have one of each


@settings(max_examples=100, deadline=None)
@given(problems())
def test_each_shift_has_its_own_smallest_changes(problem):
    """What is told of a shift lets the visit in there, not a second less; the best of all is among it."""
    visit = problem.visits[0]
    plan = greedy_plan(problem, keep_out=visit.id)
    ways = ways_in(problem, plan, visit)
    for shift, findings in ways.items():
        for change in findings:
            assert change.shift == shift
            changed, found = places_after(problem, plan, visit, change)
            assert found, change
            assert check(changed, place(changed, plan, changed.visit_by_id[visit.id], found[0])) == []
            if change.rule in SMALLEST:
                assert not places_after(problem, plan, visit, change, less=1)[1], change
    best = {change.rule: change for change in why_not(problem, plan, visit).changes}
    assert {change.rule for findings in ways.values() for change in findings} == set(best)
    assert all(change in ways[change.shift] for change in best.values())


@settings(max_examples=150, deadline=None)
@given(problems())
def test_nobody_else_needs_less(problem):
    """No other shift lets the visit in with a smaller amount of the same rule."""
    visit = problem.visits[0]
    plan = greedy_plan(problem, keep_out=visit.id)
    refused = {found.shift for found in why_not(problem, plan, visit).refusals}
    for change in why_not(problem, plan, visit).changes:
        if change.rule in SMALLEST:
            for shift_id in refused:
                other = replace(change, shift=shift_id)
                assert not places_after(problem, plan, visit, other, less=1)[1], (change, shift_id)


@pytest.mark.parametrize(
    ("rule", "visit", "shift", "numbers"),
    [
        ("window", {"windows": ((EIGHT, EIGHT + 5 * MINUTE),)}, {}, {"off_s": 5 * MINUTE}),
        ("shift_end", {}, {"end_s": 9 * HOUR}, {"over_s": 20 * MINUTE}),
        (
            "shift_start",
            {"windows": ((EIGHT, EIGHT + 5 * MINUTE),)},
            {},
            {"early_s": 5 * MINUTE},
        ),
        (
            "break",
            {"windows": ((EIGHT, 9 * HOUR),), "service_s": 3 * HOUR},
            {"breaks": (Break(earliest_s=9 * HOUR, latest_s=10 * HOUR, duration_s=HOUR),)},
            {"late_s": HOUR + 10 * MINUTE},
        ),
        ("duration", {}, {"max_duration_s": HOUR}, {"over_s": 20 * MINUTE}),
        ("max_travel", {}, {"max_travel_s": HOUR // 4}, {"over_s": 5 * MINUTE}),
        ("skill", {"skills": {"gas": 3}}, {"skills": {"gas": 1}}, {"skill": "gas", "need": 3, "have": 1}),
        ("technician", {"not_technicians": frozenset({"ana"})}, {}, {"technician": "ana"}),
        ("tools", {"tools": frozenset({"camera"})}, {}, {"tool": "camera"}),
        ("parts", {"parts": {"valve": 2}}, {"parts": {"valve": 1}}, {"part": "valve", "need": 2}),
        ("capacity", {"load": (3,)}, {"capacity": (2,)}, {"dimension": 0, "need": 3, "have": 2}),
        ("max_visits", {}, {"max_visits": 0}, {"visits": 1, "limit": 0}),
        ("pin", {"windows": ((EIGHT, 9 * HOUR),), "pinned": Pin(start_s=EIGHT)}, {}, {}),
    ],
)
def test_each_rule_has_its_smallest_change(rule, visit, shift, numbers):
    """Each rule that can keep a visit off is relaxed alone, as far as it has to be; then it is planned."""
    problem = make_problem([make_visit(**visit)], [make_shift(**shift)])
    change = next(each for each in explain(problem, Plan(), "V1").changes if each.rule == rule)
    assert numbers.items() <= change.numbers.items()
    changed, found = places_after(problem, Plan(), problem.visits[0], change)
    assert check(changed, place(changed, Plan(), changed.visits[0], found[0])) == []
    planned = solve(changed, iterations=1)
    assert check(changed, planned) == []
    assert planned.route_of(change.shift).visit_ids == ("V1",)


def test_every_kind_of_change_is_proved():
    """A kind that is added to the library needs a scene above."""
    (proved,) = (mark for mark in test_each_rule_has_its_smallest_change.pytestmark)
    assert {scene[0] for scene in proved.args[1]} == {"window", *STRETCHES, *LACKS}


@settings(max_examples=120, deadline=None)
@given(problems(restock=True).flatmap(people))
def test_applied_change_places_the_visit_where_parts_are_fetched(problem):
    """The same where vans restock, some technicians are not allowed and somebody works two days."""
    visit = problem.visits[0]
    plan = greedy_plan(problem, keep_out=visit.id)
    for change in why_not(problem, plan, visit).changes:
        changed, found = places_after(problem, plan, visit, change)
        assert found, change
        assert check(changed, place(changed, plan, changed.visit_by_id[visit.id], found[0])) == []


@pytest.mark.parametrize(
    ("rule", "visit", "shift"),
    [
        ("window", {"windows": ((EIGHT, EIGHT + 5 * MINUTE),)}, {}),
        ("shift_end", {"service_s": 9 * HOUR}, {}),
        ("skill", {"skills": {"gas": 1}}, {}),
    ],
)
def test_changes_are_named_beside_a_crew(rule, visit, shift):
    """A crew on the day does not hide what would help another visit, and stays where it is."""
    crew = make_visit(id="crew", crew=2, technicians=frozenset({"ben", "cho"}))
    team = [make_shift(**shift), make_shift(**BEN), make_shift(id="cho/mon", technician="cho")]
    asked = make_visit(**({"technicians": frozenset({"ana"})} | visit))
    problem = make_problem([asked, crew], team)
    plan = solve(problem, iterations=1)
    change = next(each for each in explain(problem, plan, "V1").changes if each.rule == rule)
    changed, found = places_after(problem, plan, asked, change)
    placed = place(changed, plan, changed.visit_by_id["V1"], found[0])
    assert check(changed, placed) == []
    assert placed.route_of("ben/mon") == plan.route_of("ben/mon")


def test_window_that_is_not_offered_is_explained():
    """A wish that is in no problem: who is stopped by what, who needs least, and what nobody holds."""
    busy = make_visit(id="A", service_s=2 * HOUR, windows=((EIGHT, EIGHT + 30 * MINUTE),))
    team = [make_shift(), make_shift(**BEN, skills={"gas": 1})]
    problem = make_problem([busy], team)
    plan = make_plan(problem, ben=["A"])
    wish = make_visit(id="wish", skills={"gas": 1}, windows=((EIGHT, 10 * HOUR),))
    told = why_not(problem, plan, wish)
    assert {found.shift: found.rule for found in told.refusals} == {"ana/mon": "skill", "ben/mon": "window"}
    assert {change.rule: change.shift for change in told.changes} == {
        "window": "ben/mon",
        "skill": "ana/mon",
        "shift_start": "ben/mon",
    }
    assert told.nobody == ()
    told = why_not(problem, plan, replace(wish, skills={"gas": 3}))
    assert [(each.numbers["skill"], each.numbers["need"]) for each in told.nobody] == [("gas", 3)]


def test_change_that_is_out_of_proportion_is_not_named():
    """Nobody is asked to stay more than eight hours longer, or to have left home before now."""
    long = make_visit(service_s=8 * HOUR + MOST_S + HOUR)
    assert "shift_end" not in {c.rule for c in why_not(make_problem([]), Plan(), long).changes}
    now = make_problem([], [make_shift(available_s=9 * HOUR)])
    early = make_visit(windows=((EIGHT, 9 * HOUR),))
    assert {c.rule for c in why_not(now, Plan(), early).changes} == {"window"}
