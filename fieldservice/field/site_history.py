"""What is known of a site: its equipment, and what colleagues did and wrote at their last visits there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import lock_technicians
from fieldservice.field import service
from fieldservice.models import Technician, Visit, VisitAsset, VisitReport, VisitState, WorkOrder
from fieldservice.models.visit import ENDED, UNDERWAY

_VISITS = 5
_PIECES = 200


@dataclass(frozen=True)
class Equipment:
    """One piece: as it was noted last, differently before, and at which visits; `here`: this one."""

    newest: VisitAsset
    earlier: Sequence[VisitAsset]
    visits: Sequence[VisitAsset]
    here: bool


@dataclass(frozen=True)
class PastVisit:
    """A visit that is over: when, by whom, and what was written down."""

    visit: Visit
    at: datetime
    technician: str
    report: VisitReport | None


@dataclass(frozen=True)
class SiteHistory:
    """What a technician sees of a site on the day of their visit."""

    equipment: Sequence[Equipment]
    visits: Sequence[PastVisit]


@dataclass(frozen=True, kw_only=True)
class Noted:
    """A piece of equipment as the phone sends it."""

    visit_id: int
    name: str
    make: str
    model: str
    serial: str
    moment: datetime


def history(session: Session, technician: Technician, visit: Visit, *, now: datetime) -> SiteHistory | None:
    """The site of an own visit of today, or of one that is underway; None on other days."""
    today = technician.territory.local_day(now)
    if visit.state not in UNDERWAY and service.planned_on(visit) != today:
        return None
    return SiteHistory(_equipment(session, visit), _past(session, visit))


def note(session: Session, technician: Technician, said: Noted, *, now: datetime) -> None:
    """Keep that a piece was seen at a visit. What was noted last counts, whenever it arrives; the rest stays.

    Raises NotYourVisit, WrongTime.
    """
    service.require_moment(said.moment, now=now)
    lock_technicians(session, [technician.id])
    visit = service.own_visit(session, technician, said.visit_id)
    row = VisitAsset(
        visit_id=visit.id,
        technician_id=technician.id,
        name=said.name,
        make=said.make,
        model=said.model,
        serial=said.serial,
        said_at=said.moment,
    )
    for known in session.scalars(select(VisitAsset).where(VisitAsset.visit_id == visit.id)):
        if known.words == row.words and known.said_at > row.said_at:
            return
        if known.words == row.words:
            session.delete(known)
    session.add(row)


def _equipment(session: Session, visit: Visit) -> list[Equipment]:
    query = (
        select(VisitAsset)
        .join(Visit, Visit.id == VisitAsset.visit_id)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.site_id == visit.work_order.site_id)
        .order_by(VisitAsset.said_at.desc(), VisitAsset.id.desc())
        .limit(_PIECES)
    )
    pieces: dict[tuple[str, ...], list[VisitAsset]] = {}
    for row in session.scalars(query):
        pieces.setdefault(row.same_as, []).append(row)
    return [_piece(rows, visit) for rows in pieces.values()]


def _piece(rows: Sequence[VisitAsset], visit: Visit) -> Equipment:
    """One piece by what was noted of it, the newest first."""
    words = {rows[0].words: rows[0]}
    visits: dict[int, VisitAsset] = {}
    for row in rows:
        words.setdefault(row.words, row)
        visits.setdefault(row.visit_id, row)
    newest, *earlier = words.values()
    return Equipment(newest, earlier, list(visits.values()), here=visit.id in visits)


def _past(session: Session, visit: Visit) -> list[PastVisit]:
    query = (
        select(Visit)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.site_id == visit.work_order.site_id, Visit.id != visit.id)
        .where(Visit.state.in_(ENDED - {VisitState.CANCELLED}))
        .order_by(Visit.window_starts_at.desc(), Visit.id.desc())
        .limit(_VISITS)
    )
    return [_past_visit(session, each) for each in session.scalars(query)]


def _past_visit(session: Session, visit: Visit) -> PastVisit:
    report = session.get(VisitReport, visit.id)
    who = session.get(Technician, report.technician_id) if report else None
    if who is None and visit.stop is not None:
        who = visit.stop.technician
    at = max((event.occurred_at for event in visit.events), default=visit.created_at)
    return PastVisit(visit, visit.moments.get("done", at), who.name if who else "", report)
