"""Every message in every language: nothing of it is left in English, and times are written as people do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from babel.messages.pofile import read_po

from fieldservice.notify.calendar import calendar_file
from fieldservice.notify.rendering import Occasion, letter, short_text
from fieldservice.notify.translations import languages, locale_in, translations_of
from fieldservice.paths import PACKAGE, TEMPLATES
from tests.fieldservice.notify.conftest import TEN, MakeFacts

KINDS = sorted(path.stem for path in (TEMPLATES / "email").glob("[a-z]*.txt"))
OTHERS = [language for language in languages() if language != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
WHEN = {
    "nl": ("dinsdag", "10:00 – 12:00"),
    "da": ("tirsdag", "10.00 – 12.00"),
    "pl": ("wtorek", "10:00 – 12:00"),
    "vi": ("Thứ Ba", "10:00 – 12:00"),
}


def _source() -> list[tuple[str, ...]]:
    """The texts of messages and calendar entries, as they stand in the code; a plural is its own text."""
    with (PACKAGE / "translations" / "messages.pot").open("rb") as file:
        messages = list(read_po(file))
    places = ("templates/email/", "fieldservice/notify/")
    found = [m.id for m in messages if m.id and any(at.startswith(places) for at, _line in m.locations)]
    return [each if isinstance(each, tuple) else (each,) for each in found]


SOURCE = _source()


def english_left(written: str, language: str) -> list[str]:
    """The longest parts of our English texts that stand in a message; a word both languages have is none."""
    own = " ".join(_own(texts, language) for texts in SOURCE) if language != "en" else ""
    parts = {max(PLACEHOLDER.split(text), key=len).strip(" .,:") for texts in SOURCE for text in texts}
    return sorted(part for part in parts if len(part) > 5 and part in written and part not in own)


def _own(texts: tuple[str, ...], language: str) -> str:
    """A text as the language has it, for one and for several."""
    known = translations_of(language)
    return " ".join(known.ngettext(texts[0], texts[-1], number) for number in range(1, len(texts) + 1))


def everything(kind: str, make_facts: MakeFacts, locale: str) -> str:
    """All that a message of this kind says in all its forms, with everything a kind can have or lack."""
    said = []
    for place in ("on_site", "at_branch", "remote"):
        for full in (True, False):
            occasion = Occasion(
                kind=kind,
                facts=make_facts(
                    cancelled=kind == "cancelled", place=place, locale=locale, promised=full, service="—"
                ),
                technician="Ben" if full else "",
                others=("Eva",) if full and place == "remote" else (),
                arrives_at=TEN + timedelta(minutes=25),
                old_starts_at=TEN - timedelta(days=1) if full else None,
                old_ends_at=TEN - timedelta(hours=22) if full else None,
                answer_by=TEN - timedelta(minutes=30),
                words="123456" if full else "",
            )
            mail = letter(occasion)
            said += [mail.subject, mail.text, mail.html, short_text(occasion)]
    return "\n".join(said)


@pytest.mark.parametrize("language", OTHERS)
def test_no_message_has_english_left(language: str, make_facts: MakeFacts) -> None:
    """Subject, text, HTML and text message of each kind are in the customer's language altogether."""
    for kind in KINDS:
        written = everything(kind, make_facts, language)
        assert english_left(written, language) == [], kind
        assert f'lang="{language}"' in written


def test_english_would_be_seen(make_facts: MakeFacts) -> None:
    """The check finds texts of every kind of message in an English one."""
    for kind in KINDS:
        assert len(english_left(everything(kind, make_facts, "en_US"), "en")) > 3, kind


@pytest.mark.parametrize("language", OTHERS)
def test_days_and_times_are_the_locale_s(language: str, make_facts: MakeFacts) -> None:
    """The day has its name and the window the clock of 24 hours, with the mark that people there use."""
    mail = letter(Occasion(kind="confirmation", facts=make_facts(locale=language)))
    for part in WHEN[language]:
        assert part in mail.text


@pytest.mark.parametrize("language", OTHERS)
def test_calendar_entries_are_translated(language: str, make_facts: MakeFacts) -> None:
    """The entry's description speaks the customer's language, too."""
    content = calendar_file(make_facts(locale=language), written_at=TEN).decode().replace("\r\n ", "")
    assert english_left(content, language) == []


def test_a_company_keeps_its_own_kind_of_a_language() -> None:
    """A Belgian company writes Belgian Dutch, and a Danish one British English."""
    assert locale_in("nl", "nl_BE") == "nl_BE"
    assert locale_in("en", "en_US") == "en_US"
    assert locale_in("en", "da_DK") == "en_GB"
    assert locale_in("pl", "en_US") == "pl"
