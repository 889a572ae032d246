"""Whether a message is still worth sending, judged on the visit as it stands at the moment of sending."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fieldservice.models import OutboxMessage, Visit, VisitState, Window
from fieldservice.models.visit import ENDED, PLANNABLE, REMINDERS

type Rule = Callable[[OutboxMessage, Visit, Window, datetime], str | None]


def why_pointless(message: OutboxMessage, visit: Visit, *, now: datetime) -> str | None:
    """The reason not to send a message any more, or None."""
    if message.kind == "offer":
        return _offer(message, visit, now)
    window = visit.window
    if window is None:
        return "no window is promised"
    if now >= window.ends_at:
        return "the arrival window is over"
    rule = _RULES.get(message.kind)
    return rule(message, visit, window, now) if rule else "this version knows no such kind of message"


def _promise(message: OutboxMessage, visit: Visit, _window: Window, _now: datetime) -> str | None:
    """A confirmation or a change counts until another promise takes its place."""
    if message.promise_version != visit.promise_version:
        return "another window was promised since"
    if visit.state in ENDED:
        return f"the visit is {visit.state}"
    return None


def _reminder(message: OutboxMessage, visit: Visit, window: Window, now: datetime) -> str | None:
    """A reminder is for a visit that has not begun; a late one ends when the next one is due."""
    if message.promise_version != visit.promise_version:
        return "another window was promised since"
    if visit.state not in PLANNABLE:
        return f"the visit is {visit.state}"
    own = REMINDERS[message.kind]
    following = max((other for other in REMINDERS.values() if other < own), default=None)
    if following is None:
        return "the arrival window has begun" if now >= window.starts_at else None
    return "the next reminder is due" if now >= window.starts_at - following else None


def _offer(message: OutboxMessage, visit: Visit, now: datetime) -> str | None:
    """An offered window is worth telling while it can be taken, with or without a promised one."""
    if visit.state not in PLANNABLE:
        return f"the visit is {visit.state}"
    if message.promise_version != visit.promise_version:
        return "another window was promised since"
    return "the offer has run out" if now >= datetime.fromisoformat(message.payload["until"]) else None


def _cancellation(_message: OutboxMessage, visit: Visit, _window: Window, _now: datetime) -> str | None:
    """A cancellation ends a visit for good, whichever promise it was written for."""
    return None if visit.state == VisitState.CANCELLED else "the visit is not cancelled"


def _on_my_way(message: OutboxMessage, visit: Visit, _window: Window, now: datetime) -> str | None:
    """Counts while the technician is on the road on that occasion; setting off again writes another one."""
    if visit.state != VisitState.EN_ROUTE:
        return f"the visit is {visit.state}"
    if now >= datetime.fromisoformat(message.payload["arrives_at"]):
        return "the technician should have arrived"
    if any(other.kind == message.kind and other.due_at > message.due_at for other in visit.messages):
        return "the technician set off again since"
    return None


_RULES: dict[str, Rule] = {
    "confirmation": _promise,
    "changed": _promise,
    "cancelled": _cancellation,
    "on_my_way": _on_my_way,
    **dict.fromkeys(REMINDERS, _reminder),
}
