"""Why here, why not there, and the smallest change that would let a visit in."""

import pytest

from scheduler.explain import explain, reasons
from scheduler.model import Pin, Plan
from tests.scheduler.scenes import EIGHT, HOUR, MINUTE, make_plan, make_problem, make_shift, make_visit

BEN = {"id": "ben/mon", "technician": "ben"}


def changes(problem, plan, visit_id="V1"):
    return {change.rule: change for change in explain(problem, plan, visit_id).changes}


def test_placed_visit_tells_what_holds_and_who_is_next():
    """The rules looked at, what the visit costs here, and the next best technician with the cost."""
    visit = make_visit(skills={"gas": 1}, windows=((EIGHT, 12 * HOUR),))
    team = [
        make_shift(skills={"gas": 2}),
        make_shift(**BEN, skills={"gas": 1}, start_location=3, end_location=3),
    ]
    problem = make_problem([visit], team)
    told = explain(problem, make_plan(problem, ana=["V1"]), "V1")
    assert told.shift == "ana/mon"
    assert [finding.rule for finding in told.holds] == ["skill", "window", "shift_end", "travel", "start"]
    assert told.holds[0].numbers == {"skill": "gas", "need": 1, "have": 2}
    assert told.added_cost == 20 * MINUTE
    assert [(place.technician, place.added_cost) for place in told.alternatives] == [("ben", 40 * MINUTE)]


def test_placed_visit_tells_why_it_starts_then():
    """First of the shift, after the one before, when its window opens, or where it is pinned."""
    late = {"windows": ((12 * HOUR, 13 * HOUR),)}
    visits = [make_visit(), make_visit(id="V2"), make_visit(id="V3", **late)]
    visits.append(make_visit(id="V4", pinned=Pin(start_s=15 * HOUR)))
    problem = make_problem(visits)
    plan = make_plan(problem, ana=["V1", "V2", "V3", "V4"])
    because = {
        name: next(found for found in explain(problem, plan, name).holds if found.rule == "start")
        for name in ("V1", "V2", "V3", "V4")
    }
    assert [found.numbers["because"] for found in because.values()] == ["first", "follows", "opens", "pinned"]
    assert because["V3"].text == f"It starts at {12 * HOUR}: its window opens then."


def test_longer_shift_would_help():
    """The shift that has to end least later is named, with the seconds."""
    team = [make_shift(end_s=9 * HOUR), make_shift(**BEN, end_s=9 * HOUR + 5 * MINUTE)]
    change = changes(make_problem([make_visit()], team), Plan())["shift_end"]
    assert (change.technician, change.numbers["over_s"]) == ("ben", 15 * MINUTE)
    assert change.text == "ben could take it if the shift ended 900 s later."


def test_other_window_would_help():
    """The nearest possible start outside the window is named."""
    visit = make_visit(windows=((EIGHT, EIGHT + 5 * MINUTE),))
    change = changes(make_problem([visit]), Plan())["window"]
    assert (change.numbers["start_s"], change.numbers["off_s"]) == (EIGHT + 10 * MINUTE, 5 * MINUTE)


def test_skill_or_technician_would_help():
    """Lifting one rule at a time shows who could come then; two rules at once are not lifted."""
    visit = make_visit(skills={"gas": 3}, not_technicians=frozenset({"ben"}))
    team = [make_shift(skills={"gas": 2}), make_shift(**BEN, skills={"gas": 3})]
    found = changes(make_problem([visit], team), Plan())
    assert {rule: change.technician for rule, change in found.items()} == {
        "skill": "ana",
        "technician": "ben",
    }
    both = make_visit(skills={"gas": 3}, technicians=frozenset({"cho"}))
    assert changes(make_problem([both], team[:1]), Plan()) == {}


def test_unplaced_visit_that_fits_has_alternatives():
    """A visit that merely was not placed is told where it fits."""
    told = explain(make_problem([make_visit()]), Plan(), "V1")
    assert [place.shift for place in told.alternatives] == ["ana/mon"]
    assert told.refusals == ()


def test_unknown_visit_is_refused():
    """There is nothing to say about a visit that does not exist."""
    with pytest.raises(ValueError, match="there is no visit 'V9'"):
        explain(make_problem([]), Plan(), "V9")


def test_reasons_are_gathered_by_rule():
    """One sentence a rule, naming the technicians; many are counted."""
    team = [make_shift(id=f"t{n}", technician=f"t{n}") for n in range(5)]
    team.append(make_shift(**BEN, skills={"gas": 1}, end_s=9 * HOUR))
    visit = make_visit(skills={"gas": 1})
    problem = make_problem([visit], team)
    assert reasons(problem, Plan(), [visit], seconds=5)["V1"] == (
        "t0, t1, t2 and 2 more lack a skill or its level",
        "the shift of ben would have to end later",
    )
    assert reasons(problem, Plan(), [visit], seconds=0)["V1"] == ("the search ended before it was placed",)
