"""Who is told when a plan is accepted or taken back: who knows who comes, and who loses their time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from fieldservice.models import MessageState, OutboxMessage, Visit, VisitState, Window
from fieldservice.models.push import PUSH
from fieldservice.models.visit import PLANNABLE, UNDO

TECHNICIAN, ASK = "technician", "ask"


def tell_changed(
    session: Session,
    before: Mapping[int, int],
    choices: Mapping[int, Sequence[Window]],
    *,
    now: datetime,
) -> frozenset[int]:
    """Write to the customers of promised visits whose technician changed, or who have no stop any more.

    `before` says who was to make each visit. A technician is known to a customer once the day was sent out;
    until then nobody is told of another one. Who lost their time is offered `choices`. What was written a
    moment ago and not sent yet is taken back. Returns the visits about which somebody is told.
    """
    told = set()
    for visit in session.scalars(
        select(Visit)
        .where(Visit.id.in_(before), Visit.state.in_(PLANNABLE), Visit.window_starts_at.is_not(None))
        .options(selectinload(Visit.messages), selectinload(Visit.stop))
        .execution_options(populate_existing=True)
    ):
        known = _take_back(visit, before[visit.id])
        payload = _payload(visit, known, choices.get(visit.id, ()))
        if payload is not None:
            kind = ASK if visit.stop is None else TECHNICIAN
            for channel in ("email", "sms", PUSH):
                visit.tell(kind, due_at=now + UNDO, now=now, payload=payload, channel=channel)
            told.add(visit.id)
    session.flush()
    return frozenset(told)


def _take_back(visit: Visit, before: int) -> int | None:
    """Retire what was not sent yet; returns who comes as far as the customer knows, None after a question."""
    messages = [message for message in visit.messages if message.kind in (TECHNICIAN, ASK)]
    unsent = [message for message in messages if message.state == MessageState.PENDING]
    for message in unsent:
        message.state = MessageState.CANCELLED
    if unsent:
        known: int | None = unsent[0].payload["known_id"]
        return known
    return None if _was_asked(messages) else before


def _was_asked(messages: Sequence[OutboxMessage]) -> bool:
    told = [message for message in messages if message.state != MessageState.CANCELLED]
    return bool(told) and told[-1].kind == ASK


def _payload(visit: Visit, known: int | None, choices: Sequence[Window]) -> dict[str, Any] | None:
    """What the message says; None when the customer knows it."""
    if visit.stop is None:
        if known is None:
            return None  # they were asked before
        windows = [[window.starts_at.isoformat(), window.ends_at.isoformat()] for window in choices]
        return {"known_id": known, "choices": windows}
    if visit.stop.technician_id == known or (known is not None and visit.state != VisitState.DISPATCHED):
        return None
    return {"known_id": known, "technician_id": visit.stop.technician_id}


def promise_again(visit: Visit, window: Window, *, now: datetime, actor: str) -> bool:
    """Promise the window from before a change that is taken back; returns whether the customer is told.

    Who was not told of the change yet is told nothing at all.
    """
    unsent = any(
        message.kind == "changed" and message.state == MessageState.PENDING for message in visit.messages
    )
    visit.promise(window, now=now, actor=actor)
    if unsent:
        for message in visit.messages:
            if message.kind == "changed" and message.state == MessageState.PENDING:
                message.state = MessageState.CANCELLED
    return not unsent
