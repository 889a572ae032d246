"""The demo company's catalogue: complete, and its own customers' answers fit its questions."""

from __future__ import annotations

import json
from itertools import product

import pytest

from fieldservice.booking.catalogue import write_catalogue
from fieldservice.booking.catalogue_text import read_catalogue
from fieldservice.booking.checks import follow
from fieldservice.booking.intake import evaluate
from fieldservice.demo.catalogue import OFFERS, SKILLS, TRADES, Offer, written_about
from fieldservice.models import Ending, Service, Skill
from fieldservice.paths import STATIC

BY_CODE = pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.code)


def written(offer: Offer) -> Service:
    """The service with all that is written about it."""
    service = Service(code=offer.code, name=offer.name, icon=offer.icon)
    write_catalogue(
        service, written_about(offer.code), {code: Skill(code=code, name=code) for code in SKILLS}
    )
    return service


@BY_CODE
def test_each_service_has_everything(offer: Offer) -> None:
    """Questions, first checks, common questions, and a picture of our own."""
    service = written(offer)
    assert len(service.intake_questions) >= 2
    assert service.first_checks
    assert len(service.faq) >= 2
    pictures = json.loads((STATIC / "vendor" / "manifest.json").read_text(encoding="utf-8"))["pictures"]
    assert service.icon in pictures


@BY_CODE
def test_no_question_keeps_a_known_problem_from_four_screens(offer: Offer) -> None:
    """Nothing is required on the first screen but the service."""
    assert not any(question.required for question in written(offer).intake_questions)


@BY_CODE
def test_what_demo_customers_say_can_be_said(offer: Offer) -> None:
    """Their symptoms are options, and none of them is an emergency that nobody can book."""
    for symptom in offer.symptoms:
        found = evaluate(written(offer).intake_questions, {"symptoms": [symptom]})
        assert [said["answer"] for said in found.said] == [[symptom]]
        assert found.call_us is None


@BY_CODE
def test_somebody_can_do_whatever_is_answered(offer: Offer) -> None:
    """For each skill that any answer asks for, together with the service's own, there is a technician."""
    for question in written(offer).intake_questions:
        for effect in question.effects:
            if effect.skill is not None:
                needs = {**offer.skills, effect.skill.code: effect.amount}
                assert any(all(trade.get(s, 0) >= n for s, n in needs.items()) for trade in TRADES)


@BY_CODE
def test_the_checks_can_solve_it_and_always_end(offer: Offer) -> None:
    """Each combination of answers ends, some of them without a visit and some in one."""
    steps = written(offer).first_checks
    endings = {
        follow(steps, dict(zip([step.code for step in steps], answers, strict=True))).ending
        for answers in product(("yes", "no"), repeat=len(steps))
    }
    assert None not in endings
    assert {Ending.SOLVED, Ending.BOOK} <= endings


@BY_CODE
def test_it_can_be_shown_and_written_again(offer: Offer) -> None:
    """What `catalogue show` prints is what `catalogue write` reads, unchanged."""
    assert read_catalogue(written(offer)) == written_about(offer.code)
