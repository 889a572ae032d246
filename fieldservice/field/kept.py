"""Work that the server refused because the plan had changed: it is kept as sent, and the office decides."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import exists_one
from fieldservice.models import KeptWork, OfficeTask, Technician, Visit

TASK = "sync_conflict"
DECIDE_WITHIN = timedelta(hours=4)
_ABOUT = re.compile(r"/day/visits/(\d{1,9})/[\w-]+(/[\w-]+)*")


class NotAboutAVisit(Exception):
    """The item says nothing about a visit of the technician's territory."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item of a phone's outbox as it was sent, and why it was refused. `fields`: [[name, value]]."""

    item_id: str
    kind: str
    label: str
    action: str
    tapped_at: datetime
    phone_at: datetime
    fields: list[list[str]] = field(default_factory=list)
    status: int = 0
    reason: str = ""
    file_key: str | None = None
    file_name: str = ""
    sha256: str = ""


def keep(session: Session, technician: Technician, item: Item, *, now: datetime) -> KeptWork:
    """Keep an item and give the office a task; the same item again is the same row. Raises NotAboutAVisit."""
    known = session.scalar(select(KeptWork).where(KeptWork.item_id == item.item_id))
    if known is not None:
        return known
    visit = _visit_of(session, technician, item.action)
    row = KeptWork(
        item_id=item.item_id,
        visit_id=visit.id,
        technician_id=technician.id,
        kind=item.kind,
        label=item.label,
        fields=item.fields,
        status=item.status,
        reason=item.reason,
        tapped_at=item.tapped_at,
        phone_at=item.phone_at,
        received_at=now,
        file_key=item.file_key,
        file_name=item.file_name,
        sha256=item.sha256,
    )
    session.add(row)
    _ask_the_office(session, visit, now=now)
    session.flush()
    return row


def _visit_of(session: Session, technician: Technician, action: str) -> Visit:
    found = _ABOUT.fullmatch(action)
    visit = session.get(Visit, int(found[1])) if found else None
    if visit is None or visit.territory_id != technician.territory_id:
        raise NotAboutAVisit
    session.refresh(visit, with_for_update={"of": Visit})
    return visit


def _ask_the_office(session: Session, visit: Visit, *, now: datetime) -> None:
    """One open task for all that was kept of a visit."""
    open_task = select(OfficeTask.id).where(
        OfficeTask.visit_id == visit.id, OfficeTask.kind == TASK, OfficeTask.done_at.is_(None)
    )
    if not exists_one(session, open_task):
        session.add(OfficeTask(kind=TASK, visit_id=visit.id, created_at=now, due_at=now + DECIDE_WITHIN))
