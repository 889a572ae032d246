"""What every change of the office leaves behind: a line in the audit trail with what was and what is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from fieldservice.models import AuditEntry


@dataclass(frozen=True)
class Change:
    """Who changes a row when, and which version of it they saw. `sure`: whatever it does to others."""

    now: datetime
    actor: str
    version: int = 0
    sure: bool = False


class Overtaken(Exception):
    """Somebody else changed the same row since the page was opened."""


def record(
    session: Session, action: str, row: Any, before: Mapping[str, Any], after: Mapping[str, Any], by: Change
) -> None:
    """Store what changed of a row, as values of JSON by name; nothing when nothing did."""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if not changed:
        return
    detail = {
        "before": {name: before[name] for name in changed if name in before},
        "after": {name: after[name] for name in changed if name in after},
    }
    entry = AuditEntry(at=by.now, actor=by.actor, action=action, detail=detail)
    entry.subject_kind, entry.subject_id = row.__tablename__, row.id
    session.add(entry)


def require_version(row: Any, by: Change) -> None:
    """Raise Overtaken unless the row is as the page showed it."""
    if row.version != by.version:
        raise Overtaken
