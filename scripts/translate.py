"""Helps a translator: what a language lacks, as a list to fill in, and back.

    make messages                                              # new texts become empty entries
    .venv/bin/python scripts/translate.py missing nl > nl.json
    .venv/bin/python scripts/translate.py fill nl nl.json      # after every "" was written
    .venv/bin/python scripts/translate.py begin de             # a language that is new

A text with a plural has as many entries as the language has forms, in the order of its .po file's head.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

FOLDER = Path(__file__).parents[1] / "fieldservice" / "translations"


def begin(language: str) -> None:
    """An empty catalogue beside the others."""
    with (FOLDER / "messages.pot").open("rb") as file:
        texts = read_po(file)
    catalogue = Catalog(locale=language, project="fieldservice", header_comment=f"# {language}", fuzzy=False)
    catalogue.update(texts, no_fuzzy_matching=True)
    _path(language).parent.mkdir(parents=True)
    _write(language, catalogue)


def missing(language: str) -> None:
    """Print the texts without a translation."""
    catalogue = _read(language)
    entries = [message for message in catalogue if message.id and not _translated(message)]
    print(json.dumps({_name(m): _empty(m, catalogue) for m in entries}, indent=1, ensure_ascii=False))  # noqa: T201


def fill(language: str, file: str) -> None:
    """Write the filled-in list into the catalogue."""
    catalogue, given = _read(language), json.loads(Path(file).read_text(encoding="utf-8"))
    for message in catalogue:
        if message.id and (words := given.pop(_name(message), None)):
            message.string = tuple(words) if isinstance(words, list) else words
            message.flags.discard("fuzzy")
    if given:
        sys.exit(f"no texts of the product: {', '.join(given)}")
    _write(language, catalogue)


def _path(language: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def _read(language: str) -> Catalog:
    with _path(language).open("rb") as file:
        return read_po(file, locale=language)


def _write(language: str, catalogue: Catalog) -> None:
    with _path(language).open("wb") as file:
        write_po(file, catalogue, width=0, include_lineno=False)


def _translated(message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(forms) and not message.fuzzy


def _name(message: Message) -> str:
    return " | ".join(message.id) if isinstance(message.id, tuple) else message.id


def _empty(message: Message, catalogue: Catalog) -> str | list[str]:
    return [""] * catalogue.num_plurals if isinstance(message.id, tuple) else ""


if __name__ == "__main__":
    {"begin": begin, "missing": missing, "fill": fill}[sys.argv[1]](*sys.argv[2:])
