"""The product's translations where no request is at hand; the pages read the same catalogues."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from gettext import NullTranslations

from babel.support import Translations

from fieldservice.notify.words import locale_of
from fieldservice.paths import PACKAGE


@lru_cache
def translations_of(locale: str) -> NullTranslations:
    """The catalogue of a locale, or one that leaves the English text as it is."""
    return Translations.load(PACKAGE / "translations", [locale_of(locale)])


def gettext_of(locale: str) -> Callable[[str], str]:
    """`gettext` into a locale."""
    return translations_of(locale).gettext
