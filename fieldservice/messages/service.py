"""The outbox: rows that bookings wrote become messages that customers get, each at least once.

A message is claimed, checked and settled in short transactions and sent between them, one at a time. So a
killed sweep leaves one row whose outcome nobody knows; when its lease is over it is sent again under the same
Message-ID. Everything else is never sent twice and never forgotten.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from fieldservice.auth.codes import code_of
from fieldservice.auth.links import approval_token, token_of
from fieldservice.auth.visitors import KIND as VISITOR_CODE
from fieldservice.config import Settings
from fieldservice.db import Database, skip_locked
from fieldservice.messages.rules import PICKS, why_pointless, why_too_late
from fieldservice.models import MessageState, OutboxMessage, Role, Service, Stop, Visit, Window, WorkOrder
from fieldservice.models.facts import facts_of, facts_of_nobody
from fieldservice.notify import Channels, words
from fieldservice.notify.calendar import invitation
from fieldservice.notify.errors import NotDelivered, Permanent, SwitchedOff, Temporary, Unavailable
from fieldservice.notify.mail import Mail
from fieldservice.notify.mailers import Post
from fieldservice.notify.rendering import Occasion, letter, short_text
from fieldservice.notify.sms import Text

TRIES = 5
PAUSE = timedelta(seconds=30)  # before the second try, then twice as long each time
LEASE_MARGIN = timedelta(seconds=30)
LONGEST_SWEEP = timedelta(minutes=1)  # a slow server must not keep a worker for long
OF_APPROVAL = frozenset({"approval", "awaiting", "approved", "not_approved"})
NOT_ABOUT_THE_WINDOW = frozenset({"answer", "ask", "code", "corrected", "plan_term", *OF_APPROVAL, *PICKS})
WITH_CALENDAR = frozenset({"confirmation", "changed", "cancelled"})

# All that a message tells, in three queries instead of nine: there may be thousands of messages in a minute.
_WORK_ORDER = joinedload(Visit.work_order)
_FACTS = select(Visit).options(
    joinedload(Visit.territory),
    joinedload(Visit.stop).joinedload(Stop.technician),
    _WORK_ORDER.joinedload(WorkOrder.customer),
    _WORK_ORDER.joinedload(WorkOrder.site),
    _WORK_ORDER.joinedload(WorkOrder.service).joinedload(Service.branch),
    _WORK_ORDER.selectinload(WorkOrder.contacts),
    selectinload(Visit.links),
)

log = logging.getLogger(__name__)


@dataclass
class SweepResult:
    """What became of the messages that one sweep took up."""

    sent: int = 0
    retired: int = 0  # no longer true, or the company does not use the channel
    delayed: int = 0  # to be tried again
    dead: int = 0  # given up

    def count(self, state: str) -> None:
        """Count a message that was settled in this state."""
        match state:
            case MessageState.SENT:
                self.sent += 1
            case MessageState.DEAD:
                self.dead += 1
            case MessageState.CANCELLED:
                self.retired += 1
            case _:
                self.delayed += 1


@dataclass(frozen=True)
class Order:
    """One claimed message with all that is needed to send it outside a transaction."""

    id: int
    key: str
    channel: str
    recipient: str
    recipient_name: str
    attempts: int
    occasion: Occasion


@dataclass(frozen=True)
class Settled:
    """What a try came to: the values that the row gets."""

    order: Order
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """The result of one transaction: what to send next, and how the rows that need no sending ended."""

    order: Order | None
    ended: list[str]


def sweep(
    db: Database, channels: Channels, settings: Settings, *, now: datetime, owner: str, limit: int = 500
) -> SweepResult:
    """Send up to `limit` messages that are due; any number of sweeps may run side by side.

    `owner` names this sweep and no other one. A message that is no longer true is retired instead. When a
    channel does not work at all, its messages wait for the next sweep and none of them loses a try.
    """
    sweeper = _Sweeper(channels, settings, owner, began_at=now)
    result = SweepResult()
    settled: Settled | None = None
    with channels.email.open() as post:
        for remaining in range(limit, -1, -1):
            turn = db.run(partial(sweeper.turn, settled=settled, more=remaining > 0))
            for state in turn.ended:
                result.count(state)
            if turn.order is None:
                break
            settled = sweeper.send(turn.order, post)
    return result


def status(session: Session) -> dict[str, int]:
    """How many messages are in each state."""
    counts = dict.fromkeys((str(state) for state in MessageState), 0)
    query = select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state)
    return counts | {state: count for state, count in session.execute(query)}


@dataclass
class _Sweeper:
    channels: Channels
    settings: Settings
    owner: str
    began_at: datetime
    closed: set[str] = field(default_factory=set)
    visitors_served: bool = False
    _started: float = field(default_factory=time.monotonic)

    def turn(self, session: Session, *, settled: Settled | None, more: bool) -> Turn:
        """Settle the last message and claim the next one, in one transaction."""
        ended: list[str] = []
        if settled is not None:
            self._settle(session, settled)
            ended.append(settled.values["state"])
        at = self.now()
        if not more or at - self.began_at > LONGEST_SWEEP:
            return Turn(None, ended)
        while (found := self._code_due(session, at) or self._next_due(session, at)) is not None:
            message, visit = found
            end = _end_without_sending(message, visit, now=at)
            if end is None:
                if visit is not None:
                    session.scalars(_FACTS.where(Visit.id == visit.id)).one()
                return Turn(self._claim(message, visit, at), ended)
            message.state, message.last_error = end
            message.lease_owner, message.lease_until = "", None
            ended.append(message.state)
            session.flush()
        return Turn(None, ended)

    def send(self, order: Order, post: Post) -> Settled:
        """Try once; never raises for a message that could not be delivered."""
        try:
            if order.channel == "email":
                post.send(self._mail(order))
            else:
                self.channels.sms.send(
                    Text(key=order.key, recipient=order.recipient, text=short_text(order.occasion))
                )
        except NotDelivered as failure:
            if isinstance(failure, Unavailable):
                self.closed.add(order.channel)
            log.warning(
                "message %d (%s by %s) not delivered: %s",
                order.id,
                order.occasion.kind,
                order.channel,
                type(failure).__name__,
            )
            return Settled(order, _after_failure(failure, order.attempts, now=self.now()))
        return Settled(order, {"state": MessageState.SENT, "sent_at": self.now(), "last_error": ""})

    def now(self) -> datetime:
        """The sweep's own time: when it began and what has passed since."""
        return self.began_at + timedelta(seconds=time.monotonic() - self._started)

    def _code_due(self, session: Session, at: datetime) -> tuple[OutboxMessage, None] | None:
        """A code for somebody without a visit, who waits at a page: these go first, and once in a sweep."""
        if self.visitors_served:
            return None
        query = self._due(select(OutboxMessage).where(OutboxMessage.visit_id.is_(None)), at)
        message = session.scalar(skip_locked(session, query))
        self.visitors_served = message is None
        return None if message is None else (message, None)

    def _next_due(self, session: Session, at: datetime) -> tuple[OutboxMessage, Visit] | None:
        # The visit's row is locked with the message: what is being changed at this moment is left for later.
        query = self._due(
            select(OutboxMessage, Visit).join(Visit, Visit.id == OutboxMessage.visit_id),
            at,
        )
        row = session.execute(skip_locked(session, query)).one_or_none()
        return None if row is None else (row[0], row[1])

    def _due[*Row](self, query: Select[*Row], at: datetime) -> Select[*Row]:
        waiting = OutboxMessage.state == MessageState.PENDING
        abandoned = and_(OutboxMessage.state == MessageState.SENDING, OutboxMessage.lease_until < at)
        return (
            query.where(OutboxMessage.state.in_((MessageState.PENDING, MessageState.SENDING)))
            .where(OutboxMessage.next_at <= at, or_(waiting, abandoned))
            .where(OutboxMessage.channel.not_in(self.closed))
            .order_by(OutboxMessage.next_at, OutboxMessage.id)
            .limit(1)
        )

    def _claim(self, message: OutboxMessage, visit: Visit | None, at: datetime) -> Order:
        message.state = MessageState.SENDING
        message.attempts += 1
        message.lease_owner = self.owner
        message.lease_until = at + self.channels.longest_send + LEASE_MARGIN
        known = visit is not None and message.role in (Role.REQUESTER, Role.SITE_CONTACT)
        contact = visit.work_order.contact(Role(message.role)) if visit is not None and known else None
        return Order(
            id=message.id,
            key=message.dedupe_key,
            channel=message.channel,
            recipient=message.recipient,
            recipient_name=contact.name if contact else "",
            attempts=message.attempts,
            occasion=self._occasion(message, visit, at) if visit is not None else self._code(message, at),
        )

    def _occasion(self, message: OutboxMessage, visit: Visit, at: datetime) -> Occasion:
        told = {
            name: datetime.fromisoformat(message.payload[name])
            for name in ("arrives_at", "window_starts_at", "window_ends_at", "until")
            if name in message.payload
        }
        link = self._link_for(message, visit, at)
        if message.kind == "offer":
            offered = Window(told["window_starts_at"], told["window_ends_at"])
            return Occasion(
                kind=message.kind,
                facts=facts_of(visit, self.settings, link=link, offered=offered),
                old_starts_at=visit.window_starts_at,
                old_ends_at=visit.window_ends_at,
                answer_by=told["until"],
            )
        return Occasion(
            kind=message.kind,
            facts=facts_of(
                visit, self.settings, link=link, promised=message.kind not in NOT_ABOUT_THE_WINDOW
            ),
            technician=visit.stop.technician.name if visit.stop else "",
            arrives_at=told.get("arrives_at"),
            old_starts_at=told.get("window_starts_at"),
            old_ends_at=told.get("window_ends_at"),
            words=self._words(message, visit),
            first_on=_day(message, "first_on"),
            last_on=_day(message, "last_on"),
            renewal=message.payload.get("renewal", ""),
            answer_by=told.get("until") if message.kind in OF_APPROVAL else None,
            asker=_asker(visit),
            why=message.payload.get("why", ""),
            choices=tuple(
                Window(*map(datetime.fromisoformat, each)) for each in message.payload.get("choices", ())
            ),
        )

    def _code(self, message: OutboxMessage, at: datetime) -> Occasion:
        return Occasion(
            kind=VISITOR_CODE,
            facts=facts_of_nobody(self.settings, locale=message.payload["locale"], now=at),
            words=code_of(message.payload["nonce"], self.settings.secret_key),
        )

    def _words(self, message: OutboxMessage, visit: Visit) -> str:
        """What only this message says: the office's answer, or a code."""
        if message.kind == "code":
            return code_of(message.payload["nonce"], self.settings.secret_key)
        if message.kind == "answer" and visit.conversation is not None:
            wanted = message.payload["message_id"]
            return next((found.body for found in visit.conversation.messages if found.id == wanted), "")
        if message.kind in OF_APPROVAL:
            return self._reserved(message, visit)
        return ""

    def _reserved(self, message: OutboxMessage, visit: Visit) -> str:
        """The windows that an approval is about, one a line, and why it was refused."""
        locale, zone = visit.work_order.customer.locale or self.settings.locale, visit.territory.zone
        lines = []
        for title, *bounds in message.payload.get("windows", ()):
            starts_at, ends_at = map(datetime.fromisoformat, bounds)
            day = words.day_words(starts_at.astimezone(zone).date(), locale)
            lines.append(f"{title}: {day}, {words.window_words(starts_at, ends_at, zone, locale)}")
        return "\n".join([*lines, *filter(None, [message.payload.get("reason", "")])])

    def _link_for(self, message: OutboxMessage, visit: Visit, at: datetime) -> str:
        """The requester's private link, the approver's own, and none for everybody else."""
        if message.kind == "approval":
            token = approval_token(message.payload["nonce"], self.settings.secret_key)
            return f"{self.settings.public_url.rstrip('/')}/approve/{token}"
        return self._link(visit, at) if message.role == Role.REQUESTER else ""

    def _link(self, visit: Visit, at: datetime) -> str:
        working = [link for link in visit.links if link.expires_at > at]
        if not working:
            return ""
        token = token_of(working[-1], self.settings.secret_key)
        return f"{self.settings.public_url.rstrip('/')}/visit/{token}"

    def _mail(self, order: Order) -> Mail:
        facts, at = order.occasion.facts, self.now()
        written = letter(order.occasion)
        return Mail(
            key=order.key,
            sender_name=facts.company.name,
            sender=facts.company.email,
            recipient_name=order.recipient_name,
            recipient=order.recipient,
            written_at=at,
            subject=written.subject,
            text=written.text,
            html=written.html,
            invitation=invitation(facts, written_at=at) if order.occasion.kind in WITH_CALENDAR else None,
        )

    def _settle(self, session: Session, settled: Settled) -> None:
        """Write down what happened, unless the lease ran out and somebody else has the message now.

        What was sent is marked as sent even if it was retired meanwhile; a failure does not bring it back.
        """
        row = update(OutboxMessage).where(
            OutboxMessage.id == settled.order.id, OutboxMessage.lease_owner == self.owner
        )
        if settled.values["state"] != MessageState.SENT:
            row = row.where(OutboxMessage.state == MessageState.SENDING)
        session.execute(row.values(lease_owner="", lease_until=None, **settled.values))


def _day(message: OutboxMessage, name: str) -> date | None:
    return date.fromisoformat(message.payload[name]) if name in message.payload else None


def _asker(visit: Visit) -> str:
    requester = visit.work_order.contact(Role.REQUESTER)
    return requester.name if requester else ""


def _end_without_sending(
    message: OutboxMessage, visit: Visit | None, *, now: datetime
) -> tuple[str, str] | None:
    reason = why_too_late(message, now=now) if visit is None else why_pointless(message, visit, now=now)
    if reason is not None:
        return MessageState.CANCELLED, reason
    if message.attempts >= TRIES:
        return MessageState.DEAD, "no try came to an end"
    return None


def _after_failure(failure: NotDelivered, attempts: int, *, now: datetime) -> dict[str, Any]:
    """The row's values after a failed try.

    A try whose outcome is unknown counts like one that failed: one more message is better than none.
    """
    values: dict[str, Any] = {"last_error": f"{type(failure).__name__}: {failure}"}
    if isinstance(failure, SwitchedOff):
        return values | {"state": MessageState.CANCELLED}
    if isinstance(failure, Unavailable):
        return values | {
            "state": MessageState.PENDING,
            "attempts": attempts - 1,
            "next_at": now + _jitter(PAUSE),
        }
    if isinstance(failure, Permanent) or attempts >= TRIES:
        return values | {"state": MessageState.DEAD}
    pause = _jitter(PAUSE * 2 ** (attempts - 1))
    if isinstance(failure, Temporary) and failure.retry_after is not None:
        pause = max(pause, failure.retry_after)
    return values | {"state": MessageState.PENDING, "next_at": now + pause}


def _jitter(pause: timedelta) -> timedelta:
    return pause * random.uniform(0.5, 1.5)  # noqa: S311
