"""Tables as CSV files that a spreadsheet opens without running anything in them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO

from flask import Response

_RUNS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection)."""


def csv_text(titles: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """Titles and rows as CSV (RFC 4180), begun with the mark by which Excel knows UTF-8."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow([_cell(title) for title in titles])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return "\ufeff" + out.getvalue()


def csv_file(name: str, titles: Iterable[object], rows: Iterable[Iterable[object]]) -> Response:
    """An answer that a browser keeps as `name`.csv."""
    answer = Response(csv_text(titles, rows), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _cell(value: object) -> object:
    """Numbers as they are; text that would be run gets an apostrophe, as spreadsheets write it themselves."""
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_RUNS) else text
