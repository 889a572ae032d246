"""Work that could not be done is done on another visit."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.auth.links import make_link
from fieldservice.models import OfficeTask, Visit, VisitState
from fieldservice.models.visit import new_reference

MISSED = "missed"
"""The kind of message that says that nobody opened."""
_LINK = timedelta(days=180)


def once_more(session: Session, visit: Visit, secret_key: str, *, now: datetime, actor: str) -> Visit:
    """The same work as a new visit that waits for a time; its customer gets a link of its own."""
    more = Visit(
        reference=_free_reference(session, visit.reference.rpartition("-")[0] or "V"),
        work_order=visit.work_order,
        territory=visit.territory,
        state=VisitState.REQUESTED,
        setup=visit.setup,
        service_duration=visit.service_duration,
        cleanup=visit.cleanup,
        priority=visit.priority,
        crew=visit.crew,
        skills=dict(visit.skills),
        parts=list(visit.parts),
        preferred_technician_id=visit.preferred_technician_id,
        wanted_on=visit.territory.local_day(now),
        promise_version=0,
        created_at=now,
    )
    session.add(more)
    more.record("requested", occurred_at=now, now=now, actor=actor, payload={"after": visit.reference})
    session.flush()
    session.add(OfficeTask(kind="find_time", visit_id=more.id, detail=visit.site.one_line, created_at=now))
    make_link(more, secret_key=secret_key, now=now, expires_at=now + _LINK)
    return more


def _free_reference(session: Session, prefix: str) -> str:
    while True:
        reference = new_reference(prefix)
        if session.scalar(select(Visit.id).where(Visit.reference == reference)) is None:
            return reference
