"""What the office writes: rows on both databases, replaced as a whole, refused with the place named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fieldservice.booking.bookable import active_services
from fieldservice.booking.catalogue import CatalogueFault, write_catalogue
from fieldservice.booking.catalogue_text import read_catalogue
from fieldservice.models import IntakeEffect, IntakeOption, IntakeQuestion, Service, Skill
from tests.factories import make_service, make_skill

GAS = {"gas": Skill(code="gas", name="Gas")}
CHIPS = {"code": "s", "kind": "chips", "label": "What?", "options": ["A", "B"]}
NUMBER = {"code": "n", "kind": "number", "label": "How many?"}
STEP = {"code": "a", "title": "Look", "question": "Well?"}


def with_effect(question: dict[str, Any], **effect: Any) -> dict[str, Any]:
    """A catalogue of one question with one effect."""
    return {"questions": [{**question, "effects": [effect]}]}


def test_what_was_written_is_read_in_order(session: Session) -> None:
    """Questions, options and effects, checks, common questions, with the skill's row."""
    service, gas = make_service(session), make_skill(session, "gas")
    data = {
        "questions": [
            {
                **CHIPS,
                "options": ["A", {"code": "b", "label": "B", "effects": [{"skill": "gas", "level": 2}]}],
            },
            {**NUMBER, "least": 1, "most": 9, "unit": "rooms", "required": True},
        ],
        "first_checks": [STEP | {"no": "b"}, STEP | {"code": "b"}],
        "faq": [{"question": "Q?", "answer": "A."}],
    }
    write_catalogue(service, data, {"gas": gas})
    session.flush()
    session.expire_all()
    first, second = service.intake_questions
    assert [(option.code, option.label) for option in first.options] == [("A", "A"), ("b", "B")]
    assert [(e.answer, e.kind, e.skill and e.skill.code, e.amount) for e in first.effects] == [
        ("b", "skill", "gas", 2)
    ]
    assert (second.least, second.most, second.unit, second.required) == (1, 9, "rooms", True)
    assert [(step.code, step.on_yes, step.on_no) for step in service.first_checks] == [
        ("a", "solved", "b"),
        ("b", "solved", "next"),
    ]
    assert service.faq[0].answer == "A."


def test_reminders_and_delays_are_written_read_and_usual_again(session: Session) -> None:
    """In words for people, the longest first; what is as usual is left out, and comes back when it is."""
    service = make_service(session)
    said = {"reminders": ["2 hours", "3 days", "90 minutes"], "delayed_after_minutes": 20}
    write_catalogue(service, {"messages": said}, {})
    session.flush()
    session.expire_all()
    assert (service.reminders, service.late_after) == (["3d", "2h", "90m"], timedelta(minutes=20))
    read = read_catalogue(service)["messages"]
    assert read == {"reminders": ["3 days", "2 hours", "90 minutes"], "delayed_after_minutes": 20}
    write_catalogue(service, {"messages": {"reminders": []}}, {})
    assert (service.reminders, service.late_after) == ([], timedelta(minutes=10))
    write_catalogue(service, {}, {})
    assert service.reminders == ["24h", "2h"]
    assert "messages" not in read_catalogue(service)


def test_how_many_technicians_come_is_written_and_read(session: Session) -> None:
    """Two or three make a visit together; one is as usual and left out; four are a mistake that is named; a
    file that does not say how many leaves it so."""
    service = make_service(session)
    write_catalogue(service, {"technicians": 2}, {})
    session.flush()
    assert (service.crew, service.needs().crew) == (2, 2)
    assert read_catalogue(service)["technicians"] == 2
    for wrong in (0, 4, "two"):
        with pytest.raises(CatalogueFault, match="technicians: not a whole number from 1 to 3"):
            write_catalogue(service, {"technicians": wrong}, {})
    assert service.crew == 2
    write_catalogue(service, {}, {})
    assert service.crew == 2
    write_catalogue(service, {"technicians": 1}, {})
    assert service.crew == 1
    assert "technicians" not in read_catalogue(service)


def test_writing_again_replaces_everything(session: Session) -> None:
    """The same codes may be used again; nothing of the old remains."""
    service = make_service(session)
    for _ in range(2):
        write_catalogue(service, {"questions": [CHIPS], "first_checks": [STEP]}, {})
        session.flush()
    write_catalogue(service, {}, {})
    session.flush()
    for model in (IntakeQuestion, IntakeOption, IntakeEffect):
        assert session.scalar(select(func.count()).select_from(model)) == 0


def test_a_skill_that_answers_ask_for_cannot_be_removed(session: Session) -> None:
    """A visit that needs a skill which does not exist could never be planned: the database refuses it."""
    service, gas = make_service(session), make_skill(session, "gas")
    write_catalogue(service, with_effect(CHIPS, answer="A", skill="gas"), {"gas": gas})
    session.flush()
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(delete(Skill).where(Skill.id == gas.id))


def test_the_catalogue_is_read_with_few_queries(session: Session) -> None:
    """All that the first screen needs is there when the session is closed."""
    for _ in range(3):
        write_catalogue(make_service(session), {"questions": [CHIPS], "first_checks": [STEP]}, {})
    session.flush()
    session.expunge_all()
    services = active_services(session)
    session.expunge_all()
    assert len(services) == 3
    for service in services:
        assert [option.label for option in service.intake_questions[0].options] == ["A", "B"]
        assert service.intake_questions[0].effects == service.faq == []
        assert service.first_checks[0].title == "Look"


FAULTS: list[tuple[Any, str]] = [
    ({"messages": {"reminders": ["soon"]}}, "messages.reminders[0]: write it as 2 days"),
    ({"messages": {"reminders": ["1 day", "24 hours"]}}, "messages.reminders: two are due at the same time"),
    ({"messages": {"reminders": "1 day"}}, "messages.reminders: not a list of at most 8"),
    ({"messages": {"delayed_after_minutes": -1}}, "messages.delayed_after_minutes: not a whole number"),
    ([], "the catalogue: not an object"),
    ({"question": []}, "question: not known here"),
    ({"questions": {}}, "questions: not a list"),
    ({"questions": ["x"]}, "questions[0]: not an object"),
    ({"questions": [{"kind": "chips"}]}, "questions[0].code: a text is missing"),
    ({"questions": [CHIPS, CHIPS]}, "questions[1].code: s is used twice"),
    ({"questions": [CHIPS | {"kind": "essay"}]}, "questions[0].kind: not one of"),
    ({"questions": [CHIPS | {"kind": "video"}]}, "questions[0].kind: not one of"),
    ({"questions": [CHIPS | {"label": " "}]}, "questions[0].label: a text is missing"),
    ({"questions": [CHIPS | {"label": "x" * 201}]}, "questions[0].label: longer than 200"),
    ({"questions": [CHIPS | {"options": []}]}, "questions[0].options: a question of the kind chips has some"),
    ({"questions": [NUMBER | {"options": ["A"]}]}, "questions[0].options: a question of the kind number"),
    ({"questions": [CHIPS | {"options": ["A", "A"]}]}, "questions[0].options[1].code: A is used twice"),
    ({"questions": [CHIPS | {"options": [7]}]}, "questions[0].options[0]: not an object"),
    ({"questions": [CHIPS | {"required": "yes"}]}, "questions[0].required: neither true nor false"),
    ({"questions": [NUMBER | {"least": "1"}]}, "questions[0].least: not a whole number"),
    ({"questions": [NUMBER | {"least": 5, "most": 4}]}, "questions[0].most: less than least"),
    (with_effect(CHIPS, answer="A"), "questions[0].effects[0].kind: exactly one of"),
    (with_effect(CHIPS, part="x", priority=3), "questions[0].effects[0].kind: exactly one of"),
    (with_effect(CHIPS, skill="steam"), "questions[0].effects[0].skill: no skill has the code steam"),
    (with_effect(CHIPS, skill="gas", level=10), "questions[0].effects[0].level: not a whole number"),
    (with_effect(CHIPS, answer="C", part="x"), "questions[0].effects[0].answer: not an answer"),
    (with_effect(CHIPS, duration=0), "questions[0].effects[0].duration: not a whole number"),
    (with_effect(CHIPS, **{"from": 1, "part": "x"}), "questions[0].effects[0].from: only answers"),
    (with_effect(NUMBER, **{"from": 3, "to": 2, "part": "x"}), "questions[0].effects[0].to: less than from"),
    (with_effect(NUMBER, part=""), "questions[0].effects[0].part: a text is missing"),
    ({"first_checks": [STEP, STEP]}, "first_checks[1].code: a is used twice"),
    ({"first_checks": [STEP | {"yes": "a"}]}, "first_checks[0].yes: neither"),
    ({"first_checks": [STEP, STEP | {"code": "b", "no": "a"}]}, "first_checks[1].no: neither"),
    ({"faq": [{"question": "Q?"}]}, "faq[0].answer: a text is missing"),
]


@pytest.mark.parametrize(("data", "words"), FAULTS, ids=[words[:40] for _data, words in FAULTS])
def test_a_mistake_is_named_with_its_place_and_changes_nothing(data: Any, words: str) -> None:
    """Before anything of the service is replaced."""
    service = Service(code="x", name="X")
    write_catalogue(service, {"questions": [CHIPS]}, GAS)
    with pytest.raises(CatalogueFault) as refused:
        write_catalogue(service, data, GAS)
    assert str(refused.value).startswith(words)
    assert [question.code for question in service.intake_questions] == ["s"]
