"""What a technician did while the plan changed: both versions, and what the dispatcher decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fieldservice.models import KeptDecision, KeptWork, OfficeTask, Visit, VisitState
from fieldservice.models.visit import ENDED

TASK = "sync_conflict"
_STATES = {"on_my_way": VisitState.EN_ROUTE, "arrived": VisitState.ON_SITE, "done": VisitState.DONE}


class AlreadyDecided(Exception):
    """Somebody has decided about this meanwhile."""


def of_visit(session: Session, visit: Visit) -> Sequence[KeptWork]:
    """All that was kept of a visit, in the order in which it was tapped."""
    query = select(KeptWork).where(KeptWork.visit_id == visit.id)
    return session.scalars(query.order_by(KeptWork.tapped_at, KeptWork.id)).all()


def would_enter(row: KeptWork) -> VisitState | None:
    """The state that the visit comes to when the work counts; None when only its history tells of it."""
    wanted = _STATES.get(row.value("kind")) if row.kind == "tap" else None
    return wanted if wanted == VisitState.DONE and row.visit.state not in ENDED else None


def decide(
    session: Session, row: KeptWork, decision: KeptDecision, *, user_id: int, now: datetime, actor: str
) -> None:
    """Let the work count, or the plan stay. Either way the visit's history tells of it, for good.

    A visit that was finished is done, whoever has it on their route now; one that was cancelled, or done by
    somebody else, stays what it is. Raises AlreadyDecided.
    """
    session.refresh(row, with_for_update={"of": KeptWork})
    if row.decided_at is not None:
        raise AlreadyDecided
    counts = decision == KeptDecision.COUNTS
    state = would_enter(row) if counts else None
    about = {
        "label": row.label,
        "decision": str(decision),
        "technician_id": row.technician_id,
        "phone_at": row.phone_at.isoformat(),
        "fields": row.fields,
    }
    if state is None:
        row.visit.record("kept_work", occurred_at=row.tapped_at, now=now, actor=actor, payload=about)
    else:
        row.visit.advance(
            state, occurred_at=row.tapped_at, now=now, actor=actor, event_key=row.item_id, payload=about
        )
    row.decision, row.decided_at, row.decided_by_id = decision, now, user_id
    session.flush()
    if all(other.decided_at is not None for other in of_visit(session, row.visit)):
        _finish_task(session, row.visit, user_id=user_id, now=now)


def _finish_task(session: Session, visit: Visit, *, user_id: int, now: datetime) -> None:
    open_tasks = update(OfficeTask).where(
        OfficeTask.visit_id == visit.id, OfficeTask.kind == TASK, OfficeTask.done_at.is_(None)
    )
    session.execute(open_tasks.values(done_at=now, done_by_id=user_id))
