"""What the office wrote about a service, in other languages: each text beside its translation.

{"translations": {"nl": {"What is happening?": "Wat is er aan de hand?"}}}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fieldservice.models import (
    ChecklistItem,
    EffectKind,
    FaqEntry,
    IntakeQuestion,
    Service,
    ServiceTranslation,
    TroubleshootingStep,
)
from fieldservice.notify.translations import languages

_LONGEST = 4000


class TranslationFault(ValueError):
    """A translation that cannot be kept; `place` says where it stands."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}")


def texts_of(
    service: Service,
    questions: Iterable[IntakeQuestion],
    steps: Iterable[TroubleshootingStep],
    faq: Iterable[FaqEntry],
    late_fee: str,
    checklist: Iterable[ChecklistItem],
) -> list[str]:
    """Every text about the service that customers or technicians read, once, in the order of the pages."""

    def texts() -> Iterator[str]:
        yield from (service.name, service.description, service.price_text, service.price_note, late_fee)
        for question in questions:
            yield from (question.label, question.hint, question.unit)
            yield from (option.label for option in question.options)
            yield from (effect.words for effect in question.effects if effect.kind == EffectKind.CALL_US)
        for step in steps:
            yield from (step.title, step.text, step.question, step.advice)
        for entry in faq:
            yield from (entry.question, entry.answer)
        for item in checklist:
            yield from (item.label, item.hint, item.unit, *item.options)

    return list(dict.fromkeys(text for text in texts() if text))


def translations_of(data: Any, texts: Iterable[str]) -> list[ServiceTranslation]:
    """The translations in plain data, for a service with these texts; empty ones count as missing.

    Raises TranslationFault.
    """
    known = set(texts)
    return [
        ServiceTranslation(language=language, texts=_texts(language, translated, known))
        for language, translated in _named(data, "translations").items()
    ]


def _texts(language: str, translated: Any, known: set[str]) -> dict[str, str]:
    place = f"translations.{language}"
    if language not in languages():
        raise TranslationFault(place, f"not one of {', '.join(languages())}")
    found = {}
    for text, words in _named(translated, place).items():
        if text not in known:
            raise TranslationFault(f"{place}.{text}", "the service has no such text")
        if not isinstance(words, str) or len(words) > _LONGEST:
            raise TranslationFault(f"{place}.{text}", f"not a text of at most {_LONGEST} characters")
        if words.strip():
            found[text] = words.strip()
    return found


def _named(data: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise TranslationFault(place, "not an object with named values")
    return data


def texts_of_service(service: Service) -> list[str]:
    """The texts that a service has now."""
    written = (service.intake_questions, service.first_checks, service.faq, service.late_fee)
    return texts_of(service, *written, service.checklist)


def read_translations(service: Service, missing_in: Iterable[str] = ()) -> dict[str, dict[str, str]]:
    """The translations as plain data again; in the languages `missing_in`, what is missing stands empty."""
    wanted, texts = [*missing_in, *service.translations], texts_of_service(service)
    found: dict[str, dict[str, str]] = {}
    for language in languages():
        if language not in wanted:
            continue
        kept = service.translations[language].texts if language in service.translations else {}
        found[language] = {
            text: kept.get(text, "") for text in texts if text in kept or language in missing_in
        }
    return found
