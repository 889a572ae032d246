"""A visit that fits once somebody's day is made longer: the hours and the place in one change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from fieldservice.dispatch.service import place_visit
from fieldservice.geo.types import TravelTable
from fieldservice.models import PlanChange, Technician, Visit
from fieldservice.planning.hours import hours_json
from fieldservice.planning.judge import Move
from fieldservice.planning.service import lock_territory


class End(StrEnum):
    """Which end of a day is put off."""

    SHIFT = "shift"
    OVERTIME = "overtime"


@dataclass(frozen=True)
class Longer:
    """Whose day becomes longer, which day, and by how much."""

    technician: Technician
    on: date
    end: End
    by: timedelta


def let_in(
    session: Session,
    visit: Visit,
    longer: Longer,
    *,
    plan_version: int,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Let a technician work longer on one day, and place a visit with them; undoing it brings both back.

    Raises NoShift, and what `service.place_visit` raises: RuleBroken when it takes more than that by now.
    """
    technician, on = longer.technician, longer.on
    lock_territory(session, visit.territory)
    session.refresh(technician)
    before = hours_json(technician, on)
    technician.lengthen(on, longer.by, as_overtime=longer.end == End.OVERTIME, reason=visit.reference)
    session.flush()
    change = place_visit(
        session,
        visit,
        Move(technician.id, on, None),
        plan_version=plan_version,
        confirmed=False,
        tables=tables,
        now=now,
        actor=actor,
    )
    hours = {
        "technician_id": technician.id,
        "on": on.isoformat(),
        "before": before,
        "after": hours_json(technician, on),
    }
    change.summary = {**change.summary, "hours": hours}
    return change
