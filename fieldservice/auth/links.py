"""Customers' private links: 256 random bits, made again from a nonce when a message is written. Knows no web.

The table holds the nonce and a hash of the token; without the secret key neither leads to the token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.models import Approval, Customer, PrivateLink, User, Visit, WorkOrder

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_REPLY = re.compile(r"[^@+]+\+(\d{1,9})-([0-9a-f]{24})@[^@]+")
_FEED = re.compile(r"(\d{1,9})-([A-Za-z0-9_-]{43})")


class LinkUnknown(Exception):
    """No link has this token."""


class LinkExpired(Exception):
    """The link was real and has run out."""


def make_link(visit: Visit, *, secret_key: str, now: datetime, expires_at: datetime) -> PrivateLink:
    """A new way to this visit alone; stored together with the visit."""
    nonce = secrets.token_urlsafe(32)
    link = PrivateLink(
        nonce=nonce, token_hash=_hash(_token(nonce, secret_key)), created_at=now, expires_at=expires_at
    )
    visit.links.append(link)
    return link


def token_of(link: PrivateLink, secret_key: str) -> str:
    """The token that belongs into the link's address."""
    return _token(link.nonce, secret_key)


def find_visit(session: Session, token: str, *, now: datetime) -> Visit:
    """The visit that the token opens; changes nothing, however often it is asked.

    Raises LinkUnknown or LinkExpired. The lookup compares hashes, so its time tells nothing about tokens.
    """
    return find_link(session, token, now=now).visit


def find_link(session: Session, token: str, *, now: datetime) -> PrivateLink:
    """The link that the token belongs to. Raises LinkUnknown or LinkExpired."""
    if not _TOKEN.fullmatch(token):
        raise LinkUnknown
    link = session.scalar(select(PrivateLink).where(PrivateLink.token_hash == _hash(token)))
    return _working(link, now)


def find_locale(session: Session, token: str) -> str | None:
    """The locale that the link's customer chose, without the rest; None for what is no link."""
    if not _TOKEN.fullmatch(token):
        return None
    return session.scalar(
        select(func.coalesce(WorkOrder.locale, Customer.locale))
        .join(WorkOrder.customer)
        .join(Visit, Visit.work_order_id == WorkOrder.id)
        .join(PrivateLink, PrivateLink.visit_id == Visit.id)
        .where(PrivateLink.token_hash == _hash(token))
    )


def feed_token(link: PrivateLink, secret_key: str) -> str:
    """What opens the link's calendar feed and nothing else: a calendar service may know it."""
    return f"{link.id}-{_token(link.nonce, secret_key, 'calendar feed')}"


def find_feed(session: Session, token: str, *, secret_key: str, now: datetime) -> Visit:
    """The visit whose calendar feed the token opens. Raises LinkUnknown or LinkExpired."""
    parts = _FEED.fullmatch(token)
    link = session.get(PrivateLink, int(parts[1])) if parts else None
    if link is not None and not hmac.compare_digest(token.encode(), feed_token(link, secret_key).encode()):
        link = None
    return _working(link, now).visit


def work_feed_token(user: User, secret_key: str) -> str:
    """What opens the calendar feed of a technician's work and nothing else.

    It ends with the account's sessions: another password or a closed account makes another token.
    """
    return f"{user.id}-{_token(user.fs_uniquifier, secret_key, 'work calendar')}"


def find_worker(session: Session, token: str, *, secret_key: str) -> User:
    """The account whose work the token's feed shows. Raises LinkUnknown."""
    parts = _FEED.fullmatch(token)
    user = session.get(User, int(parts[1])) if parts else None
    if user is None or not user.active:
        raise LinkUnknown
    if not hmac.compare_digest(token.encode(), work_feed_token(user, secret_key).encode()):
        raise LinkUnknown
    return user


def new_approval(secret_key: str) -> tuple[str, str]:
    """A nonce for an approver's link, and the hash of its token."""
    nonce = secrets.token_urlsafe(32)
    return nonce, _hash(approval_token(nonce, secret_key))


def approval_token(nonce: str, secret_key: str) -> str:
    """What opens the page of one approval and nothing else."""
    return _token(nonce, secret_key, "approval")


def find_approval(session: Session, token: str) -> Approval:
    """The approval that the token opens, answered or not. Raises LinkUnknown."""
    found = None
    if _TOKEN.fullmatch(token):
        found = session.scalar(select(Approval).where(Approval.token_hash == _hash(token)))
    if found is None:
        raise LinkUnknown
    return found


def reply_address(mailbox: str, visit: Visit, secret_key: str) -> str:
    """Where answers to a visit's e-mails go, below the mailbox `replies@example.com`."""
    name, _, domain = mailbox.rpartition("@")
    return f"{name}+{visit.id}-{_reply_mark(visit.id, secret_key)}@{domain}"


def visit_of_reply(address: str, secret_key: str) -> int | None:
    """The id of the visit that a reply address was made for, whatever mailbox it is below."""
    parts = _REPLY.fullmatch(address.lower())
    if parts is None:
        return None
    visit_id = int(parts[1])
    return visit_id if hmac.compare_digest(parts[2], _reply_mark(visit_id, secret_key)) else None


def _reply_mark(visit_id: int, secret_key: str) -> str:
    # Mail servers may change the case of an address, so it is written in digits that have none.
    return hmac.new(secret_key.encode(), f"reply:{visit_id}".encode(), hashlib.sha256).hexdigest()[:24]


def _working(link: PrivateLink | None, now: datetime) -> PrivateLink:
    if link is None:
        raise LinkUnknown
    if link.expires_at <= now:
        raise LinkExpired
    return link


def _token(nonce: str, secret_key: str, purpose: str = "private link") -> str:
    digest = hmac.new(secret_key.encode(), f"{purpose}:{nonce}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
