"""The very first administrator of an installation, who comes with a link that whoever started it was shown.

There is no default password: the link's token follows from the secret key, and opens nothing any more as soon
as there is an administrator.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.auth.users import add_user
from fieldservice.db import exists_one, lock_names
from fieldservice.models import User, UserRole


class AlreadySetUp(Exception):
    """There is an administrator: the link has done its work."""


def setup_token(secret_key: str) -> str:
    """What the address of the first page contains: 43 letters and digits, - and _."""
    digest = hmac.new(secret_key.encode(), b"first administrator", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_setup_token(token: str, secret_key: str) -> bool:
    """Whether this is the installation's token; how long the comparison takes tells nothing."""
    return hmac.compare_digest(token.encode(), setup_token(secret_key).encode())


def awaits_administrator(session: Session) -> bool:
    """Whether nobody administers this installation yet; a closed account was one."""
    return not exists_one(session, select(User.id).where(User.role == UserRole.ADMIN))


def add_first_administrator(session: Session, *, email: str, name: str, password: str, now: datetime) -> User:
    """Make the account; of two who use the link at once one is refused.

    Raises AlreadySetUp, and a UserRefused as `add_user` does.
    """
    lock_names(session, ["first administrator"])
    if not awaits_administrator(session):
        raise AlreadySetUp
    return add_user(session, email=email, name=name, role=UserRole.ADMIN, password=password, now=now)
