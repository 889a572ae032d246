"""What customers and technicians read is there in every language, whole and fit for its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from fieldservice.notify.translations import SOURCE, languages
from tests.docs.test_texts import TRANSLATIONS

OFFICE = (
    "fieldservice/dispatch/",
    "fieldservice/booking/phone",
    "templates/board/",
    "templates/_layouts/staff.html",
)
"""Where texts come from that may still be English."""

LANGUAGES = tuple(language for language in languages() if language != SOURCE)
PLACEHOLDER = re.compile(r"%\(\w+\)[0-9]*[sd]|%[^(]|\{\w+\}")
TAG = re.compile(r"</?[a-z][^>]*>")


def texts() -> Catalog:
    """The texts of the code."""
    with (TRANSLATIONS / "messages.pot").open("rb") as file:
        return read_po(file)


def catalogue(language: str) -> Catalog:
    """The translations into a language."""
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def faults(pot: Catalog, po: Catalog) -> list[str]:
    """What is wrong with a catalogue, each fault with its text."""
    found = []
    for message in pot:
        if message.id:
            translated = po.get(message.id)
            wrong = "not in the catalogue" if translated is None else _fault(message, translated, po)
            if wrong and not (wrong == "missing" and _is_for_the_office(message)):
                found.append(f"{wrong}: {message.id}")
    gone = [message.id for message in po if message.id and message.id not in pot]
    return [*found, *(f"no longer a text: {text}" for text in gone)]


def _is_for_the_office(message: Message) -> bool:
    return all(place.startswith(OFFICE) for place, _line in message.locations)


def _fault(message: Message, translated: Message, po: Catalog) -> str:
    sources = message.id if isinstance(message.id, tuple) else (message.id,)
    forms = translated.string if isinstance(translated.string, tuple) else (translated.string,)
    if not all(form.strip() for form in forms):
        return "missing"
    if translated.fuzzy:
        return "fuzzy"
    if isinstance(message.id, tuple) and len(forms) != po.num_plurals:
        return f"{len(forms)} forms instead of {po.num_plurals}"
    for form in forms:
        for pattern, name in ((PLACEHOLDER, "values"), (TAG, "tags")):
            if sorted(pattern.findall(form)) not in [sorted(pattern.findall(text)) for text in sources]:
                return f"other {name}"
    return ""


def test_there_are_five_languages() -> None:
    """English, in which the texts stand in the code, and four others."""
    assert set(languages()) == {"en", "nl", "da", "pl", "vi"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing_fuzzy_or_broken(language: str) -> None:
    """`make messages` adds new texts empty, so this fails until somebody translated them."""
    assert faults(texts(), catalogue(language)) == []


def _broken() -> Iterator[tuple[str, Callable[[Catalog, Message, Message], object]]]:
    yield "not in the catalogue", lambda po, one, many: po.delete(one.id)
    yield "missing", lambda po, one, many: setattr(one, "string", " ")
    yield "missing", lambda po, one, many: setattr(many, "string", ("", ""))
    yield "fuzzy", lambda po, one, many: one.flags.add("fuzzy")
    yield "other values", lambda po, one, many: setattr(one, "string", "Referentie %(referentie)s")
    yield "other values", lambda po, one, many: setattr(one, "string", "100 % %(reference)s")
    yield "other tags", lambda po, one, many: setattr(one, "string", "<b>Referentie</b> %(reference)s")
    yield "1 forms instead of 2", lambda po, one, many: setattr(many, "string", ("%(num)d tijdvak",))
    yield "no longer a text", lambda po, one, many: po.add("Not a text of the product", "Weg")


@pytest.mark.parametrize(("fault", "spoil"), list(_broken()))
def test_each_fault_is_found(fault: str, spoil: Callable[[Catalog, Message, Message], object]) -> None:
    """The check sees what it is made for: a good catalogue that is spoiled in one place is not good."""
    po = deepcopy(catalogue("nl"))
    one, many = po.get("Reference %(reference)s"), po.get("%(num)d window")
    spoil(po, one, many)
    [found] = faults(texts(), po)
    assert found.startswith(fault)
