"""Which change of a day can be taken back, and which one that was taken back can be made again.

A change stands while the routes that it touched carry the order that it left, and its visits the pins. What
has begun, ended or run out since is left out of the comparison: nobody takes that back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.models import PlanChange, StopKind, Visit
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.history import pins_of
from fieldservice.planning.linked import links_json
from fieldservice.planning.problem import row_id
from fieldservice.planning.rows import DayRows

UNDO, REDO = "undo", "redo"


def undoable_change(session: Session, rows: DayRows) -> PlanChange | None:
    """The newest change of a day that still stands and was not taken back; None when it no longer stands."""
    if rows.plan is None:
        return None
    return _standing(
        session,
        rows,
        select(PlanChange)
        .where(
            PlanChange.plan_id == rows.plan.id,
            PlanChange.kind != UNDO,
            PlanChange.undone_by_id.is_(None),
        )
        .order_by(PlanChange.id.desc()),
    )


def redoable_change(session: Session, rows: DayRows) -> PlanChange | None:
    """The newest undo that can itself be taken back; None once something else was changed since."""
    if rows.plan is None:
        return None
    newest = session.scalar(
        select(func.max(PlanChange.id)).where(
            PlanChange.plan_id == rows.plan.id, PlanChange.kind.not_in((UNDO, REDO))
        )
    )
    return _standing(
        session,
        rows,
        select(PlanChange)
        .where(
            PlanChange.plan_id == rows.plan.id,
            PlanChange.kind == UNDO,
            PlanChange.undone_by_id.is_(None),
            PlanChange.id > (newest or 0),
        )
        .order_by(PlanChange.id.desc()),
    )


def _standing(session: Session, rows: DayRows, query: Any) -> PlanChange | None:
    change = session.scalar(query.limit(1))
    return change if change is not None and stands(session, rows, change.after) else None


def stands(session: Session, rows: DayRows, after: Mapping[str, Any]) -> bool:
    """Whether a day is as a change left it."""
    left = {
        entry["technician_id"]: entry["visits"]
        for entry in after["routes"]
        if entry["on"] == rows.on.isoformat()
    }
    orders = {entry.technician.id: _order(rows, entry.technician.id) for entry in rows.technicians}
    here = {name for names in orders.values() for name in names}
    gone = _gone(session, {name for names in left.values() for name in names} - here)
    for technician_id, names in left.items():
        if orders.get(technician_id, []) != [name for name in names if name not in gone]:
            return False
    if links_json(session, after.get("links", {})) != after.get("links", {}):
        return False
    pinned = [name for name in after["pins"] if name not in gone]
    return pins_of(session, pinned) == {name: after["pins"][name] for name in pinned}


def _order(rows: DayRows, technician_id: int) -> list[str]:
    """What a technician still has to do, as the scheduler names it."""
    stops = next(entry.stops for entry in rows.technicians if entry.technician.id == technician_id)
    names = []
    for stop in stops:
        if stop.visit is not None and stop.visit.state in PLANNABLE:
            names.append(f"v{stop.visit_id}")
        elif stop.kind == StopKind.HOLD:
            names.append(f"h{stop.hold_id}")
    return names


def _gone(session: Session, names: set[str]) -> set[str]:
    """Those that nobody plans any more: visits that began or ended, holds that ran out."""
    ids = [row_id(name) for name in names if name[0] == "v"]
    waiting: Sequence[int] = []
    if ids:
        query = select(Visit.id).where(Visit.id.in_(ids), Visit.state.in_(PLANNABLE))
        waiting = session.scalars(query).all()
    return names - {f"v{number}" for number in waiting}
