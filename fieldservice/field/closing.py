"""What the technician writes down at a visit: the checklist, notes, parts from the van, and who signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import lock_technicians
from fieldservice.field import checklist, service
from fieldservice.models import Technician, VanPart, Visit, VisitReport


@dataclass(frozen=True, kw_only=True)
class Said:
    """A form about the work as it was filled in: answers by the key of their item, how many of each part."""

    visit_id: int
    answers: Mapping[str, Any]
    parts: Mapping[str, int]
    notes: str
    moment: datetime


def stock_of(session: Session, technician: Technician) -> list[VanPart]:
    """What the office says is in the technician's van, by name."""
    query = select(VanPart).where(VanPart.technician_id == technician.id).order_by(VanPart.name)
    return list(session.scalars(query))


def report_of(session: Session, visit: Visit) -> VisitReport | None:
    """What was written down at a visit so far."""
    return session.get(VisitReport, visit.id)


def write(session: Session, technician: Technician, said: Said, *, now: datetime) -> VisitReport:
    """Keep what was filled in, and take the parts from the van; an older form than the last changes nothing.

    What differs from what was signed has to be signed again. Parts from another technician's van stay
    theirs, and so do those that this van does not have any more. Raises NotYourVisit, WrongTime.
    """
    service.require_moment(said.moment, now=now)
    visit, report = _opened(session, technician, said.visit_id, said.moment)
    if said.moment < report.said_at:
        return report
    was = (report.checks, report.parts, report.notes)
    own = report.by_van.get(technician.id, {})
    offered = _take(session, technician, own, said.parts)
    items = {item.key: item.row for item in checklist.items_of(visit)}
    report.checks = {
        key: {"label": row.label, "kind": row.kind, "unit": row.unit, "answer": said.answers[key]}
        for key, row in items.items()
        if key in said.answers
    }
    gone = {name: count for name, count in own.items() if name not in offered}
    report.use(technician.id, {**gone, **said.parts})
    report.notes, report.said_at = said.notes, said.moment
    if was != (report.checks, report.parts, report.notes):
        report.signed_by, report.signed_at = "", None  # nobody has signed this
    return report


def sign(
    session: Session, technician: Technician, visit_id: int, name: str, *, moment: datetime, now: datetime
) -> VisitReport:
    """Keep who signed, and when; the newest signature counts. Raises NotYourVisit, WrongTime."""
    service.require_moment(moment, now=now)
    _visit, report = _opened(session, technician, visit_id, moment)
    if report.signed_at is None or moment >= report.signed_at:
        report.signed_by, report.signed_at = name, moment
    return report


def _opened(
    session: Session, technician: Technician, visit_id: int, moment: datetime
) -> tuple[Visit, VisitReport]:
    """The visit, locked, and its report, begun where there is none."""
    lock_technicians(session, [technician.id])
    visit = service.own_visit(session, technician, visit_id)
    session.refresh(visit, with_for_update={"of": Visit})
    report = session.get(VisitReport, visit.id, populate_existing=True)
    if report is None:
        report = VisitReport(
            visit_id=visit.id,
            technician_id=technician.id,
            checks={},
            parts={},
            vans={},
            notes="",
            said_at=moment,
        )
        session.add(report)
    return visit, report


def _take(
    session: Session, technician: Technician, was: Mapping[str, int], now: Mapping[str, int]
) -> set[str]:
    """Take from the van what is said to be used beyond what was said before, or put it back; what it has."""
    stock = stock_of(session, technician)
    for part in stock:
        part.quantity -= now.get(part.name, 0) - was.get(part.name, 0)
    return {part.name for part in stock}
