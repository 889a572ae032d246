"""Writes the texts of the product to fieldservice/translations/messages.pot, and to the .po files beside it.

With a folder named, the .pot file and copies of the .po files go there instead.
"""

from __future__ import annotations

import sys
from contextlib import chdir
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "fieldservice" / "translations"
NAME = "messages.pot"


def main(out: Path) -> None:
    """Extract as babel.cfg says, then keep the translations of texts that are still there."""
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    extract(out / NAME)
    with (out / NAME).open("rb") as file:
        template = read_po(file)
    for path in sorted(FOLDER.glob("*/LC_MESSAGES/messages.po")):
        update(path, out / path.relative_to(FOLDER), template)


def extract(out: Path) -> None:
    """Write the .pot file; `_layouts` and `_macros` count, which Babel would leave out."""
    arguments = [
        "--mapping-file=babel.cfg",
        "--keywords=_l lazy_gettext",
        "--ignore-dirs=.* node_modules",
        "--add-location=file",
        "--sort-by-file",
        "--no-wrap",
        "--project=fieldservice",
        "--header-comment=# The texts of the product; `make messages` writes this file.",
        f"--output-file={out}",
        ".",
    ]
    with chdir(ROOT):  # the locations in the file are relative to it
        CommandLineInterface().run(["pybabel", "--quiet", "extract", *arguments])  # type: ignore[no-untyped-call]


def update(path: Path, out: Path, template: Catalog) -> None:
    """A new text is added empty, a changed one is not guessed at, and one that is gone goes.

    What did not change stays byte for byte, so that branches that add texts meet in few lines.
    """
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parts[-3])
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("wb") as file:
        write_po(file, catalogue, width=0, sort_by_file=False, include_lineno=False, omit_header=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
