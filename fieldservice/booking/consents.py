"""What a customer wants to get, decided for one work order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from fieldservice.models import Purpose, Visit


def decide(session: Session, visit: Visit, decisions: Mapping[Purpose, bool], *, now: datetime) -> None:
    """Keep each decision that is another one than before, with its time.

    The sweep looks at them when a message is due, so that what is written already is stopped, too.
    """
    session.refresh(visit, with_for_update={"of": Visit})
    for purpose, given in decisions.items():
        visit.work_order.decide(purpose, given=given, now=now)
