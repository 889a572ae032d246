"""Staff accounts: made, given a new password, deactivated. Knows no web."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.auth import passwords, sessions
from fieldservice.auth.refusals import EmailInvalid, EmailTaken, EmailUnknown, NameInvalid
from fieldservice.db import exists_one
from fieldservice.models import User, UserRole, owners

_LONGEST_NAME = 120


def add_user(
    session: Session, *, email: str, name: str, role: UserRole, password: str, now: datetime
) -> User:
    """Make an account that can sign in at once.

    Raises a UserRefused: EmailInvalid, EmailTaken, NameInvalid, PasswordTooShort, -TooLong or -TooCommon.
    """
    address, name = normal_email(email), normal_name(name)
    if exists_one(session, select(User.id).where(User.email == address)):
        raise EmailTaken(f"there is already an account for {address}")
    user = User(
        email=address,
        name=name,
        role=role,
        password=_hashed(password, email=address, name=name),
        active=True,
        fs_uniquifier=_new_uniquifier(),
        created_at=now,
    )
    session.add(user)
    session.flush()
    return user


def find_user(session: Session, email: str) -> User:
    """The account with this address, however it is written; raises EmailInvalid or EmailUnknown."""
    address = normal_email(email)
    user = session.scalar(select(User).where(User.email == address))
    if user is None:
        raise EmailUnknown(f"there is no account for {address}")
    return user


def set_password(session: Session, user: User, password: str, *, now: datetime) -> None:
    """Give an account another password and end all its sessions; raises as `add_user` does."""
    user.password = _hashed(password, email=user.email, name=user.name)
    user.fs_uniquifier = _new_uniquifier()
    sessions.end_all(session, user, now=now)


def deactivate(session: Session, user: User, *, now: datetime) -> None:
    """Close an account and end all its sessions; what it did stays recorded, what it owned is nobody's."""
    user.active = False
    user.fs_uniquifier = _new_uniquifier()
    sessions.end_all(session, user, now=now)
    owners.leave_to_nobody(session, user)


def normal_name(name: str) -> str:
    """The form in which names are kept; raises NameInvalid."""
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise NameInvalid(f"a name has 1 to {_LONGEST_NAME} characters")
    return name


def normal_email(email: str) -> str:
    """The form in which addresses are kept and compared; raises EmailInvalid."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise EmailInvalid(f"{email!r} is not an e-mail address: {error}") from error


def _hashed(password: str, *, email: str, name: str) -> str:
    own_words = {email, name, *re.split(r"\W+", f"{email} {name}")} - {""}
    passwords.require_good(password, own_words=own_words)
    return passwords.hash_password(password)


def _new_uniquifier() -> str:
    return secrets.token_hex(32)
