"""The benchmarks of a page's answers run, and their plain loop agrees with `Slots`."""

import pytest

from bench.explain_speed import run as explanations
from bench.repair_bars import book
from bench.suggest_speed import lines, measure
from scheduler.model import Plan
from scheduler.repair import repair
from tests.scheduler.scenes import EIGHT, HOUR, make_plan, make_problem, make_visit


@pytest.mark.parametrize("overtime_s", [0, 3600])
def test_the_plain_loop_finds_the_same(overtime_s):
    """A second way to the same answer: `measure` raises when the loop and `Slots` disagree."""
    speed = measure(4, overtime_s)
    assert 0 < speed.offered <= speed.windows
    assert speed.positions <= speed.routes * 9
    assert lines([]) == [lines([])[0]]


def test_explanations_are_timed_on_a_full_day(capsys):
    """All three kinds are measured, and changes are found at all."""
    took = explanations(count=4)
    assert set(took) == {"placed visit", "unplaced visit", "window not offered"}
    assert " 0 changes named" not in capsys.readouterr().out


def test_an_offer_that_cannot_be_booked_is_noticed():
    """Booking an offer on another plan than it was made for drops somebody, and is no success."""
    visits = [make_visit(id="A"), make_visit(id="B")]
    problem = make_problem(visits)
    plan = make_plan(problem, ana=["A", "B"])
    wish = make_visit(id="wish", windows=((EIGHT, 17 * HOUR),))
    (place,) = repair(problem, plan, wish, [(EIGHT, 17 * HOUR)], seconds=1)
    book(problem, plan, wish, place)
    (alone,) = repair(problem, Plan(), wish, [(EIGHT, 17 * HOUR)], seconds=1)
    with pytest.raises(AssertionError, match="the offer is not one"):
        book(problem, plan, wish, alone)
