"""Writes the texts of the product to fieldservice/translations/messages.pot, or to the file that is named."""

from __future__ import annotations

import sys
from contextlib import chdir
from pathlib import Path

from babel.messages.frontend import CommandLineInterface

ROOT = Path(__file__).parents[1]
CATALOGUE = ROOT / "fieldservice" / "translations" / "messages.pot"


def main(out: Path) -> None:
    """Extract as babel.cfg says; `_layouts` and `_macros` count, which Babel would leave out."""
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
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


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CATALOGUE)
