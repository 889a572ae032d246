"""E-mails that come in: an answer joins its visit's conversation, a bounce marks an address, and so on.

Anybody can send anything, so an e-mail changes little: it adds words to a conversation and shows none, and a
report counts only if it names an e-mail of ours and the address that this went to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fieldservice.attachments import service as attachments
from fieldservice.auth.links import visit_of_reply
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.files import FileStore, NotStored, Unfit, fit
from fieldservice.messages import unreachable
from fieldservice.messages.inbound import START, STOP, plain, visit_of
from fieldservice.models import (
    Channel,
    ContactRole,
    Conversation,
    InboundMessage,
    MessageState,
    OfficeTask,
    OutboxMessage,
    Outcome,
    Purpose,
    Role,
    Visit,
)
from fieldservice.models.aftercare import UNASKED
from fieldservice.models.conversation import LONGEST_MESSAGE
from fieldservice.notify.reading import File, Nature, Received, read

LARGEST_MAIL = 25_000_000
_ACTOR = "customer"
_LONGEST_NAME = 120
_REPLY_WITHIN = timedelta(hours=24)
_REFUSABLE = frozenset({Purpose.REMINDERS, Purpose.FEEDBACK, Purpose.OFFERS})

log = structlog.get_logger()


def take_in(raw: bytes, db: Database, store: FileStore, settings: Settings, *, now: datetime) -> str:
    """Do what an e-mail asks for, once, however often it comes; returns the outcome.

    Its files are kept after its words, which name all of them: those that are not kept are missed.
    """
    received = read(raw, own=settings.company_email)
    work = partial(_outcome, received=received, settings=settings, now=now)
    try:
        outcome, visit_id = db.run(work)
    except IntegrityError:  # the same e-mail was taken in twice at once: whoever is second finds the first
        outcome, visit_id = db.run(work)
    if visit_id is not None and outcome == Outcome.ASKED:
        for file in received.files:
            _keep(file, visit_id, db, store, scanned=bool(settings.virus_scanner), now=now)
    return outcome


def _outcome(
    session: Session, *, received: Received, settings: Settings, now: datetime
) -> tuple[str, int | None]:
    message = receive(session, received, settings, now=now)
    return message.outcome, message.visit_id


def receive(session: Session, received: Received, settings: Settings, *, now: datetime) -> InboundMessage:
    """The row of an e-mail, whose wishes were fulfilled in the same transaction when it was new."""
    same = select(InboundMessage).where(
        InboundMessage.channel == Channel.EMAIL, InboundMessage.provider_key == received.key
    )
    if (known := session.scalar(same)) is not None:
        return known
    message = InboundMessage(
        channel=Channel.EMAIL,
        provider_key=received.key,
        sender=received.sender,
        body=received.text,
        received_at=now,
        outcome=Outcome.AUTOMATIC,
    )
    session.add(message)
    session.flush()
    match received.nature:
        case Nature.BOUNCE | Nature.COMPLAINT:
            message.outcome = _report(session, received, now=now)
        case Nature.PERSONAL:
            message.outcome = _personal(session, message, received, settings, now=now)
    return message


def last_mail_of(session: Session, message: OutboxMessage) -> str:
    """The Message-ID of the latest e-mail of the recipient about the visit, which mail programs thread by."""
    query = (
        select(InboundMessage.provider_key)
        .where(InboundMessage.channel == Channel.EMAIL, InboundMessage.visit_id == message.visit_id)
        .where(
            InboundMessage.sender == message.recipient.lower(), InboundMessage.provider_key.startswith("<")
        )
        .order_by(InboundMessage.id.desc())
        .limit(1)
    )
    return session.scalar(query) or ""


def _personal(
    session: Session, message: InboundMessage, received: Received, settings: Settings, *, now: datetime
) -> Outcome:
    unreachable.clear(session, Channel.EMAIL, received.sender)
    visit = _visit_of(session, received, settings, now=now)
    if visit is None:
        detail = f"{received.sender}: {received.subject}\n{received.text}"[:LONGEST_MESSAGE]
        due = now + _REPLY_WITHIN
        session.add(OfficeTask(kind="unknown_sender", detail=detail, created_at=now, due_at=due))
        return Outcome.UNKNOWN
    message.visit_id = visit.id
    session.refresh(visit, with_for_update={"of": Visit})
    known = {contact.email.lower() for contact in visit.work_order.contacts}
    requester = visit.work_order.contact(Role.REQUESTER)
    word = plain(received.text)
    if requester is not None and received.sender == requester.email.lower() and word in STOP | START:
        for purpose in _REFUSABLE if word in STOP else UNASKED & _REFUSABLE:
            visit.work_order.decide(purpose, given=word in START, now=now)
        return Outcome.STARTED if word in START else Outcome.STOPPED
    conversation = visit.conversation
    if conversation is None:
        conversation = Conversation(visit=visit, last_at=now)
        session.add(conversation)
    said = received.text if received.sender in known else f"{received.sender}: {received.text}"
    conversation.ask(said[:LONGEST_MESSAGE], channel=Channel.EMAIL, folded=_rest(said, received), now=now)
    return Outcome.ASKED


def _rest(said: str, received: Received) -> str:
    """What is not shown at once: words beyond the longest message, names of files, quotes, signature."""
    names = "\n".join(f"[{file.name}]" for file in received.files)
    return "\n\n".join(filter(None, [said[LONGEST_MESSAGE:], names, received.folded]))


def _visit_of(session: Session, received: Received, settings: Settings, *, now: datetime) -> Visit | None:
    """By the address that was answered, by the e-mail that was answered, else by who wrote."""
    for address in received.recipients:
        visit_id = visit_of_reply(address, settings.secret_key)
        if visit_id is not None and (visit := session.get(Visit, visit_id)) is not None:
            return visit if visit.work_order.contacts else None  # nobody is left of an erased one
    for sent in _sent(session, received.answers):
        if sent.visit_id is not None:
            return session.get(Visit, sent.visit_id)
    if not received.sender:
        return None
    return visit_of(session, func.lower(ContactRole.email) == received.sender, now=now)


def _sent(session: Session, answers: Sequence[str]) -> Sequence[OutboxMessage]:
    """The e-mails of ours that these Message-IDs are of."""
    names = {answer.strip("<>").partition("@")[0] for answer in answers}
    query = select(OutboxMessage).where(OutboxMessage.mail_id.in_(names), OutboxMessage.mail_id != "")
    return session.scalars(query.order_by(OutboxMessage.id.desc())).all() if names else []


def _report(session: Session, received: Received, *, now: datetime) -> Outcome:
    """Act on a report about an e-mail that we sent to the address that it names."""
    about = [sent for sent in _sent(session, received.answers) if sent.recipient.lower() == received.failed]
    if not about:
        return Outcome.AUTOMATIC
    sent, why = about[0], received.why or received.nature
    unwanted = received.nature is Nature.COMPLAINT
    if unwanted or unreachable.is_about_the_address(why):
        unreachable.mark(session, Channel.EMAIL, sent.recipient, why, now=now)
    if unwanted:  # it arrived, so nothing is told again
        if sent.visit_id is not None:
            visit = session.get_one(Visit, sent.visit_id)
            unreachable.ask_for_a_call(session, visit, f"{sent.recipient}: {why}", now=now)
        return Outcome.REFUSED
    sent.state, sent.last_error = MessageState.DEAD, f"bounced: {why}"
    unreachable.fall_back(session, sent, why, now=now)
    return Outcome.BOUNCED


def _keep(file: File, visit_id: int, db: Database, store: FileStore, *, scanned: bool, now: datetime) -> None:
    """Keep one file if it is of a kind that is kept, the same one once."""
    name = file.name[-_LONGEST_NAME:] or "?"
    try:
        stored = attachments.store_file(store, fit(file.content), file.content)
    except (Unfit, NotStored):
        log.info("file of an e-mail not kept", visit_id=visit_id)
        return
    label = attachments.Label(name=name)

    def add(session: Session) -> bool:
        visit = session.get_one(Visit, visit_id)
        added = attachments.add(session, visit, stored, label, actor=_ACTOR, scanned=scanned, now=now)
        return added is not None

    try:
        if not db.run(add):
            _forget(store, stored)
    except (attachments.TooManyFiles, NotStored):
        _forget(store, stored)


def _forget(store: FileStore, stored: attachments.Stored) -> None:
    for key in stored.keys:
        store.remove(key)
