"""What the office wrote about a service as plain data again: what `write_catalogue` reads, to be edited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from fieldservice.booking.catalogue_languages import read_translations
from fieldservice.models import (
    ChecklistItem,
    EffectKind,
    IntakeEffect,
    IntakeOption,
    IntakeQuestion,
    Service,
    TroubleshootingStep,
)
from fieldservice.models.reminders import USUAL, write_span
from fieldservice.models.service import LATE_AFTER


def read_catalogue(service: Service, missing_in: Sequence[str] = ()) -> dict[str, Any]:
    """Questions, first checks, common questions and translations of a service; what is as usual is left out.

    Texts that lack a translation into one of the languages `missing_in` are there with an empty one.
    """
    translations = read_translations(service, missing_in)
    return (
        {
            "questions": [_question(question) for question in service.intake_questions],
            "first_checks": [_step(step) for step in service.first_checks],
            "faq": [{"question": entry.question, "answer": entry.answer} for entry in service.faq],
        }
        | ({"checklist": [_check(item) for item in service.checklist]} if service.checklist else {})
        | ({"technicians": service.crew} if service.crew > 1 else {})
        | _cancelling(service)
        | _messages(service)
        | ({"remote": {"link": service.call_link}} if service.call_link else {})
        | ({"translations": translations} if translations else {})
    )


def _cancelling(service: Service) -> dict[str, Any]:
    if not service.late_fee:
        return {}
    hours, rest = divmod(service.cancel_cutoff, timedelta(hours=1))
    terms = {"fee": service.late_fee} | ({"hours_before": hours} if hours and not rest else {})
    return {"cancelling": terms}


def _messages(service: Service) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if service.reminders != list(USUAL):
        told["reminders"] = [write_span(span) for span in service.reminders]
    if service.late_after != LATE_AFTER:
        told["delayed_after_minutes"] = service.late_after // timedelta(minutes=1)
    return {"messages": told} if told else {}


def _question(question: IntakeQuestion) -> dict[str, Any]:
    of_options = {option.code for option in question.options}
    named = {"code": question.code, "kind": question.kind, "label": question.label}
    more = {
        "hint": question.hint,
        "unit": question.unit,
        "least": question.least,
        "most": question.most,
        "required": question.required,
        "options": [_option(option, question) for option in question.options],
        "effects": [_effect(effect) for effect in question.effects if effect.answer not in of_options],
    }
    return named | _said(more)


def _check(item: ChecklistItem) -> dict[str, Any]:
    named = {"code": item.code, "kind": item.kind, "label": item.label}
    more = {name: getattr(item, name) for name in ("hint", "unit", "least", "most", "required", "options")}
    return named | _said(more)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """What is not as usual; a limit of nought is none of that."""
    return {
        name: value for name, value in values.items() if value is not False and value not in ("", None, [])
    }


def _option(option: IntakeOption, question: IntakeQuestion) -> str | dict[str, Any]:
    effects = [_effect(effect) for effect in question.effects if effect.answer == option.code]
    if not effects and option.code == option.label:
        return option.label
    for effect in effects:
        del effect["answer"]
    return {"code": option.code, "label": option.label} | ({"effects": effects} if effects else {})


def _effect(effect: IntakeEffect) -> dict[str, Any]:
    when = {"answer": effect.answer, "from": effect.low, "to": effect.high}
    found: dict[str, Any] = {name: value for name, value in when.items() if value is not None}
    if effect.skill is not None:
        return found | {EffectKind.SKILL.value: effect.skill.code, "level": effect.amount}
    spoken = effect.kind in (EffectKind.PART, EffectKind.CALL_US)
    return found | {effect.kind: effect.words if spoken else effect.amount}


def _step(step: TroubleshootingStep) -> dict[str, str]:
    found = {
        "code": step.code,
        "title": step.title,
        "text": step.text,
        "question": step.question,
        "yes": step.on_yes,
        "no": step.on_no,
        "advice": step.advice,
    }
    return {name: value for name, value in found.items() if value}
