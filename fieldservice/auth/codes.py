"""Codes that prove that somebody reads an e-mail address or a phone, made again from a nonce. Knows no web.

The table holds the nonce alone; without the secret key it does not lead to the code.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.models import AccessCode, Visit

LIFETIME = timedelta(minutes=10)
TRIES = 5
DIGITS = 6
_AT_MOST = 3
_PERIOD = timedelta(minutes=15)


class TooManyCodes(Exception):
    """Codes were asked for too often; the ones that were sent may still come."""


class WrongCode(Exception):
    """The code is not the one that was sent last, has run out, or was tried too often."""


def send_code(session: Session, visit: Visit, *, now: datetime) -> AccessCode:
    """Write a code to the requester of the visit, by e-mail or text. Raises TooManyCodes.

    Call it with the visit locked.
    """
    recent = select(func.count(AccessCode.id)).where(
        AccessCode.visit_id == visit.id, AccessCode.created_at > now - _PERIOD
    )
    if session.execute(recent).scalar_one() >= _AT_MOST:
        raise TooManyCodes
    code = AccessCode(
        visit_id=visit.id, nonce=secrets.token_urlsafe(32), created_at=now, expires_at=now + LIFETIME, tries=0
    )
    session.add(code)
    payload = {"nonce": code.nonce, "occasion": code.nonce, "until": code.expires_at.isoformat()}
    visit.tell("code", due_at=now, now=now, payload=payload)
    return code


def waiting_code(session: Session, visit: Visit, *, now: datetime) -> AccessCode | None:
    """The code that was sent last, while it counts."""
    newest = select(AccessCode).where(AccessCode.visit_id == visit.id).order_by(AccessCode.id.desc()).limit(1)
    code = session.scalar(newest)
    if code is None or code.used_at is not None or code.expires_at <= now or code.tries >= TRIES:
        return None
    return code


def use_code(session: Session, visit: Visit, typed: str, *, secret_key: str, now: datetime) -> bool:
    """Whether this is the code; it counts once, and a wrong one takes one of its tries.

    Call it with the visit locked, and commit either way. Raises WrongCode when there is none to compare with.
    """
    code = waiting_code(session, visit, now=now)
    if code is None:
        raise WrongCode
    code.tries += 1
    right = hmac.compare_digest(typed.encode(), code_of(code.nonce, secret_key).encode())
    if right:
        code.used_at = now
    return right


def code_of(nonce: str, secret_key: str) -> str:
    """The code that belongs into the message."""
    digest = hmac.new(secret_key.encode(), f"access code:{nonce}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8]) % 10**DIGITS:0{DIGITS}d}"
