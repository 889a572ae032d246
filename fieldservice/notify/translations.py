"""The product's languages and their texts: one .po file each, read when somebody first needs it.

The files are read as they are, so that a text that was changed cannot lag behind in a compiled copy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from fieldservice.notify.words import locale_of
from fieldservice.paths import PACKAGE

SOURCE = "en"
"""The language in which the texts stand in the code."""

_FOLDER = PACKAGE / "translations"
_WITHOUT_HOME = {SOURCE: "en_GB"}  # where a language is at home that the company does not speak itself


@lru_cache
def languages() -> tuple[str, ...]:
    """The languages that there are texts for, by their codes: the source first."""
    return SOURCE, *sorted(path.parts[-3] for path in _FOLDER.glob("*/LC_MESSAGES/messages.po"))


def language_of(locale: str) -> str:
    """The language of a locale: nl of nl_BE."""
    return locale_of(locale).language


def locale_in(language: str, company_locale: str) -> str:
    """The locale in which a company of `company_locale` speaks a language: its own one when it is that."""
    if language_of(company_locale) == language:
        return company_locale
    return _WITHOUT_HOME.get(language, language)


@lru_cache
def translations_of(locale: str) -> NullTranslations:
    """The texts of a locale, or such that leave the English as it is."""
    return _read(language_of(locale))


def gettext_of(locale: str) -> Callable[[str], str]:
    """`gettext` into a locale."""
    found: Callable[[str], str] = translations_of(locale).gettext
    return found


def ngettext_of(locale: str) -> Callable[[str, str, int], str]:
    """`ngettext` into a locale."""
    found: Callable[[str, str, int], str] = translations_of(locale).ngettext
    return found


@lru_cache
def _read(language: str) -> NullTranslations:
    path = _FOLDER / language / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language, ignore_obsolete=True))
    compiled.seek(0)
    return Translations(compiled)
