"""Who asked to be forgotten stays forgotten when a backup is restored that is older than their wish."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, or_, select
from sqlalchemy.orm import Session

from fieldservice.backup.rows import tables_of
from fieldservice.booking import erasing
from fieldservice.booking.personal import orders_of
from fieldservice.files import FileStore
from fieldservice.files.erasures import Erasure
from fieldservice.models import AuditEntry, Stop, Visit, VisitState, WorkOrder
from fieldservice.models.visit import ENDED
from fieldservice.notify import Channels

ACTOR = "restore"


def erasures_of(connection: Connection) -> list[Erasure]:
    """What a database says was erased, whatever its version."""
    audit = next((table for table in tables_of(connection) if table.name == AuditEntry.__tablename__), None)
    if audit is None:
        return []
    which = audit.c.action == "erased", audit.c.subject_kind == "work_order"
    found = connection.execute(select(audit.c.subject_id, audit.c.at).where(*which))
    return [Erasure(order, at if at.tzinfo else at.replace(tzinfo=UTC)) for order, at in found]


def replay(
    session: Session,
    erasures: Iterable[Erasure],
    *,
    store: FileStore,
    channels: Channels,
    now: datetime,
) -> int:
    """Erase again what the restored history does not know to be erased; returns how many orders that were.

    The moments are not compared with the backup's: an erasure may have begun before it and ended after it.
    A number that was given anew since, to an order that came after its erasure, is somebody else's. Visits
    that had not ended when the backup was taken are ended: nobody would know where to go.
    """
    known = {erasure.work_order_id for erasure in erasures_of(session.connection())}
    erased: set[int] = set()
    for erasure in sorted(erasures, key=lambda each: each.at):
        order = session.get(WorkOrder, erasure.work_order_id)
        if order is None or order.id in known | erased or order.created_at > erasure.at:
            continue
        for first in order.visits[:1]:
            for theirs in orders_of(session, first):
                for visit in theirs.visits:
                    _end(session, visit, now=now)
            erasing.erase(session, first, store=store, channels=channels, now=now)
        erased |= {order.id}
    return len(erased)


def _end(session: Session, visit: Visit, *, now: datetime) -> None:
    if visit.state in ENDED:
        return
    theirs = or_(Stop.visit_id == visit.id, Stop.crew_visit_id == visit.id)
    session.execute(delete(Stop).where(theirs))
    failed = VisitState.COULD_NOT_DO if visit.state == VisitState.ON_SITE else VisitState.CANCELLED
    visit.advance(failed, occurred_at=now, now=now, actor=ACTOR)
    session.flush()
