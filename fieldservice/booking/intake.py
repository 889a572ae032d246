"""What the answers to a service's questions come to: rows and answers in, findings out; no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fieldservice.models import EffectKind, IntakeEffect, IntakeQuestion, Needs, QuestionKind, Service
from fieldservice.models.needs import highest

type Answers = Mapping[str, Any]

SHORTEST = timedelta(minutes=5)
"""No answer makes a visit shorter than this."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a customer's answers change about the visit.

    `call_us` is what to do when nothing may be booked online; None when everything may. `said` are the
    answers in the words of their questions, as they are kept with the visit.
    """

    skills: Mapping[str, int] = field(default_factory=dict)
    duration: timedelta | None = None
    more_time: timedelta = timedelta(0)
    priority: int | None = None
    parts: tuple[str, ...] = ()
    call_us: str | None = None
    said: tuple[dict[str, Any], ...] = ()
    unanswered: tuple[str, ...] = ()

    def needs(self, service: Service) -> Needs:
        """What a visit of this service takes after these answers."""
        usual = service.needs()
        return Needs(
            setup=usual.setup,
            duration=max(SHORTEST, (self.duration or usual.duration) + self.more_time),
            cleanup=usual.cleanup,
            skills=highest(usual.skills, self.skills),
            priority=max(usual.priority, self.priority or 0),
            crew=usual.crew,
        )


def evaluate(questions: Iterable[IntakeQuestion], answers: Answers) -> Findings:
    """What the answers, by the codes of their questions, come to.

    Of several skill levels, durations and priorities the highest counts; times that are added are added up.
    Answers to questions that are gone, and such that do not fit their question any more, count for nothing.
    """
    asked = list(questions)
    given = {question.code: answer for question in asked if (answer := _answer(question, answers))}
    effects = [
        effect
        for question in asked
        if question.code in given
        for effect in question.effects
        if _applies(effect, question, given[question.code])
    ]
    minutes = [effect.amount for effect in effects if effect.kind == EffectKind.DURATION]
    urgent = [effect.amount for effect in effects if effect.kind == EffectKind.PRIORITY]
    alarms = [effect.words for effect in effects if effect.kind == EffectKind.CALL_US]
    parts = [effect.words for effect in effects if effect.kind == EffectKind.PART]
    return Findings(
        skills=highest(*({e.skill.code: e.amount} for e in effects if e.skill is not None)),
        duration=timedelta(minutes=max(minutes)) if minutes else None,
        more_time=timedelta(minutes=sum(e.amount for e in effects if e.kind == EffectKind.MORE_TIME)),
        priority=max(urgent, default=None),
        parts=tuple(dict.fromkeys(parts)),
        call_us="\n".join(dict.fromkeys(filter(None, alarms))) if alarms else None,
        said=tuple(_said(question, given[question.code]) for question in asked if question.code in given),
        unanswered=tuple(q.code for q in asked if q.required and q.code not in given),
    )


def _answer(question: IntakeQuestion, answers: Answers) -> tuple[Any, ...]:
    """What was answered, one by one, as far as it fits the question; empty without an answer."""
    answer = answers.get(question.code)
    codes = {option.code for option in question.options}
    match question.kind:
        case QuestionKind.CHIPS:
            return tuple(code for code in answer if code in codes) if isinstance(answer, list) else ()
        case QuestionKind.CHOICE:
            return (answer,) if isinstance(answer, str) and answer in codes else ()
        case QuestionKind.YES_NO:
            return (answer,) if answer in ("yes", "no") else ()
        case QuestionKind.NUMBER:
            return (answer,) if isinstance(answer, int) and not isinstance(answer, bool) else ()
        case QuestionKind.PHOTO:
            return ()
        case _:
            return (answer,) if isinstance(answer, str) and answer else ()


def _applies(effect: IntakeEffect, question: IntakeQuestion, given: tuple[Any, ...]) -> bool:
    if effect.answer is not None:
        return effect.answer in given
    if question.kind != QuestionKind.NUMBER:
        return True
    low, high = effect.low, effect.high
    return (low is None or low <= given[0]) and (high is None or given[0] <= high)


def _said(question: IntakeQuestion, given: tuple[Any, ...]) -> dict[str, Any]:
    """One answer as people read it; yes and no are words of the page's language and stay codes."""
    labels = {option.code: option.label for option in question.options}
    words = [labels.get(answer, answer) for answer in given]
    return {
        "code": question.code,
        "question": question.label,
        "kind": question.kind,
        "answer": words if question.kind == QuestionKind.CHIPS else words[0],
        "unit": question.unit,
    }
