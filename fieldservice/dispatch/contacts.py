"""What was said between the company and one customer, on every channel; and how soon it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from fieldservice.models import (
    Author,
    Channel,
    Conversation,
    ConversationMessage,
    Customer,
    InboundMessage,
    OutboxMessage,
    Outcome,
    Visit,
    VisitEvent,
    WorkOrder,
)
from fieldservice.models.conversation import ANSWER_WITHIN
from fieldservice.models.push import PUSH

CALL = "call"
PHONE = "phone"
CALL_BACK = "call_back"
_AT_MOST = 300
_SINCE = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One thing that was said: `fate` is what became of a message, `kind` what it was about."""

    at: datetime
    channel: str
    outgoing: bool
    visit: Visit
    who: str = ""
    kind: str = ""
    subject: str = ""
    words: str = ""
    fate: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Figures:
    """How questions of one channel were answered in the last thirty days."""

    channel: str
    asked: int
    answered: int
    in_time: int
    first_answer: timedelta | None
    resolved: int


def timeline(session: Session, customer: Customer) -> list[Contact]:
    """All contacts of a customer about any visit, the newest first."""
    visits = session.scalars(
        select(Visit)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .where(WorkOrder.customer_id == customer.id)
        .options(joinedload(Visit.work_order), joinedload(Visit.territory))
        .options(selectinload(Visit.messages), selectinload(Visit.events))
        .options(selectinload(Visit.conversation).selectinload(Conversation.messages))
        .order_by(Visit.id.desc())
        .limit(_AT_MOST)
    ).all()
    by_id = {visit.id: visit for visit in visits}
    inbound = session.scalars(select(InboundMessage).where(InboundMessage.visit_id.in_(by_id)))
    found = [_received(message, by_id[message.visit_id or 0]) for message in inbound]
    for visit in visits:
        found += [_sent(message, visit) for message in visit.messages]
        found += _talk(visit)
        found += _calls(visit)
    return sorted(found, key=lambda contact: contact.at, reverse=True)[:_AT_MOST]


def log_call(visit: Visit, words: str, *, outgoing: bool, now: datetime, actor: str) -> None:
    """Somebody of the office spoke with the customer of a visit."""
    said = {"words": words, "outgoing": outgoing}
    visit.record(CALL, occurred_at=now, now=now, actor=actor, payload=said)


def figures(session: Session, *, now: datetime) -> list[Figures]:
    """For each channel on which customers asked: how many, how soon the answer came, what is settled."""
    recent = select(ConversationMessage.conversation_id).where(ConversationMessage.at > now - _SINCE)
    threads = session.scalars(
        select(Conversation).where(Conversation.id.in_(recent)).options(selectinload(Conversation.messages))
    ).all()
    asked = [question for thread in threads for question in _questions(thread, now - _SINCE)]
    return [
        _figures(channel, [question for question in asked if question[0] == channel])
        for channel in (*Channel, *sorted({question[0] for question in asked} - set(Channel)))
        if any(question[0] == channel for question in asked)
    ]


type _Question = tuple[str, timedelta | None, bool]


def _questions(thread: Conversation, since: datetime) -> Iterator[_Question]:
    """The channel of each question that began to wait, how long it did, and whether it is settled."""
    waiting: ConversationMessage | None = None
    for message in thread.messages:
        if message.author == Author.CUSTOMER:
            waiting = waiting or message
        elif waiting is not None:
            if waiting.at > since:
                yield waiting.channel, message.at - waiting.at, True
            waiting = None
    if waiting is not None and waiting.at > since:
        yield waiting.channel, None, thread.waiting_since is None


def _figures(channel: str, questions: Sequence[_Question]) -> Figures:
    waits = [wait for _channel, wait, _settled in questions if wait is not None]
    return Figures(
        channel=channel,
        asked=len(questions),
        answered=len(waits),
        in_time=sum(wait <= ANSWER_WITHIN for wait in waits),
        first_answer=timedelta(seconds=median(wait.total_seconds() for wait in waits)) if waits else None,
        resolved=sum(settled for _channel, _wait, settled in questions),
    )


def _sent(message: OutboxMessage, visit: Visit) -> Contact:
    return Contact(
        at=message.sent_at or message.next_at,
        channel=message.channel,
        outgoing=True,
        visit=visit,
        who="" if message.channel == PUSH else message.recipient,  # a browser has a number, and no address
        kind=message.kind,
        subject=message.sent_subject,
        words=message.sent_text,
        fate=message.state,
        reason=message.last_error,
    )


def _received(message: InboundMessage, visit: Visit) -> Contact:
    pressed = message.channel == Channel.VOICE  # a key of the phone menu: what it means is said, not "2"
    return Contact(
        at=message.received_at,
        channel=message.channel,
        outgoing=False,
        visit=visit,
        who=message.sender,
        kind=CALL_BACK if pressed and message.outcome == Outcome.ASKED else "",
        words="" if pressed else message.body,
        fate=message.outcome,
    )


def _talk(visit: Visit) -> Iterable[Contact]:
    """What was written on the pages; e-mails and texts that came in are shown as they came."""
    for message in visit.conversation.messages if visit.conversation else ():
        if message.author == Author.OFFICE or message.channel == Channel.PAGE:
            yield Contact(
                at=message.at,
                channel=message.channel,
                outgoing=message.author == Author.OFFICE,
                visit=visit,
                who=message.user.name if message.user else "",
                words=message.body,
            )


def _calls(visit: Visit) -> Iterable[Contact]:
    if visit.work_order.source == PHONE:
        yield Contact(at=visit.created_at, channel=PHONE, outgoing=False, visit=visit, kind="booked")
    for event in visit.events:
        if event.kind == CALL:
            yield _call(event, visit)


def _call(event: VisitEvent, visit: Visit) -> Contact:
    return Contact(
        at=event.occurred_at,
        channel=PHONE,
        outgoing=bool(event.payload.get("outgoing")),
        visit=visit,
        who=event.actor.partition(" ")[2] or event.actor,
        words=event.payload.get("words", ""),
    )
