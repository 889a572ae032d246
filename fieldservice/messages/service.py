"""The outbox: rows that bookings wrote become messages that customers get, each at least once.

A message is claimed, checked and settled in short transactions and sent between them, one at a time. So a
killed sweep leaves one row whose outcome nobody knows; when its lease is over it is sent again under the same
Message-ID. Everything else is never sent twice and never forgotten.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any

from sqlalchemy import Select, and_, bindparam, func, lambda_stmt, or_, select, update
from sqlalchemy.orm import Session, joinedload

from fieldservice.auth.visitors import KIND as VISITOR_CODE
from fieldservice.config import Settings
from fieldservice.db import Database, UtcDateTime, skip_locked
from fieldservice.messages import pushes
from fieldservice.messages.mail_in import last_mail_of
from fieldservice.messages.orders import (
    TRIES,
    TRIES_WITHOUT_KEY,
    Content,
    Order,
    after_failure,
    as_sent,
    written,
)
from fieldservice.messages.quiet import Quiet, after_the_last, goes_before, waits_until
from fieldservice.messages.rules import why_pointless, why_too_late
from fieldservice.messages.unreachable import fall_back, give_up, is_stopped, is_unreachable
from fieldservice.messages.writing import Writer
from fieldservice.models import MessageState, OutboxMessage, Role, Service, Stop, Territory, Visit, WorkOrder
from fieldservice.models.answers import ANSWERS
from fieldservice.models.message_text import TEST, own_texts
from fieldservice.models.push import PUSH
from fieldservice.models.reminders import PREFIX
from fieldservice.notify import Channels
from fieldservice.notify.errors import NotDelivered, Unavailable
from fieldservice.notify.mail import Mail
from fieldservice.notify.mailers import Post
from fieldservice.notify.push import Notification
from fieldservice.notify.sms import Text

LEASE_MARGIN = timedelta(seconds=30)
LONGEST_SWEEP = timedelta(minutes=1)  # a slow server must not keep a worker for long

# All that a message tells and is judged by, in one query instead of twelve: there may be thousands a minute.
_WORK_ORDER = joinedload(Visit.work_order)
_SERVICE = _WORK_ORDER.joinedload(WorkOrder.service)
_FACTS = (
    joinedload(Visit.territory),
    joinedload(Visit.stop).joinedload(Stop.technician),
    joinedload(Visit.crew_stops).joinedload(Stop.technician),
    _WORK_ORDER.joinedload(WorkOrder.customer),
    _WORK_ORDER.joinedload(WorkOrder.site),
    _SERVICE.joinedload(Service.branch),
    _SERVICE.joinedload(Service.translations),
    _WORK_ORDER.joinedload(WorkOrder.contacts),
    _WORK_ORDER.joinedload(WorkOrder.consents),
    joinedload(Visit.links),
)

log = logging.getLogger(__name__)


@dataclass
class SweepResult:
    """What became of the messages that one sweep took up."""

    sent: int = 0
    retired: int = 0  # no longer true, or the company does not use the channel
    delayed: int = 0  # to be tried again
    dead: int = 0  # given up
    unknown: int = 0  # perhaps delivered, not tried again

    def count(self, state: str) -> None:
        """Count a message that was settled in this state."""
        match state:
            case MessageState.SENT:
                self.sent += 1
            case MessageState.DEAD:
                self.dead += 1
            case MessageState.UNKNOWN:
                self.unknown += 1
            case MessageState.CANCELLED:
                self.retired += 1
            case _:
                self.delayed += 1


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
    db: Database, channels: Channels, settings: Settings, *, now: datetime, owner: str, limit: int = 2000
) -> SweepResult:
    """Send up to `limit` messages that are due; any number of sweeps may run side by side.

    `owner` names this sweep and no other one. A message that is no longer true is retired instead. When a
    channel does not work at all, its messages wait for the next sweep and none of them loses a try.
    """
    quiet = Quiet(settings.quiet_from, settings.quiet_until)
    _before_the_quiet(db, quiet, now=now)
    with db.reading() as session:
        writer = Writer(settings, own_texts(session))
    sweeper = _Sweeper(channels, writer, quiet, owner, began_at=now)
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


class _Queue(Enum):
    """Messages that are asked for apart: one of a visit is locked with it."""

    CODES = "codes"
    VISITS = "visits"
    OTHERS = "others"


@dataclass
class _Sweeper:
    channels: Channels
    writer: Writer
    quiet: Quiet
    owner: str
    began_at: datetime
    closed: set[str] = field(default_factory=set)
    served: set[_Queue] = field(default_factory=set)
    others_from: tuple[datetime, int] = (datetime.min.replace(tzinfo=UTC), 0)
    _statements: dict[tuple[_Queue, frozenset[str]], Select[Any]] = field(default_factory=dict)
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
        while (found := self._next_due(session, at)) is not None:
            message, visit = found
            end = _end_without_sending(session, message, visit, now=at)
            if end is not None:
                message.state, message.last_error = end
                message.lease_owner, message.lease_until = "", None
                ended.append(message.state)
            elif (later := self._not_before(session, message, visit, at)) is not None:
                message.next_at = later
            else:
                return Turn(self._claim(session, message, visit, at), ended)
            session.flush()
        return Turn(None, ended)

    def send(self, order: Order, post: Post) -> Settled:
        """Try once; never raises for a message that could not be delivered."""
        content: Content | None = None
        try:
            content = written(order, written_at=self.now())
            match content:
                case Mail():
                    post.send(content)
                case Notification():
                    self.channels.push.send(content)
                case Text():
                    self.channels.gateway(order.channel).send(content)
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
            known = order.channel in ("email", PUSH) or self.channels.gateway(order.channel).knows_keys
            values = after_failure(
                failure, order.attempts, TRIES if known else TRIES_WITHOUT_KEY, now=self.now()
            )
            if content is not None and values["state"] == MessageState.UNKNOWN:
                values |= as_sent(order, content)
            return Settled(order, values)
        values = {"state": MessageState.SENT, "sent_at": self.now(), "last_error": ""}
        return Settled(order, values | as_sent(order, content))

    def now(self) -> datetime:
        """The sweep's own time: when it began and what has passed since."""
        return self.began_at + timedelta(seconds=time.monotonic() - self._started)

    def _next_due(self, session: Session, at: datetime) -> tuple[OutboxMessage, Visit | None] | None:
        """A code for somebody who waits at a page goes first; then what is due longest, of a visit or not."""
        if (code := self._without_visit(session, _Queue.CODES, at)) is not None:
            return code, None
        # The visit's row is locked with the message: what is being changed at this moment is left for later.
        row = session.execute(self._due(session, _Queue.VISITS), {"at": at}).one_or_none()
        if row is None or _place(row[1]) > self.others_from:
            other = self._without_visit(session, _Queue.OTHERS, at)
            if other is not None:
                self.others_from = _place(other)
            if other is not None and (row is None or _place(other) < _place(row[1])):
                return other, None
        if row is None:
            return None
        visit, message = row
        _load_facts(session, visit.id)
        return message, visit

    def _without_visit(self, session: Session, queue: _Queue, at: datetime) -> OutboxMessage | None:
        """The next message of no visit; asked for until there was none, once in a sweep."""
        if queue in self.served:
            return None
        message: OutboxMessage | None = session.scalar(self._due(session, queue), {"at": at})
        if message is None:
            self.served.add(queue)
        return message

    def _due(self, session: Session, queue: _Queue) -> Select[Any]:
        """The next message of a queue that is due; made once as long as the same channels are open."""
        key = (queue, frozenset(self.closed))
        if key not in self._statements:
            self._statements[key] = skip_locked(session, _next(_of(queue), self.closed))
        return self._statements[key]

    def _not_before(
        self, session: Session, message: OutboxMessage, visit: Visit | None, at: datetime
    ) -> datetime | None:
        if visit is None:
            return None
        return waits_until(message, visit, self.quiet, now=at) or after_the_last(session, message, now=at)

    def _claim(self, session: Session, message: OutboxMessage, visit: Visit | None, at: datetime) -> Order:
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
            occasion=self.writer.occasion(message, visit, at),
            device=device.device if (device := pushes.device_of(session, message)) else None,
            test=message.kind == TEST,
            reply_to="" if visit is None else self.writer.reply_to(message, visit),
            answers="" if message.kind not in ANSWERS else last_mail_of(session, message),
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
        row = row.values(lease_owner="", lease_until=None, **settled.values)
        # The transaction has just begun and knows no message yet that would have to be kept up to date.
        unsynchronized = {"synchronize_session": False}
        ours = session.scalar(row.returning(OutboxMessage.id), execution_options=unsynchronized)
        state = settled.values["state"]
        if ours is not None and state in (MessageState.DEAD, MessageState.CANCELLED):
            _follow(session, session.get_one(OutboxMessage, ours), state, now=self.now())


def _follow(session: Session, message: OutboxMessage, state: str, *, now: datetime) -> None:
    """What follows when a message ended that was not delivered."""
    if state == MessageState.DEAD:
        give_up(session, message, now=now)
    elif state == MessageState.CANCELLED and message.kind in ANSWERS and message.channel != PUSH:
        fall_back(session, message, message.last_error, now=now)  # the company has the channel no more


def _place(message: OutboxMessage) -> tuple[datetime, int]:
    return message.next_at, message.id


def _of(queue: _Queue) -> Select[Any]:
    if queue == _Queue.VISITS:
        query = select(Visit).add_columns(OutboxMessage)
        return query.join(OutboxMessage, Visit.id == OutboxMessage.visit_id)
    is_code = OutboxMessage.kind == VISITOR_CODE
    return select(OutboxMessage).where(
        OutboxMessage.visit_id.is_(None), is_code if queue == _Queue.CODES else ~is_code
    )


def _next(query: Select[Any], closed: Iterable[str]) -> Select[Any]:
    at = bindparam("at", type_=UtcDateTime())
    waiting = OutboxMessage.state == MessageState.PENDING
    abandoned = and_(OutboxMessage.state == MessageState.SENDING, OutboxMessage.lease_until < at)
    return (
        query.where(OutboxMessage.state.in_((MessageState.PENDING, MessageState.SENDING)))
        .where(OutboxMessage.next_at <= at, or_(waiting, abandoned))
        .where(OutboxMessage.channel.not_in(closed))
        .order_by(OutboxMessage.next_at, OutboxMessage.id)
        .limit(1)
    )


def _load_facts(session: Session, visit_id: int) -> None:
    """Load what a message may tell; the statement is made once, as its options take long to look through."""
    statement = lambda_stmt(lambda: select(Visit).options(*_FACTS), track_closure_variables=False)
    statement += lambda query: query.where(Visit.id == visit_id)
    session.scalars(statement).unique().one()


def _end_without_sending(
    session: Session, message: OutboxMessage, visit: Visit | None, *, now: datetime
) -> tuple[str, str] | None:
    if message.channel == PUSH:
        reason = pushes.why_not(session, message, visit, now=now)
    elif visit is None:
        reason = why_too_late(message, now=now)
    else:
        reason = why_pointless(message, visit, now=now)
    if reason is None and message.channel == "sms" and is_stopped(session, message.recipient):
        reason = "the number wants no texts"
    if reason is None and is_unreachable(session, message.channel, message.recipient):
        reason = "the address does not work"
        fall_back(session, message, reason, now=now)
    if reason is not None:
        return MessageState.CANCELLED, reason
    if message.attempts >= TRIES:
        return MessageState.UNKNOWN, "no try came to an end"
    return None


def _before_the_quiet(db: Database, quiet: Quiet, *, now: datetime) -> None:
    """Send reminders earlier that are due in the coming quiet hours and would come too late after them."""
    with db.reading() as session:
        near = [each.id for each in session.scalars(select(Territory)) if quiet.is_near(now, each.zone)]
    if near:
        db.run(partial(_hurry, territories=near, quiet=quiet, now=now))


def _hurry(session: Session, *, territories: list[int], quiet: Quiet, now: datetime) -> None:
    query = (
        select(OutboxMessage, Visit)
        .join(Visit, Visit.id == OutboxMessage.visit_id)
        .where(Visit.territory_id.in_(territories), OutboxMessage.state == MessageState.PENDING)
        .where(OutboxMessage.channel == "sms", OutboxMessage.kind.startswith(PREFIX, autoescape=True))
        .where(OutboxMessage.next_at > now, OutboxMessage.next_at < now + timedelta(days=1))
    )
    for message, visit in session.execute(skip_locked(session, query)):
        if goes_before(message, visit, quiet, now=now):
            message.next_at = now
