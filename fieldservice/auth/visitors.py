"""Codes for visitors without a private link: each proves that somebody reads an e-mail address or a phone.

Whoever asks learns nothing: the rows that are written, and the answer, are the same for an address that is
not known. Only the message is then retired before it is sent.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from fieldservice.auth.codes import LIFETIME, TRIES, TooManyCodes, WrongCode, code_of
from fieldservice.db import lock_names
from fieldservice.models import CodePurpose, MessageState, OutboxMessage, VisitorCode

AT_MOST = 3
PERIOD = timedelta(minutes=15)
_KEPT = timedelta(days=1)
_ON_THE_WAY = (MessageState.PENDING, MessageState.SENDING)
KIND = "visitor_code"
"""The kind of the message that carries such a code."""


class CodeUnknown(Exception):
    """No code was asked for under this token."""


@dataclass(frozen=True)
class Reach:
    """Where a code goes: `channel` is `email` or `sms`, `address` in the spelling that is stored."""

    channel: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a code is for; `known` says whether a message goes out at all."""

    purpose: CodePurpose
    draft_id: int | None = None
    work_order_id: int | None = None
    known: bool = True
    locale: str = ""


def hash_of(subject: str, secret_key: str) -> str:
    """What stands for an address or a network in the database."""
    return hmac.new(secret_key.encode(), f"visitor:{subject}".encode(), hashlib.sha256).hexdigest()


def send(session: Session, to: Reach, asked: Asked, *, secret_key: str, now: datetime) -> VisitorCode:
    """Write a code to an address, or only seem to. Raises TooManyCodes for an address, known or not."""
    address_hash = hash_of(to.address.lower(), secret_key)
    lock_names(session, [f"code {address_hash}"])
    recent = select(func.count(VisitorCode.id)).where(
        VisitorCode.address_hash == address_hash, VisitorCode.created_at > now - PERIOD
    )
    if session.execute(recent).scalar_one() >= AT_MOST:
        raise TooManyCodes
    code = VisitorCode(
        token=secrets.token_urlsafe(32),
        purpose=asked.purpose,
        channel=to.channel,
        address_hash=address_hash,
        nonce=secrets.token_urlsafe(32),
        draft_id=asked.draft_id,
        work_order_id=asked.work_order_id,
        created_at=now,
        expires_at=now + LIFETIME,
        tries=0,
    )
    session.add_all([code, _message(code, to, asked, now=now)])
    session.flush()
    return code


def find(session: Session, token: str, purpose: CodePurpose, *, lock: bool = False) -> VisitorCode:
    """What was asked for under a token. Raises CodeUnknown."""
    query = select(VisitorCode).where(VisitorCode.token == token, VisitorCode.purpose == purpose)
    code = session.scalar(query.with_for_update() if lock else query)
    if code is None:
        raise CodeUnknown
    return code


def counts(code: VisitorCode, *, now: datetime) -> bool:
    """Whether the code can still be entered."""
    return code.used_at is None and code.expires_at > now and code.tries < TRIES


def use(code: VisitorCode, typed: str, *, secret_key: str, now: datetime) -> bool:
    """Whether this is the code; it counts once, and a wrong one takes one of its tries.

    Call it with the row locked, and commit either way. Raises WrongCode when it does not count any more.
    """
    if not counts(code, now=now):
        raise WrongCode
    code.tries += 1
    right = hmac.compare_digest(typed.encode(), code_of(code.nonce, secret_key).encode())
    if right:
        code.used_at = now
    return right


def drop_old(session: Session, *, now: datetime) -> None:
    """Forget codes, and the addresses that they went to, a day after they were asked for.

    What else is sent to nobody's visit goes as well, but not before it was sent.
    """
    session.execute(delete(VisitorCode).where(VisitorCode.expires_at <= now - _KEPT))
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.visit_id.is_(None),
            OutboxMessage.due_at <= now - _KEPT,
            or_(OutboxMessage.kind == KIND, OutboxMessage.state.not_in(_ON_THE_WAY)),
        )
    )


def _message(code: VisitorCode, to: Reach, asked: Asked, *, now: datetime) -> OutboxMessage:
    return OutboxMessage(
        dedupe_key=f"{KIND}:{code.nonce}",
        promise_version=0,
        kind=KIND,
        channel=to.channel,
        recipient=to.address if asked.known else "",
        payload={"nonce": code.nonce, "until": code.expires_at.isoformat(), "locale": asked.locale},
        state=MessageState.PENDING if asked.known else MessageState.CANCELLED,
        due_at=now,
        next_at=now,
    )
