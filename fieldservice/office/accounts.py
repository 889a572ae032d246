"""Who of the staff signs in, and as what. Knows no web."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice import auth
from fieldservice.auth import sessions, users
from fieldservice.db import lock_names
from fieldservice.models import User, UserRole, owners
from fieldservice.office.records import Change, record, require_version


class LastAdministrator(Exception):
    """Nobody could administer the company any more."""


def as_json(user: User) -> dict[str, Any]:
    """What the audit trail keeps of an account; never its password."""
    return {"name": user.name, "email": user.email, "role": str(user.role), "active": user.active}


def add(session: Session, by: Change, *, email: str, name: str, role: UserRole, password: str) -> User:
    """Make an account that can sign in at once. Raises as `auth.add_user`."""
    user = auth.add_user(session, email=email, name=name, role=role, password=password, now=by.now)
    record(session, "office_added", user, {}, as_json(user), by)
    return user


def change(
    session: Session,
    user: User,
    by: Change,
    *,
    name: str,
    role: UserRole,
    active: bool,
    password: str,
) -> None:
    """Another name, role, state or password; who is closed or gets a password is signed out everywhere.

    What somebody owned who is closed or leaves the office belongs to nobody afterwards.

    Raises Overtaken, LastAdministrator, and as `auth.add_user` for the name and the password.
    """
    lock_names(session, ["administrators"])
    session.refresh(user, with_for_update=True)
    require_version(user, by)
    before, stays = as_json(user), active and role == UserRole.ADMIN
    if user.active and user.role == UserRole.ADMIN and not stays and _administrators(session) == 1:
        raise LastAdministrator
    user.name, user.role = users.normal_name(name), role
    if password:
        users.set_password(session, user, password, now=by.now)
    if user.active and not active:
        users.deactivate(session, user, now=by.now)
    user.active = active
    if not owners.owns(user):
        owners.leave_to_nobody(session, user)
    session.flush()
    record(session, "office_changed", user, before, as_json(user), by)
    if password:
        record(session, "password_set", user, {}, {"email": user.email}, by)


def end_login(session: Session, user: User, number: int, by: Change) -> None:
    """Sign somebody out of one browser; nothing when that login is over, or is not theirs."""
    for login in sessions.lasting(session, user.id, now=by.now):
        if login.id == number:
            sessions.end_login(session, login.token_hash, now=by.now)
            record(session, "login_ended", user, {}, {"login": login.id}, by)


def _administrators(session: Session) -> int:
    query = select(func.count(User.id)).where(User.active, User.role == UserRole.ADMIN)
    return session.execute(query).scalar_one()
