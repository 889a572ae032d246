"""First checks: each way through them ends, and where its answers say."""

from __future__ import annotations

from itertools import product

import pytest

from fieldservice.booking.checks import Way, follow, said
from fieldservice.models import Ending, TroubleshootingStep


def step(code: str, yes: str = "solved", no: str = "next", advice: str = "") -> TroubleshootingStep:
    """A check."""
    return TroubleshootingStep(
        code=code, title=f"Check {code}", question="Does it work?", on_yes=yes, on_no=no, advice=advice
    )


STEPS = [
    step("power"),
    step("water", yes="next", no="valve"),
    step("reset"),
    step("valve", yes="book", no="call_us", advice="Shut the main valve."),
]


def test_it_begins_with_the_first_check() -> None:
    """Before any answer."""
    assert follow(STEPS, {}) == Way(step=STEPS[0])


def test_an_answer_may_solve_it() -> None:
    """The rest is not asked."""
    way = follow(STEPS, {"power": "yes"})
    assert way.ending == Ending.SOLVED
    assert way.last == STEPS[0]
    assert way.advice is None


def test_an_answer_may_skip_checks() -> None:
    """To the code that it names."""
    assert follow(STEPS, {"power": "no", "water": "no"}).step == STEPS[3]
    assert follow(STEPS, {"power": "no", "water": "yes"}).step == STEPS[2]


def test_an_answer_may_say_call_us() -> None:
    """With the advice of the check."""
    way = follow(STEPS, {"power": "no", "water": "no", "valve": "no"})
    assert way.ending == Ending.CALL_US
    assert way.advice == "Shut the main valve."


def test_after_the_last_check_a_visit_is_booked() -> None:
    """Checks that lead nowhere further do not keep anybody from booking."""
    assert follow([step("power")], {"power": "no"}).ending == Ending.BOOK
    assert follow([step("power", no="gone")], {"power": "no"}).ending == Ending.BOOK


def test_without_checks_there_is_no_ending() -> None:
    """Nothing was tried, so nothing is counted."""
    assert follow([], {"power": "no"}) == Way()


def test_only_answers_on_the_way_are_kept_with_the_visit() -> None:
    """Who went back and took another way did not say what lies beside it."""
    tried = {"power": "no", "water": "no", "reset": "no", "valve": "yes"}
    way = follow(STEPS, tried)
    assert [entry["code"] for entry in said(way, tried)] == ["power", "water", "valve"]
    assert said(way, tried)[0]["question"] == "Check power: Does it work?"


@pytest.mark.parametrize("answers", list(product(("yes", "no"), repeat=4)))
def test_every_way_ends(answers: tuple[str, ...]) -> None:
    """Whatever is answered everywhere."""
    tried = dict(zip([check.code for check in STEPS], answers, strict=True))
    assert follow(STEPS, tried).ending is not None
