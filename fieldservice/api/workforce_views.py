"""Technicians, their shifts, and the plans of days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Response
from sqlalchemy import select

from fieldservice import clock, web
from fieldservice.api import edge
from fieldservice.api.edge import bp, found
from fieldservice.api.schemas import (
    PlanSchema,
    ShiftQuery,
    ShiftsSchema,
    TechnicianPage,
    TechnicianQuery,
    TechnicianSchema,
)
from fieldservice.api.tokens import Scope
from fieldservice.models import Stop, Technician, Territory
from fieldservice.planning.rows import DayRows, load_day
from fieldservice.planning.workforce import technicians_of


@bp.operation("GET", "/technicians", Scope.WORKFORCE_READ, TechnicianPage, query=TechnicianQuery)
def technicians(query: dict[str, Any]) -> dict[str, Any]:
    """Technicians in the order in which they were added."""
    wanted = select(Technician)
    if "territory" in query:
        wanted = wanted.where(Technician.territory_id == query["territory"])
    with web.services().db.reading() as session:
        page = edge.page(session, wanted, Technician.id, query)
        return {**page, "items": [_technician(row) for row in page["items"]]}


@bp.operation("GET", "/technicians/<int:technician_id>", Scope.WORKFORCE_READ, TechnicianSchema)
def technician(technician_id: int) -> dict[str, Any]:
    """One technician."""
    with web.services().db.reading() as session:
        return _technician(found(session.get(Technician, technician_id)))


def _technician(row: Technician) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "territory": row.territory_id,
        "phone": row.phone,
        "active": row.active,
        "skills": row.skill_levels(row.territory.local_day(clock.now())),
    }


@bp.operation("GET", "/shifts", Scope.WORKFORCE_READ, ShiftsSchema, query=ShiftQuery)
def shifts(query: dict[str, Any]) -> dict[str, Any]:
    """Who works when: patterns with their dated changes, less absences."""
    days = [query["first_day"] + timedelta(days=number) for number in range(query["days"])]
    with web.services().db.reading() as session:
        territory = found(session.get(Territory, query["territory"]))
        staff = technicians_of(session, territory.id)
        working = [each.working_day(on, territory.zone) for on in days for each in staff]
    items = [
        {
            "technician": shift.technician_id,
            "day": shift.on,
            "starts_at": shift.starts_at,
            "ends_at": shift.ends_at,
        }
        for shift in working
        if shift is not None
    ]
    return {"items": items}


@bp.operation("GET", "/plans/<int:territory_id>/<day:on>", Scope.PLANS_READ, PlanSchema)
def plan(territory_id: int, on: date) -> Response:
    """The plan of a territory's day; its `version` is what a move asks for."""
    with web.services().db.reading() as session:
        territory = found(session.get(Territory, territory_id))
        rows = load_day(session, territory, on, now=clock.now())
        return edge.answer(PlanSchema, _plan(rows))


def _plan(rows: DayRows) -> dict[str, Any]:
    plan = rows.plan
    return {
        "territory": rows.territory.id,
        "day": rows.on,
        "version": plan.version if plan else 1,
        "dispatched_at": plan.dispatched_at if plan else None,
        "routes": [
            {"technician": entry.technician.id, "stops": [_stop(stop) for stop in entry.stops]}
            for entry in rows.technicians
        ],
        "unassigned": [visit.id for visit in rows.unassigned],
    }


def _stop(stop: Stop) -> dict[str, Any]:
    return {
        "kind": stop.kind,
        "visit": stop.visit_id or stop.crew_visit_id,
        "arrives_at": stop.arrives_at,
        "starts_at": stop.starts_at,
        "ends_at": stop.ends_at,
    }
