"""Who else is at a day's board, and at which row: for some seconds after each sign of life."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.models import Presence, Territory, User

EXPIRES = timedelta(seconds=20)
_MOST = 20


@dataclass(frozen=True)
class Here:
    """Another dispatcher at a technician's row, who looks at it or is about to change it."""

    technician_id: int
    name: str
    editing: bool

    @property
    def initials(self) -> str:
        """Two letters for the person."""
        words = self.name.split() or ["?"]
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()

    @property
    def words(self) -> str:
        """What the person does."""
        text = _("%(name)s is changing this row") if self.editing else _("%(name)s looks at this row")
        return str(text % {"name": self.name})


@dataclass(frozen=True)
class Place:
    """A technician's row, or none; `editing` while something of it is dragged or about to be moved."""

    technician_id: int | None
    editing: bool


def show_presence(
    session: Session, territory: Territory, on: date, place: Place, *, user_id: int, now: datetime
) -> None:
    """Remember at which row a dispatcher is; what they were at before is forgotten."""
    row = session.scalar(select(Presence).where(Presence.user_id == user_id))
    if row is None:
        row = Presence(user_id=user_id)
        session.add(row)
    row.territory_id, row.on, row.technician_id = territory.id, on, place.technician_id
    row.editing, row.expires_at = place.editing, now + EXPIRES


def others_here(session: Session, territory: Territory, on: date, *, me: int, now: datetime) -> list[Here]:
    """The other dispatchers at a day's rows; one query on few rows, for every poll."""
    found = session.execute(
        select(Presence.technician_id, User.name, Presence.editing)
        .join(User, User.id == Presence.user_id)
        .where(
            Presence.territory_id == territory.id,
            Presence.on == on,
            Presence.expires_at > now,
            Presence.user_id != me,
            Presence.technician_id.is_not(None),
        )
        .order_by(Presence.id)
        .limit(_MOST)
    )
    return [Here(technician_id or 0, name, editing) for technician_id, name, editing in found]


def as_header(others: Sequence[Here]) -> str:
    """The same for the poll, in ASCII, so that an answer without a body can carry it."""
    return json.dumps([[one.technician_id, one.initials, one.words] for one in others])
