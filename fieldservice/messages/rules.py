"""Whether a message is still worth sending, judged on the visit as it stands at the moment of sending."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from fieldservice.models import (
    FeedbackKind,
    OutboxMessage,
    Purpose,
    Role,
    Visit,
    VisitState,
    Window,
    reminders,
)
from fieldservice.models.visit import ENDED, PLANNABLE

PICKS = ("plan_invitation", "plan_reminder")

_ARRIVED_COUNTS = timedelta(minutes=15)
_DONE_COUNTS = timedelta(days=1)

type Rule = Callable[[OutboxMessage, Visit, Window, datetime], str | None]


def why_pointless(message: OutboxMessage, visit: Visit, *, now: datetime) -> str | None:
    """The reason not to send a message any more, or None."""
    if (refused := _why_unwanted(message, visit)) is not None:
        return refused
    if message.kind in _APART:
        return _APART[message.kind](message, visit, now)
    window = visit.window
    if window is None:
        return "no window is promised"
    if now >= window.ends_at:
        return "the arrival window is over"
    rule = _reminder if reminders.is_reminder(message.kind) else _RULES.get(message.kind)
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
    following = reminders.following(message.kind, visit.service.reminders)
    if following is None:
        return "the arrival window has begun" if now >= window.starts_at else None
    due_at = reminders.due_at(following, window.starts_at, visit.territory.zone)
    return "the next reminder is due" if now >= due_at else None


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


def _technician(message: OutboxMessage, visit: Visit, window: Window, now: datetime) -> str | None:
    """Who comes instead is worth telling while it is so."""
    if (reason := _promise(message, visit, window, now)) is not None:
        return reason
    if visit.stop is None or visit.stop.technician_id != message.payload["technician_id"]:
        return "somebody else comes now"
    return None


def _ask(message: OutboxMessage, visit: Visit, now: datetime) -> str | None:
    """Another time is asked for while nobody can come at the promised one."""
    if visit.state not in PLANNABLE:
        return f"the visit is {visit.state}"
    if message.promise_version != visit.promise_version:
        return "another window was promised since"
    return "the visit has a place again" if visit.stop is not None else None


def _missed(_message: OutboxMessage, visit: Visit, _now: datetime) -> str | None:
    """That nobody opened is told unless it was taken back."""
    return None if visit.state == VisitState.NO_SHOW else f"the visit is {visit.state}"


def _on_my_way(message: OutboxMessage, visit: Visit, _window: Window, now: datetime) -> str | None:
    """Counts while the technician is on the road on that occasion; setting off again writes another one."""
    if visit.state != VisitState.EN_ROUTE:
        return f"the visit is {visit.state}"
    if now >= datetime.fromisoformat(message.payload["arrives_at"]):
        return "the technician should have arrived"
    if any(other.kind == message.kind and other.due_at > message.due_at for other in visit.messages):
        return "the technician set off again since"
    return None


def _late(message: OutboxMessage, visit: Visit, now: datetime) -> str | None:
    """That somebody comes later is told until they should be there; a newer word takes its place."""
    if visit.state not in (*PLANNABLE, VisitState.EN_ROUTE):
        return f"the visit is {visit.state}"
    if message.promise_version != visit.promise_version:
        return "another window was promised since"
    if now >= datetime.fromisoformat(message.payload["arrives_at"]):
        return "the technician should have arrived"
    if any(other.kind == message.kind and other.due_at > message.due_at for other in visit.messages):
        return "another time was said since"
    return None


def _why_unwanted(message: OutboxMessage, visit: Visit) -> str | None:
    """A customer may refuse what is not needed: reminders, questions, and texts beside e-mails."""
    purpose = Purpose.REMINDERS if reminders.is_reminder(message.kind) else _PURPOSES.get(message.kind)
    if purpose is not None and not visit.work_order.allows(purpose):
        return f"the customer wants no {purpose}"
    contact = visit.work_order.contact(Role.REQUESTER)
    by_mail = contact is not None and contact.email
    if message.channel == "sms" and by_mail and not visit.work_order.allows(Purpose.TEXTS):
        return "the customer wants no texts"
    return None


def _corrected(_message: OutboxMessage, _visit: Visit, _now: datetime) -> str | None:
    """The old address is told whatever happens: it may have been somebody else who changed it."""
    return None


def _answer(_message: OutboxMessage, visit: Visit, _now: datetime) -> str | None:
    """What the office answered is told whatever became of the visit, unless it was erased since."""
    return None if visit.conversation is not None else "the conversation is gone"


def _code(message: OutboxMessage, _visit: Visit, now: datetime) -> str | None:
    return why_too_late(message, now=now)


def why_too_late(message: OutboxMessage, *, now: datetime) -> str | None:
    """The reason not to send a code any more, or None: one that does not count only confuses."""
    until = message.payload.get("until")
    reason = "the code has run out" if "nonce" in message.payload else "its time is over"
    return reason if until and now >= datetime.fromisoformat(until) else None


def _arrived(message: OutboxMessage, visit: Visit, now: datetime) -> str | None:
    """That somebody is there is worth telling at once, unless the tap was taken back."""
    if visit.state != VisitState.ON_SITE:
        return f"the visit is {visit.state}"
    over = now - datetime.fromisoformat(message.payload["arrives_at"]) > _ARRIVED_COUNTS
    return "that was long ago" if over else None


def _done(message: OutboxMessage, visit: Visit, now: datetime) -> str | None:
    """That the work is done is told once, while it is news."""
    if visit.state != VisitState.DONE:
        return f"the visit is {visit.state}"
    if any(other.kind == message.kind and other.due_at > message.due_at for other in visit.messages):
        return "the visit was done again since"
    return "that was long ago" if now - message.due_at > _DONE_COUNTS else None


def _complaint(_message: OutboxMessage, visit: Visit, _now: datetime) -> str | None:
    """That a complaint came is told as long as it is one."""
    feedback = visit.feedback
    if feedback is None or feedback.kind != FeedbackKind.COMPLAINT:
        return "the customer complains no more"
    return None


def _feedback(message: OutboxMessage, visit: Visit, _now: datetime) -> str | None:
    """Asked once after the work was done, of somebody who has not said it already."""
    if visit.state != VisitState.DONE:
        return f"the visit is {visit.state}"
    if visit.feedback is not None:
        return "the customer has said it"
    if any(other.kind == message.kind and other.due_at > message.due_at for other in visit.messages):
        return "the visit was done again since"
    return None


def _pick(_message: OutboxMessage, visit: Visit, now: datetime) -> str | None:
    """An invitation to pick a window is worth sending while one can be picked."""
    occurrence = visit.occurrence
    if occurrence is None or not occurrence.is_pickable(visit.territory.local_day(now)):
        return "there is nothing to pick any more"
    return None


def _term(message: OutboxMessage, visit: Visit, _now: datetime) -> str | None:
    """The end of a term is told unless the plan was ended or renewed since."""
    plan = visit.work_order.service_plan
    if plan is None or plan.ended_at is not None or plan.ends_on is None:
        return "the service plan has ended"
    return None if plan.ends_on.isoformat() == message.payload["last_on"] else "the plan was renewed since"


def _asked(message: OutboxMessage, visit: Visit, now: datetime) -> str | None:
    """Whoever has to agree, and whoever asked, are told while the answer counts."""
    if visit.state != VisitState.REQUESTED:
        return f"the visit is {visit.state}"
    over = now >= datetime.fromisoformat(message.payload["until"])
    return "the time to agree is over" if over else None


def _approved(_message: OutboxMessage, visit: Visit, _now: datetime) -> str | None:
    """A receipt for whoever agreed or pays, while there is something to receive."""
    return f"the visit is {visit.state}" if visit.state == VisitState.CANCELLED else None


def _not_approved(_message: OutboxMessage, visit: Visit, _now: datetime) -> str | None:
    """The requester is told that nothing is booked."""
    return None if visit.state == VisitState.CANCELLED else "the visit is not cancelled"


_PURPOSES = {
    **dict.fromkeys(PICKS, Purpose.OFFERS),
    "feedback": Purpose.FEEDBACK,
}
_APART: dict[str, Callable[[OutboxMessage, Visit, datetime], str | None]] = {
    "answer": _answer,
    "complaint": _complaint,
    "complaint_answer": _answer,
    "arrived": _arrived,
    "done": _done,
    "approval": _asked,
    "approved": _approved,
    "awaiting": _asked,
    "not_approved": _not_approved,
    "ask": _ask,
    "choose": _offer,
    "code": _code,
    "corrected": _corrected,
    "feedback": _feedback,
    "late": _late,
    "missed": _missed,
    "offer": _offer,
    "plan_term": _term,
    **dict.fromkeys(PICKS, _pick),
}
_RULES: dict[str, Rule] = {
    "confirmation": _promise,
    "changed": _promise,
    "cancelled": _cancellation,
    "on_my_way": _on_my_way,
    "technician": _technician,
}
