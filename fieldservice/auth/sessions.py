"""Logins that the server can end. Only a hash of each token is kept. Knows no web."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session, contains_eager

from fieldservice.models import PushDevice, User, UserSession

LONGEST = timedelta(days=7)
LONGEST_IDLE = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=5)
_USER_AGENT_LENGTH = 300


def start(session: Session, user_id: int, *, now: datetime, user_agent: str = "") -> str:
    """Begin a login and return its token, which is not kept; forget the user's logins that have run out."""
    session.execute(delete(UserSession).where(UserSession.user_id == user_id, UserSession.expires_at <= now))
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            user_id=user_id,
            token_hash=hash_of(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + LONGEST,
            user_agent=user_agent[:_USER_AGENT_LENGTH],
        )
    )
    return token


def find(session: Session, token: str, *, now: datetime) -> UserSession | None:
    """The login of this token with its user, unless it was ended, ran out, lay idle or its user is closed."""
    return session.scalar(
        select(UserSession)
        .join(UserSession.user)
        .options(contains_eager(UserSession.user))
        .where(UserSession.token_hash == hash_of(token), *_lasts(now), User.active)
    )


def touch(session: Session, token: str, *, now: datetime) -> None:
    """Remember that the login was used just now."""
    session.execute(
        update(UserSession).where(UserSession.token_hash == hash_of(token)).values(last_seen_at=now)
    )


def lasting(session: Session, user_id: int, *, now: datetime) -> Sequence[UserSession]:
    """The logins of a user that would be let in, the one that was used last first."""
    query = select(UserSession).where(UserSession.user_id == user_id, *_lasts(now))
    return session.scalars(query.order_by(UserSession.last_seen_at.desc(), UserSession.id)).all()


def end(session: Session, token: str, *, now: datetime) -> None:
    """End the login of this token, if it lasts, and the notifications of the browser that it was in."""
    end_login(session, hash_of(token), now=now)


def end_login(session: Session, token_hash: str, *, now: datetime) -> None:
    """As `end`, for the hash that is kept of a token."""
    session.execute(delete(PushDevice).where(PushDevice.login == token_hash))
    session.execute(
        update(UserSession)
        .where(UserSession.token_hash == token_hash, UserSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def end_all(session: Session, user: User, *, now: datetime) -> None:
    """End every login of a user that lasts, and all notifications."""
    session.execute(delete(PushDevice).where(PushDevice.user_id == user.id))
    session.execute(
        update(UserSession)
        .where(UserSession.user_id == user.id, UserSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def hash_of(token: str) -> str:
    """What is kept of a login's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _lasts(now: datetime) -> list[ColumnElement[bool]]:
    return [
        UserSession.ended_at.is_(None),
        UserSession.expires_at > now,
        UserSession.last_seen_at > now - LONGEST_IDLE,
    ]
