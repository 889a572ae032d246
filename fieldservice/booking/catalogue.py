"""Reads what the office writes about a service from plain data, such as a JSON file, and names every mistake.

{"questions": [{"code": "symptoms", "kind": "chips", "label": "What is happening?",
                "options": ["No heat", {"code": "gas", "label": "Smell of gas",
                                        "effects": [{"call_us": "Leave the building."}]}]},
               {"code": "radiators", "kind": "number", "label": "How many radiators?",
                "effects": [{"from": 13, "more_time": 30}]}],
 "first_checks": [{"code": "thermostat", "title": "Check the thermostat", "text": "Set it to 22.",
                   "question": "Is it getting warm?", "yes": "solved", "no": "next"}],
 "faq": [{"question": "How long does it take?", "answer": "About an hour."}],
 "remote": {"link": "https://meet.example.com/room"},
 "messages": {"reminders": ["3 days", "24 hours", "2 hours"], "delayed_after_minutes": 20},
 "technicians": 2,
 "cancelling": {"fee": "$49 for the trip", "hours_before": 24},
 "checklist": [{"code": "pressure", "kind": "number", "label": "Pressure", "unit": "psi",
                "least": 0, "most": 60, "required": true}],
 "translations": {"nl": {"How long does it take?": "Hoe lang duurt het?"}}}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import object_session

from fieldservice.booking.catalogue_languages import TranslationFault, texts_of, translations_of
from fieldservice.models import (
    CheckKind,
    ChecklistItem,
    EffectKind,
    Ending,
    FaqEntry,
    IntakeEffect,
    IntakeOption,
    IntakeQuestion,
    QuestionKind,
    Service,
    Skill,
    TroubleshootingStep,
)
from fieldservice.models.catalogue import NEXT, NO, YES
from fieldservice.models.reminders import USUAL, length, read_span
from fieldservice.models.service import LATE_AFTER, MOST_TOGETHER

_AMOUNTS = {EffectKind.DURATION, EffectKind.MORE_TIME, EffectKind.PRIORITY}
_MOST = {EffectKind.DURATION: 1440, EffectKind.MORE_TIME: 1440, EffectKind.PRIORITY: 1_000_000}
_MOST_REMINDERS = 8
_OF_VISITS = ("technicians", "cancelling", "checklist", "messages", "remote")
_OPTIONS = (QuestionKind.CHIPS, QuestionKind.CHOICE)


class CatalogueFault(ValueError):
    """The data cannot be what the office means; the text begins with the place: questions[2].label."""


def write_catalogue(service: Service, data: Mapping[str, Any], skills: Mapping[str, Skill]) -> None:
    """Give a service these questions, first checks, common questions, checklist and translations, no others.

    How many technicians make a visit, and the page of a remote one, stay where the data do not say.
    Raises CatalogueFault, before anything is changed, for what does not fit together.
    """
    part = _Part(data, "")
    part.only("questions", "first_checks", "faq", *_OF_VISITS, "translations")
    questions = [_question(entry, position, skills) for position, entry in enumerate(part.list("questions"))]
    steps = [_step(entry, position) for position, entry in enumerate(part.list("first_checks"))]
    faq = [
        FaqEntry(question=entry.text("question", 300), answer=entry.text("answer", 4000), position=position)
        for position, entry in enumerate(part.list("faq"))
    ]
    fee, cutoff = _cancelling(part)
    crew = part.number("technicians", 1, MOST_TOGETHER)
    spans, late_after = _messages(part)
    call_link = _call_link(part)
    checklist = [_check(entry, position) for position, entry in enumerate(part.list("checklist"))]
    _require_different([item.code for item in checklist], "checklist")
    _require_different([question.code for question in questions], "questions")
    _require_different([step.code for step in steps], "first_checks")
    _require_forward(steps)
    try:
        translations = translations_of(
            data.get("translations", {}), texts_of(service, questions, steps, faq, fee, checklist)
        )
    except TranslationFault as fault:
        raise CatalogueFault(str(fault)) from fault
    service.intake_questions, service.first_checks, service.faq = [], [], []
    service.checklist, service.translations = [], {}
    if (session := object_session(service)) is not None:
        session.flush()  # rows are deleted last, and the new ones may have the codes of the old ones
    service.intake_questions, service.first_checks, service.faq = questions, steps, faq
    service.late_fee = fee
    service.crew = crew or service.crew or 1  # one that is not stored yet has none
    if call_link is not None:
        service.call_link = call_link
    if cutoff is not None:
        service.cancel_cutoff = cutoff
    service.reminders, service.late_after = spans, late_after
    service.checklist = checklist
    service.translations = {translation.language: translation for translation in translations}


class _Part:
    """A mapping of the data with its place, whose values are asked for by name and kind."""

    def __init__(self, data: Any, place: str) -> None:
        self.place = place
        if not isinstance(data, Mapping):
            raise CatalogueFault(f"{place or 'the catalogue'}: not an object with named values")
        self.data = data

    def fault(self, name: str, what: str) -> CatalogueFault:
        return CatalogueFault(f"{self._at(name)}: {what}")

    def only(self, *names: str) -> None:
        for name in self.data:
            if name not in names:
                raise self.fault(str(name), f"not known here; known are {', '.join(names)}")

    def text(self, name: str, longest: int, default: str | None = None) -> str:
        value = self.data.get(name, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.fault(name, "a text is missing")
        if len(value) > longest:
            raise self.fault(name, f"longer than {longest} characters")
        return value.strip()

    def number(self, name: str, low: int, high: int) -> int | None:
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.fault(name, f"not a whole number from {low} to {high}")
        return value

    def flag(self, name: str) -> bool:
        value = self.data.get(name, False)
        if not isinstance(value, bool):
            raise self.fault(name, "neither true nor false")
        return value

    def list(self, name: str, read: Callable[[Any, str], _Part] | None = None) -> Sequence[_Part]:
        values = self.data.get(name, [])
        if not isinstance(values, (list, tuple)):
            raise self.fault(name, "not a list")
        return [(read or _Part)(value, f"{self._at(name)}[{at}]") for at, value in enumerate(values)]

    def _at(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name


def _cancelling(part: _Part) -> tuple[str, timedelta | None]:
    """What a late cancellation costs, and how long before the window it is late; None: as it was."""
    if "cancelling" not in part.data:
        return "", None
    terms = _Part(part.data["cancelling"], "cancelling")
    terms.only("fee", "hours_before")
    hours = terms.number("hours_before", 1, 24 * 90)
    return terms.text("fee", 200), timedelta(hours=hours) if hours is not None else None


def _call_link(part: _Part) -> str | None:
    """The page on which a remote visit takes place; empty: the customer is called; None: as it was."""
    if "remote" not in part.data:
        return None
    remote = _Part(part.data["remote"], "remote")
    remote.only("link")
    if not remote.data:
        return ""
    link = remote.text("link", 300)
    if not re.fullmatch(r"https://[^\s/]+(/\S*)?", link):
        raise remote.fault("link", "not an address that begins with https://")
    return link


def _question(part: _Part, position: int, skills: Mapping[str, Skill]) -> IntakeQuestion:
    part.only("code", "kind", "label", "hint", "unit", "least", "most", "required", "options", "effects")
    kind = part.text("kind", 10)
    if kind not in set(QuestionKind):
        raise part.fault("kind", f"not one of {', '.join(QuestionKind)}")
    question = IntakeQuestion(
        code=part.text("code", 60),
        kind=kind,
        label=part.text("label", 200),
        hint=part.text("hint", 200, ""),
        unit=part.text("unit", 20, ""),
        least=part.number("least", -1_000_000, 1_000_000),
        most=part.number("most", -1_000_000, 1_000_000),
        required=part.flag("required"),
        position=position,
    )
    if question.least is not None and question.most is not None and question.least > question.most:
        raise part.fault("most", "less than least")
    if kind == QuestionKind.PHOTO and (question.required or part.data.get("effects")):
        place = "required" if question.required else "effects"
        raise part.fault(place, "a question of the kind photo has none: not everybody can take one")
    options = part.list("options", _option)
    if bool(options) != (kind in _OPTIONS):
        raise part.fault("options", f"a question of the kind {kind} has {'none' if options else 'some'}")
    for number, option in enumerate(options):
        _add_option(question, option, number, skills)
    _require_different([option.code for option in question.options], f"{part.place}.options")
    for entry in part.list("effects"):
        question.effects.append(_effect(entry, question, skills))
    return question


def _option(data: Any, place: str) -> _Part:
    """An option may be its label alone."""
    return _Part({"code": data, "label": data} if isinstance(data, str) else data, place)


def _add_option(question: IntakeQuestion, part: _Part, position: int, skills: Mapping[str, Skill]) -> None:
    part.only("code", "label", "effects")
    option = IntakeOption(code=part.text("code", 80), label=part.text("label", 120), position=position)
    question.options.append(option)
    for entry in part.list("effects"):
        effect = _effect(entry, question, skills)
        if effect.answer is not None or effect.low is not None or effect.high is not None:
            raise entry.fault("answer", "the effect of an option has its answer already")
        effect.answer = option.code
        question.effects.append(effect)


def _effect(part: _Part, question: IntakeQuestion, skills: Mapping[str, Skill]) -> IntakeEffect:
    part.only("answer", "from", "to", "level", *EffectKind)
    kinds = [kind for kind in EffectKind if kind in part.data]
    if len(kinds) != 1:
        raise part.fault("kind", f"exactly one of {', '.join(EffectKind)} is wanted")
    effect = IntakeEffect(kind=kinds[0].value, amount=0, words="")
    _set_when(effect, part, question)
    if kinds[0] == EffectKind.SKILL:
        code = part.text("skill", 40)
        if code not in skills:
            raise part.fault("skill", f"no skill has the code {code}")
        effect.skill, effect.amount = skills[code], part.number("level", 1, 9) or 1
    elif kinds[0] in _AMOUNTS:
        low = -_MOST[kinds[0]] if kinds[0] == EffectKind.MORE_TIME else 1
        effect.amount = part.number(kinds[0], low, _MOST[kinds[0]]) or 0
    else:
        effect.words = part.text(kinds[0], 1000, "" if kinds[0] == EffectKind.CALL_US else None)
    return effect


def _set_when(effect: IntakeEffect, part: _Part, question: IntakeQuestion) -> None:
    """Which answers have the effect."""
    ranged = "from" in part.data or "to" in part.data
    if ranged and question.kind != QuestionKind.NUMBER:
        raise part.fault("from", "only answers that are numbers have a range")
    effect.low = part.number("from", -1_000_000, 1_000_000)
    effect.high = part.number("to", -1_000_000, 1_000_000)
    if effect.low is not None and effect.high is not None and effect.low > effect.high:
        raise part.fault("to", "less than from")
    if "answer" in part.data:
        effect.answer = part.text("answer", 80)
        codes = {YES, NO} if question.kind == QuestionKind.YES_NO else {o.code for o in question.options}
        if effect.answer not in codes:
            raise part.fault("answer", f"not an answer to the question {question.code}")


def _step(part: _Part, position: int) -> TroubleshootingStep:
    part.only("code", "title", "text", "question", "yes", "no", "advice")
    return TroubleshootingStep(
        code=part.text("code", 40),
        title=part.text("title", 200),
        text=part.text("text", 2000, ""),
        question=part.text("question", 200),
        on_yes=part.text("yes", 40, Ending.SOLVED.value),
        on_no=part.text("no", 40, NEXT),
        advice=part.text("advice", 1000, ""),
        position=position,
    )


def _check(part: _Part, position: int) -> ChecklistItem:
    part.only("code", "kind", "label", "hint", "unit", "least", "most", "required", "options")
    kind = part.text("kind", 10)
    if kind not in set(CheckKind):
        raise part.fault("kind", f"not one of {', '.join(CheckKind)}")
    options = part.list("options", _option)
    if bool(options) != (kind == CheckKind.CHOICE):
        raise part.fault("options", f"an item of the kind {kind} has {'none' if options else 'some'}")
    item = ChecklistItem(
        code=part.text("code", 60),
        kind=kind,
        label=part.text("label", 200),
        hint=part.text("hint", 200, ""),
        unit=part.text("unit", 20, ""),
        least=part.number("least", -1_000_000, 1_000_000),
        most=part.number("most", -1_000_000, 1_000_000),
        required=part.flag("required"),
        options=[option.text("label", 120) for option in options],
        position=position,
    )
    if item.least is not None and item.most is not None and item.least > item.most:
        raise part.fault("most", "less than least")
    return item


def _messages(catalogue: _Part) -> tuple[list[str], timedelta]:
    """When customers are reminded, and how late somebody has to be for them to be told."""
    if "messages" not in catalogue.data:
        return list(USUAL), LATE_AFTER
    part = _Part(catalogue.data["messages"], "messages")
    part.only("reminders", "delayed_after_minutes")
    minutes = part.number("delayed_after_minutes", 0, 240)
    late_after = LATE_AFTER if minutes is None else timedelta(minutes=minutes)
    given = part.data.get("reminders")
    if given is None:
        return list(USUAL), late_after
    if not isinstance(given, list) or len(given) > _MOST_REMINDERS:
        raise part.fault("reminders", f"not a list of at most {_MOST_REMINDERS}")
    spans = []
    for at, words in enumerate(given):
        try:
            spans.append(read_span(words if isinstance(words, str) else ""))
        except ValueError as error:
            raise part.fault(f"reminders[{at}]", str(error)) from error
    if len({length(span) for span in spans}) < len(spans):
        raise part.fault("reminders", "two are due at the same time")
    return sorted(spans, key=length, reverse=True), late_after


def _require_different(codes: Sequence[str], place: str) -> None:
    for at, code in enumerate(codes):
        if code in codes[:at]:
            raise CatalogueFault(f"{place}[{at}].code: {code} is used twice")


def _require_forward(steps: Sequence[TroubleshootingStep]) -> None:
    """Checks lead forward only, so that every customer comes to an end."""
    for at, step in enumerate(steps):
        later = {later.code for later in steps[at + 1 :]}
        for name, target in (("yes", step.on_yes), ("no", step.on_no)):
            if target != NEXT and target not in set(Ending) and target not in later:
                known = ", ".join([NEXT, *Ending])
                raise CatalogueFault(
                    f"first_checks[{at}].{name}: neither {known} nor the code of a later check"
                )
