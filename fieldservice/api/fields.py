"""Kinds of values of the API: each refuses what no column could hold, with a sentence."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields, validate

from fieldservice import web
from fieldservice.typed import is_readable, tidy

_YEARS = (2000, 2199)


class Row(fields.Integer):
    """The number of a row."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(1, web.MAX_ROW), **options)


class AskedRow(fields.Integer):
    """The number of a row in an address, where all is text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=validate.Range(1, web.MAX_ROW), **options)

    def _validated(self, value: Any) -> int:
        if isinstance(value, str) and web.row_of(value) is None:
            raise self.make_error("invalid", input=value)
        return int(super()._validated(value) or 0)


class Instant(fields.AwareDateTime):
    """An instant with its offset from UTC, such as 2026-11-24T13:00:00Z."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        found = super()._deserialize(value, attr, data, **kwargs)
        if not _YEARS[0] < found.year < _YEARS[1]:
            raise ValidationError("Not an instant of this century or the next.")
        return found.astimezone(UTC)


class Day(fields.Date):
    """A calendar day, such as 2026-11-24."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        found = web.day_of(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError("Not a day such as 2026-11-24.")
        return found


class Text(fields.String):
    """Text of at most so many characters that can be shown; `lines` for several lines."""

    def __init__(self, longest: int, *, least: int = 0, lines: bool = False, **options: Any) -> None:
        super().__init__(validate=validate.Length(least, longest), **options)
        self.lines = lines

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = tidy(super()._deserialize(value, attr, data, **kwargs))
        if not is_readable(found, lines=self.lines):
            raise ValidationError("Use letters, numbers and punctuation only.")
        return found


class Word[Kind: StrEnum](fields.Enum[Kind]):
    """One of some words; rows keep them as text."""

    def __init__(self, kind: type[Kind], **options: Any) -> None:
        super().__init__(kind, by_value=True, **options)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else str(value)


class Degrees(fields.Float):
    """A latitude or longitude."""

    def __init__(self, most: int, **options: Any) -> None:
        super().__init__(allow_nan=False, validate=validate.Range(-most, most), **options)


class Cursor(fields.String):
    """Where the next page begins: text that only the API itself reads."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else base64.urlsafe_b64encode(f"after {value}".encode()).decode()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            word, _, number = base64.urlsafe_b64decode(value.encode()).decode().partition(" ")
        except (AttributeError, binascii.Error, UnicodeError) as error:
            raise ValidationError("Not a cursor that came with a page.") from error
        row = web.row_of(number)
        if word != "after" or row is None:
            raise ValidationError("Not a cursor that came with a page.")
        return row
