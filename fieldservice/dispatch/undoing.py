"""Taking back a change of the plan, with what caused it, and telling those who were told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from fieldservice.geo.types import TravelTable
from fieldservice.models import Absence, Plan, PlanChange, Territory
from fieldservice.planning import changes
from fieldservice.planning.hours import restore_hours
from fieldservice.planning.notices import tell_changed
from fieldservice.planning.problem import row_id
from fieldservice.planning.route_day import restore_promises
from fieldservice.planning.running import causes_of
from fieldservice.planning.service import lock_territory
from fieldservice.planning.undo import UNDO


def undo(
    session: Session,
    change: PlanChange,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> int:
    """Bring back what was before a change; an absence that it answered to ends with it, longer hours too.

    Returns how many customers are told again. Raises what `planning.changes.undo_change` raises.
    """
    causes = causes_of(change.summary)
    plan = session.get_one(Plan, change.plan_id)
    lock_territory(session, session.get_one(Territory, plan.territory_id))
    over = [cause.absence_id for cause in causes if cause.absence_id is not None]
    session.execute(delete(Absence).where(Absence.id.in_(over)))
    if "hours" in change.summary:
        restore_hours(session, change.summary["hours"], which="after" if change.kind == UNDO else "before")
    told = 0
    if "promises" in change.summary:
        which = "after" if change.kind == UNDO else "before"
        told = restore_promises(session, change, which=which, now=now, actor=actor)
    undone = changes.undo_change(session, change, tables=tables, now=now, actor=actor)
    if "told" not in change.summary or "promises" in change.summary:
        return told
    old, then = _technicians(change.before), _technicians(undone.before)
    return len(tell_changed(session, {key: then.get(key, old[key]) for key in old}, {}, now=now))


def _technicians(orders: Mapping[str, Any]) -> dict[int, int]:
    """Visit -> technician of stored orders."""
    return {
        row_id(name): route["technician_id"]
        for route in orders["routes"]
        for name in route["visits"]
        if name.startswith("v")
    }
