"""Which change of a day can be taken back, and which one that was taken back can be made again.

A change stands while the routes that it touched carry the order that it left, and its visits the pins. What
has begun, ended or run out since is left out of the comparison: nobody takes that back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.models import PlanChange, Visit
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.history import pins_of
from fieldservice.planning.linked import links_json
from fieldservice.planning.names import name_of, row_id, visit_number
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
    sizes = after.get("crews", {})
    if any(crew != sizes[f"v{key}"] for key, crew in _crews(session, sizes)):
        return False
    pinned = [name for name in after["pins"] if name not in gone]
    return pins_of(session, pinned) == {name: after["pins"][name] for name in pinned}


def _crews(session: Session, names: Collection[str]) -> Sequence[tuple[int, int]]:
    query = select(Visit.id, Visit.crew).where(Visit.id.in_([row_id(name) for name in names]))
    return [(key, crew) for key, crew in session.execute(query)]


def _order(rows: DayRows, technician_id: int) -> list[str]:
    """What a technician still has to do, as the scheduler names it."""
    stops = next(entry.stops for entry in rows.technicians if entry.technician.id == technician_id)
    names = []
    for stop in stops:
        name = name_of(stop)
        if name is not None and (stop.work is None or stop.work.state in PLANNABLE):
            names.append(name)
    return names


def _gone(session: Session, names: set[str]) -> set[str]:
    """Those that nobody plans any more: visits that began or ended, holds that ran out."""
    ids = [row_id(name) for name in names if name[0] in "vc"]
    waiting: Collection[int] = ()
    if ids:
        query = select(Visit.id).where(Visit.id.in_(ids), Visit.state.in_(PLANNABLE))
        waiting = set(session.scalars(query))
    return {name for name in names if visit_number(name) not in waiting}
