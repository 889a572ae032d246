"""What background tasks do for many rows, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog

log = structlog.get_logger()


def each[T](ids: Iterable[int], serve: Callable[[int], T]) -> list[T]:
    """What came of each row. One that fails stops no other: its error is raised after all the others."""
    found: list[T] = []
    first: Exception | None = None
    for row_id in ids:
        try:
            found.append(serve(row_id))
        except Exception as error:
            log.exception("sweep failed", row_id=row_id)
            first = first or error
    if first is not None:
        raise first
    return found
