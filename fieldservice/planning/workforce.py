"""The technicians of a territory with their skills, shifts, breaks and absences, kept between requests.

Triggers count every change of them in `Territory.workforce_version` (see `fieldservice.migrate`): what was
read at a version is what there is while the version stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from fieldservice.db import kept_rows
from fieldservice.models import Technician, Territory


@dataclass(frozen=True)
class _Workforce:
    version: int
    technicians: tuple[Technician, ...]


def technicians_of(session: Session, territory_id: int) -> Sequence[Technician]:
    """The active technicians of a territory in the order of their ids, with all that a working day takes.

    They belong to no session: read them, change nothing. Only what a reading session saw is kept; what a
    writing one sees may be rolled back.
    """
    version = session.scalars(
        select(Territory.workforce_version).where(Territory.id == territory_id)
    ).one_or_none()
    kept = kept_rows(session)
    found = kept.rows.get(("workforce", territory_id))
    if isinstance(found, _Workforce) and found.version == version:
        return found.technicians
    # an identity map of its own: the same rows may be at work in the caller's session
    with Session(session.connection(), expire_on_commit=False) as own:
        technicians = tuple(own.scalars(_query(territory_id)).all())
        own.expunge_all()
    if kept.committed and version is not None:
        kept.rows["workforce", territory_id] = _Workforce(version, technicians)
    return technicians


def _query(territory_id: int) -> Select[Technician]:
    return (
        select(Technician)
        .where(Technician.territory_id == territory_id, Technician.active)
        .order_by(Technician.id)
        .options(
            selectinload(Technician.skills),
            selectinload(Technician.shift_patterns),
            selectinload(Technician.shift_overrides),
            selectinload(Technician.break_rules),
            selectinload(Technician.absences),
        )
    )


def somebody_can(session: Session, territory_id: int, skills: Mapping[str, int]) -> bool:
    """Whether one active technician of the territory has all these skills, at least at these levels."""
    held = (
        {skill.skill.code: skill.level for skill in technician.skills}
        for technician in technicians_of(session, territory_id)
    )
    return any(all(levels.get(code, 0) >= level for code, level in skills.items()) for levels in held)
