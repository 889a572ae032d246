"""What answers come to: one pure function, each rule alone, on rows that no database has seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldservice.booking.catalogue import write_catalogue
from fieldservice.booking.intake import SHORTEST, Findings, evaluate
from fieldservice.models import IntakeQuestion, Place, Service, ServiceSkill, Skill

GAS, OIL = Skill(code="gas", name="Gas"), Skill(code="oil", name="Oil")
QUESTIONS: list[dict[str, Any]] = [
    {
        "code": "symptoms",
        "kind": "chips",
        "label": "What is happening?",
        "options": [
            {"code": "cold", "label": "No heat", "effects": [{"priority": 40}, {"part": "Igniter"}]},
            {"code": "leak", "label": "Leaking", "effects": [{"part": "Seal kit"}, {"more_time": 15}]},
            {
                "code": "gas",
                "label": "Smell of gas",
                "effects": [{"call_us": "Leave the building."}],
            },
            "Noise",
        ],
    },
    {
        "code": "fuel",
        "kind": "choice",
        "label": "What does it burn?",
        "options": ["Gas", {"code": "oil", "label": "Oil", "effects": [{"skill": "oil", "level": 2}]}],
        "effects": [{"answer": "Gas", "skill": "gas", "level": 3}],
    },
    {
        "code": "flat",
        "kind": "yesno",
        "label": "Is it a flat?",
        "required": True,
        "effects": [{"answer": "yes", "duration": 30}, {"answer": "no", "duration": 90}],
    },
    {
        "code": "radiators",
        "kind": "number",
        "label": "How many radiators?",
        "unit": "radiators",
        "effects": [
            {"to": 4, "more_time": -10},
            {"from": 13, "to": 20, "more_time": 20},
            {"from": 21, "more_time": 60},
        ],
    },
    {
        "code": "model",
        "kind": "text",
        "label": "Which model?",
        "effects": [{"part": "Parts catalogue"}],
    },
]


def service(**values: Any) -> Service:
    """An hour of gas work at level 1, with the questions."""
    usual = {
        "code": "heating",
        "name": "Heating",
        "place": Place.ON_SITE,
        "duration": timedelta(minutes=60),
        "setup": timedelta(minutes=5),
        "cleanup": timedelta(minutes=10),
        "priority": 10,
    }
    made = Service(**(usual | values))
    made.skills = [ServiceSkill(skill=GAS, level=1)]
    write_catalogue(made, {"questions": QUESTIONS}, {"gas": GAS, "oil": OIL})
    return made


HEATING = service()


def come_to(**answers: Any) -> Findings:
    """What these answers come to."""
    return evaluate(HEATING.intake_questions, answers)


def test_no_answer_changes_nothing() -> None:
    """The visit is what its service says."""
    assert come_to().needs(HEATING) == HEATING.needs()
    assert come_to().call_us is None
    assert come_to().parts == ()


def test_an_answer_decides_skill_and_level() -> None:
    """A higher level than the service's counts; another skill is added to it."""
    assert come_to(fuel="Gas").needs(HEATING).skills == {"gas": 3}
    assert come_to(fuel="oil").needs(HEATING).skills == {"gas": 1, "oil": 2}


def test_a_lower_level_takes_nothing_away() -> None:
    """The service's own level is the least."""
    expert = service()
    expert.skills = [ServiceSkill(skill=GAS, level=5)]
    assert come_to(fuel="Gas").needs(expert).skills == {"gas": 5}


def test_yes_and_no_decide_the_duration() -> None:
    """Buffers stay as they are."""
    needs = come_to(flat="yes").needs(HEATING)
    assert (needs.setup, needs.duration, needs.cleanup) == (
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(minutes=10),
    )
    assert come_to(flat="no").needs(HEATING).occupied == timedelta(minutes=105)


@pytest.mark.parametrize(
    ("count", "minutes"), [(0, 50), (4, 50), (5, 60), (12, 60), (13, 80), (20, 80), (21, 120), (900, 120)]
)
def test_a_number_counts_by_its_range(count: int, minutes: int) -> None:
    """Both ends of a range belong to it; a missing end is open."""
    assert come_to(radiators=count).needs(HEATING).duration == timedelta(minutes=minutes)


def test_times_are_added_to_what_was_decided() -> None:
    """90 minutes for a house, 15 for the leak, 20 for many radiators."""
    found = come_to(flat="no", symptoms=["leak"], radiators=15)
    assert found.needs(HEATING).duration == timedelta(minutes=125)


def test_nothing_makes_a_visit_vanish() -> None:
    """Times that are taken away leave a shortest visit."""
    quick = service(duration=timedelta(minutes=8))
    assert come_to(radiators=1).needs(quick).duration == SHORTEST


def test_parts_come_in_order_and_once() -> None:
    """Each chip that was picked brings its own; any text has the effect of a text question."""
    assert come_to(symptoms=["leak", "cold"], model="X1").parts == ("Igniter", "Seal kit", "Parts catalogue")


def test_the_most_urgent_answer_counts() -> None:
    """An answer raises the priority of the service and never lowers it."""
    assert come_to(symptoms=["cold"]).needs(HEATING).priority == 40
    assert come_to(symptoms=["cold"]).needs(service(priority=90)).priority == 90


def test_gas_says_call_us() -> None:
    """Among others as well as alone, with what to do."""
    assert come_to(symptoms=["cold", "gas"]).call_us == "Leave the building."
    assert come_to(symptoms=["cold"]).call_us is None


def test_what_was_said_is_kept_in_words() -> None:
    """Labels instead of codes, in the order of the questions; yes and no stay codes to be translated."""
    found = come_to(radiators=0, flat="no", fuel="oil", symptoms=["leak", "Noise"], model="X1")
    assert [(said["question"], said["answer"]) for said in found.said] == [
        ("What is happening?", ["Leaking", "Noise"]),
        ("What does it burn?", "Oil"),
        ("Is it a flat?", "no"),
        ("How many radiators?", 0),
        ("Which model?", "X1"),
    ]
    assert found.said[3]["unit"] == "radiators"


def test_required_questions_are_named_until_they_are_answered() -> None:
    """A draft without them is not complete."""
    assert come_to().unanswered == ("flat",)
    assert come_to(flat="yes").unanswered == ()
    assert come_to(flat="maybe").unanswered == ("flat",)


def test_answers_that_no_longer_fit_count_for_nothing() -> None:
    """The office may change a question while a draft waits: other options, kinds and codes."""
    found = come_to(symptoms="gas", fuel=["oil"], flat=True, radiators="21", model=7, old="x")
    assert found == come_to()
    assert come_to(symptoms=["gone", "leak"]).parts == ("Seal kit",)


def test_without_effects_the_same_answers_change_nothing() -> None:
    """Positive control: it is the rows that decide, not the code."""
    plain = [
        IntakeQuestion(code=q.code, kind=q.kind, label=q.label, options=list(q.options))
        for q in service().intake_questions
    ]
    found = evaluate(plain, {"symptoms": ["gas", "cold"], "fuel": "oil", "flat": "no", "radiators": 30})
    assert found.call_us is None
    assert found.needs(HEATING) == HEATING.needs()


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.lists(st.sampled_from(["cold", "leak", "gas", "x"])),
    st.sampled_from(["yes", "no", "Gas", "oil"]),
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is slow, whatever is generated
@given(st.dictionaries(st.sampled_from([q["code"] for q in QUESTIONS]), VALUES))
def test_whatever_a_draft_holds_comes_to_something(answers: dict[str, Any]) -> None:
    """No stored value breaks it, and the same answers always come to the same."""
    found = evaluate(HEATING.intake_questions, answers)
    assert found == evaluate(HEATING.intake_questions, answers)
    needs = found.needs(HEATING)
    assert needs.duration >= SHORTEST
    assert needs.skills["gas"] >= 1
    assert needs.priority >= HEATING.priority
