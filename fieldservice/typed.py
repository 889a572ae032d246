"""What every form does with typed text: one spelling, and no characters that turn it into another."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

import phonenumbers
from flask_babel import lazy_gettext as _
from wtforms import DateField, Field, Form, IntegerField, ValidationError
from wtforms.fields.choices import SelectChoice

from fieldservice.web import day_of

_LINES = frozenset("\n\t")
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def tidy(text: str | None) -> str:
    """The text in one spelling of its letters, with plain line ends and nothing around it."""
    return unicodedata.normalize("NFC", (text or "").replace("\r\n", "\n").replace("\r", "\n")).strip()


def is_readable(text: str, *, lines: bool = False) -> bool:
    """Whether a text has no control characters, surrogates and direction overrides; it may have `lines`."""
    allowed = _LINES if lines else frozenset("\t")
    return all(
        char in allowed or (unicodedata.category(char) not in ("Cc", "Cs") and char not in _OVERRIDES)
        for char in text
    )


class Readable:
    """Refuses characters that nobody types and that turn a text into another when it is shown."""

    def __init__(self, *, lines: bool = False) -> None:
        self.lines = lines

    def __call__(self, form: Form, field: Field) -> None:
        """Raise ValidationError for control characters, surrogates and direction overrides."""
        if not is_readable(field.data or "", lines=self.lines):
            raise ValidationError(_("Use letters, numbers and punctuation only"))


def cards(choices: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """Values and labels as the choices of a field."""
    return [SelectChoice(value, label) for value, label in choices]


class WholeNumber(IntegerField):  # type: ignore[misc]
    """A whole number of at most 18 digits: NumberRange cannot compare one of hundreds."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Refuse what no column could hold."""
        if valuelist and len(valuelist[0]) > 18:
            raise ValueError(self.gettext("Not a valid integer value."))
        super().process_formdata(valuelist)


class DayField(DateField):  # type: ignore[misc]
    """A calendar day, as a date input sends it."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        """Refuse what is no day that a calendar of ours reaches."""
        if not valuelist or not valuelist[0]:  # blanks are no empty answer to InputRequired either
            self.data = None
            return
        self.data = day_of(valuelist[0].strip())
        if self.data is None:
            raise ValueError(_("Enter a day, such as 2026-11-24"))


class Phone:
    """Accepts a number that can be dialled, in the spelling of the company's country or with +."""

    def __init__(self, country: str) -> None:
        self.country = country

    def parse(self, typed: str) -> str | None:
        """The number in international form; None when it cannot exist."""
        try:
            number = phonenumbers.parse(typed, self.country)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_possible_number(number):
            return None
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
