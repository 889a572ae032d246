"""Visits: list, read, another window, cancel, and a move by the office; each under the checks of its page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.api import edge, visits
from fieldservice.api.edge import Tables, bp, found
from fieldservice.api.problems import Refused
from fieldservice.api.schemas import (
    CancelSchema,
    MoveSchema,
    RescheduleSchema,
    VisitPage,
    VisitQuery,
    VisitSchema,
)
from fieldservice.api.tokens import Scope
from fieldservice.booking import manage
from fieldservice.dispatch import service as dispatch
from fieldservice.models import Technician, Visit, VisitState, Window
from fieldservice.planning.judge import Move
from fieldservice.planning.rows import visit_place
from fieldservice.planning.service import days_of_visit

type Change = Callable[[Session, Visit, Tables], object]


@bp.operation("GET", "/visits", Scope.VISITS_READ, VisitPage, query=VisitQuery)
def list_visits(query: dict[str, Any]) -> dict[str, Any]:
    """Visits in the order in which they were made."""
    now, wanted = clock.now(), select(Visit)
    if "territory" in query:
        wanted = wanted.where(Visit.territory_id == query["territory"])
    if "state" in query:
        wanted = wanted.where(Visit.state == query["state"])
    if "first_day" in query:
        wanted = wanted.where(Visit.window_starts_at >= _midnight(query["first_day"]))
    if "last_day" in query:
        wanted = wanted.where(Visit.window_starts_at < _midnight(query["last_day"]) + timedelta(days=1))
    with web.services().db.reading() as session:
        page = edge.page(session, wanted, Visit.id, query)
        return {**page, "items": [visits.as_json(visit, now=now) for visit in page["items"]]}


def _midnight(on: date) -> datetime:
    return datetime.combine(on, time(0), UTC)


@bp.operation("GET", "/visits/<int:visit_id>", Scope.VISITS_READ, VisitSchema)
def visit(visit_id: int) -> Response:
    """One visit with its ETag, which its changes ask for."""
    with web.services().db.reading() as session:
        row = found(session.get(Visit, visit_id))
        return edge.fresh(_answer(row))


def _answer(row: Visit) -> Response:
    return edge.answer(VisitSchema, visits.as_json(row, now=clock.now()), tag=edge.tag_of(row))


@bp.operation(
    "POST",
    "/visits/<int:visit_id>/reschedule",
    Scope.VISITS_WRITE,
    VisitSchema,
    body=RescheduleSchema,
    matched=True,
)
def reschedule(asked: dict[str, Any], visit_id: int) -> Response:
    """Promise another window, as the customer's page does: until the cut-off, if it can be kept."""
    window = Window(**asked["window"])

    def change(session: Session, row: Visit, tables: Tables) -> None:
        if window.ends_at - window.starts_at != row.service.window_length:
            raise Refused(
                422, "invalid", "See errors.", {"window": ["Not as long as the service's windows."]}
            )
        actor = edge.caller().actor
        manage.reschedule(session, row, window, tables=tables, now=clock.now(), actor=actor)

    return _change(visit_id, change, "rescheduled", instants=[window.starts_at])


@bp.operation(
    "POST", "/visits/<int:visit_id>/cancel", Scope.VISITS_WRITE, VisitSchema, body=CancelSchema, matched=True
)
def cancel(asked: dict[str, Any], visit_id: int) -> Response:
    """End a visit, as the customer's page does: until the cut-off, or for its fee."""

    def change(session: Session, row: Visit, tables: Tables) -> None:
        manage.cancel(
            session,
            row,
            reason=asked["reason"],
            tables=tables,
            now=clock.now(),
            agreed=asked["fee"],
            actor=edge.caller().actor,
        )

    return _change(visit_id, change, "cancelled")


@bp.operation(
    "POST", "/visits/<int:visit_id>/move", Scope.PLANS_WRITE, VisitSchema, body=MoveSchema, matched=True
)
def move(asked: dict[str, Any], visit_id: int) -> Response:
    """Put a visit on a route, as the board does: hard rules refuse it, others until it is confirmed."""
    wanted = Move(asked["technician"], asked["day"], asked["starts_at"], asked["reason"])

    def change(session: Session, row: Visit, tables: Tables) -> None:
        technician = session.get(Technician, wanted.technician_id)
        if technician is None or not technician.active or technician.territory_id != row.territory_id:
            faults = {"technician": ["Nobody of the visit's territory has this number."]}
            raise Refused(422, "invalid", "See errors.", faults)
        starts_at = wanted.starts_at
        if starts_at is not None and row.territory.local_day(starts_at) != wanted.on:
            raise Refused(422, "invalid", "See errors.", {"starts_at": ["Not on this day."]})
        dispatch.place_visit(
            session,
            row,
            wanted,
            plan_version=asked["plan_version"],
            confirmed=asked["confirmed"],
            tables=tables,
            now=clock.now(),
            actor=edge.caller().actor,
        )

    return _change(visit_id, change, "moved", days=[wanted.on])


def _change(
    visit_id: int,
    change: Change,
    action: str,
    *,
    days: Iterable[date] = (),
    instants: Iterable[datetime] = (),
) -> Response:
    """A change of a visit that its caller has seen as it is, in one transaction."""
    with web.services().db.reading() as session:
        row = found(session.get(Visit, visit_id))
        place, territory_id = visit_place(row), row.territory_id
        touched = [*days, *days_of_visit(row), *(row.territory.local_day(at) for at in instants)]
        if row.state == VisitState.REQUESTED:
            touched.append(dispatch.wanted_day(row, now=clock.now()))

    def work(session: Session, tables: Tables) -> Response:
        row = found(session.get(Visit, visit_id))
        manage.lock(session, row)
        edge.require_match(row)
        change(session, row, tables)
        edge.audit(session, action, "visit", visit_id)
        session.flush()
        session.refresh(row)
        session.expire(row, ["stop"])
        return _answer(row)

    return edge.once_with_tables(territory_id, touched, [place] if place else [], work)
