"""The background side of approvals: what nobody agreed to in time, each in a transaction of its own."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from fieldservice.booking import approvals
from fieldservice.db import Database
from fieldservice.models import Approval
from fieldservice.sweeps import each


def expire_all(db: Database, *, now: datetime) -> int:
    """Give the windows back and tell the requesters; returns how many there were."""
    with db.reading() as session:
        late = approvals.overdue(session, now=now)
    return sum(each(late, lambda key: db.run(partial(_expire, approval_id=key, now=now))))


def _expire(session: Session, *, approval_id: int, now: datetime) -> bool:
    return approvals.expire(session, session.get_one(Approval, approval_id), now=now)
