"""What every form does with typed text: one spelling, and no characters that turn it into another."""

from __future__ import annotations

import unicodedata

from flask_babel import lazy_gettext as _
from wtforms import Field, Form, ValidationError

_LINES = frozenset("\n\t")
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def tidy(text: str | None) -> str:
    """The text in one spelling of its letters, with plain line ends and nothing around it."""
    return unicodedata.normalize("NFC", (text or "").replace("\r\n", "\n").replace("\r", "\n")).strip()


class Readable:
    """Refuses characters that nobody types and that turn a text into another when it is shown."""

    def __init__(self, *, lines: bool = False) -> None:
        self.allowed = _LINES if lines else frozenset("\t")

    def __call__(self, form: Form, field: Field) -> None:
        """Raise ValidationError for control characters, surrogates and direction overrides."""
        for char in field.data or "":
            if char in self.allowed:
                continue
            if unicodedata.category(char) in ("Cc", "Cs") or char in _OVERRIDES:
                raise ValidationError(_("Use letters, numbers and punctuation only"))
