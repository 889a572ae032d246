"""Tokens of other programs: what they may do, how they are made, found and revoked. Knows no web."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.models import ApiToken, AuditEntry

LONGEST = timedelta(days=366)
_TOKEN = re.compile(r"fs_[A-Za-z0-9_-]{43}")
_LONGEST_NAME = 60


class Scope(StrEnum):
    """What a token may be good for."""

    SERVICES_READ = "services:read"
    BOOKINGS_WRITE = "bookings:write"
    VISITS_READ = "visits:read"
    VISITS_WRITE = "visits:write"
    WORKFORCE_READ = "workforce:read"
    PLANS_READ = "plans:read"
    PLANS_WRITE = "plans:write"
    MESSAGES_READ = "messages:read"


class TokenRefused(Exception):
    """A token cannot be made like this, or there is none with this number; the text is a sentence."""


def make_token(
    session: Session, name: str, scopes: Iterable[str], *, days: int, now: datetime
) -> tuple[ApiToken, str]:
    """A row and its token, which nobody can find out again. Raises TokenRefused."""
    wanted = sorted(set(scopes))
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise TokenRefused(f"a name has 1 to {_LONGEST_NAME} printable characters")
    if not wanted or (unknown := [each for each in wanted if each not in list(Scope)]):
        raise TokenRefused(f"scopes are some of {', '.join(Scope)}" + _not(unknown if wanted else ()))
    if not timedelta(0) < timedelta(days=days) <= LONGEST:
        raise TokenRefused(f"a token is good for 1 to {LONGEST.days} days")
    token = f"fs_{secrets.token_urlsafe(32)}"
    row = ApiToken(
        name=name,
        token_hash=_hash(token),
        scopes=" ".join(wanted),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    _audit(session, row, "made", now)
    return row, token


def _not(unknown: Sequence[str]) -> str:
    return f"; not {', '.join(unknown)}" if unknown else ""


def tokens(session: Session) -> Sequence[ApiToken]:
    """All tokens, the newest first."""
    return session.scalars(select(ApiToken).order_by(ApiToken.id.desc())).all()


def revoke(session: Session, number: int, *, now: datetime) -> ApiToken:
    """Let nobody in with this token any more. Raises TokenRefused when there is none with the number."""
    row = session.get(ApiToken, number)
    if row is None:
        raise TokenRefused(f"there is no token {number}")
    if row.revoked_at is None:
        row.revoked_at = now
        _audit(session, row, "revoked", now)
    return row


def find(session: Session, token: str, *, now: datetime) -> ApiToken | None:
    """The row of a token that works. The lookup compares hashes, so its time tells nothing about tokens."""
    if not _TOKEN.fullmatch(token):
        return None
    row = session.scalar(select(ApiToken).where(ApiToken.token_hash == _hash(token)))
    return row if row is not None and row.works(now) else None


def _hash(token: str) -> str:
    # 256 random bits: there is no dictionary to try, so a slow hash would only slow down every request
    return hashlib.sha256(token.encode()).hexdigest()


def _audit(session: Session, row: ApiToken, action: str, now: datetime) -> None:
    session.add(
        AuditEntry(at=now, actor="command", action=action, subject_kind="api_token", subject_id=row.id)
    )
