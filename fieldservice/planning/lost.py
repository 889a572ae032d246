"""Visits that lose their technician: freed of their pins, and looked after by a plan that mends the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from fieldservice.models import Pin, Plan, Visit
from fieldservice.planning.history import pin_json
from fieldservice.planning.running import Cause, CauseKind, request_repair


def lose_places(
    session: Session,
    plan: Plan,
    lost: Sequence[Visit],
    kind: CauseKind,
    technician_id: int,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    actor: str,
) -> list[int]:
    """Note that visits of a day lose their place with somebody, and ask for a plan; returns their numbers.

    `payload` is kept with each visit's history; its `absence_id`, if any, is what ends the search again. What
    was promised stands. The territory is locked.
    """
    plan.version += 1
    if not lost:
        return []
    pins = {f"v{visit.id}": pin_json(visit.pin) for visit in lost if visit.pin is not None}
    for visit in lost:
        visit.record("place_lost", occurred_at=now, now=now, actor=actor, payload=dict(payload))
    session.execute(delete(Pin).where(Pin.visit_id.in_([visit.id for visit in lost])))
    for visit in lost:
        session.expire(visit, ["pin"])
    ids = [visit.id for visit in lost]
    cause = Cause(kind, technician_id, tuple(ids), payload.get("absence_id"), pins)
    request_repair(session, plan, cause, now=now, actor=actor)
    return ids
