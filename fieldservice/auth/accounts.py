"""Flask-Security's view of our users: plain values read in one query, never rows of a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask_security import RoleMixin, UserMixin
from flask_security.datastore import UserDatastore
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.models import Technician, User, UserRole


@dataclass(eq=False)
class Account(UserMixin):
    """A user as the sign-in needs it. The one role is ours to check; Flask-Security's roles stay empty."""

    id: int = 0
    email: str = ""
    name: str = ""
    role: UserRole = UserRole.TECHNICIAN
    password: str | None = None
    active: bool = False
    fs_uniquifier: str = ""
    technician_id: int | None = None
    roles: list[RoleMixin] = field(default_factory=list)


class AccountStore(UserDatastore):
    """Finds accounts in our tables, each look in its own short transaction."""

    def __init__(self, db: Database) -> None:
        super().__init__(user_model=Account, role_model=RoleMixin)
        self.db = db

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> Account | None:  # noqa: FBT001, FBT002
        """The account with this e-mail address, which is kept in lower case."""
        with self.db.reading() as session:
            return find_account(session, User.email == kwargs["email"].lower())

    def put(self, account: Account) -> Account:
        """Keep a password that was hashed anew because the hash was outdated: all that a sign-in changes."""
        self.db.run(
            lambda session: session.execute(
                update(User).where(User.id == account.id).values(password=account.password)
            )
        )
        return account

    def commit(self) -> None:
        """Nothing is left to do: `put` has committed."""


def find_account(session: Session, condition: ColumnElement[bool]) -> Account | None:
    """The account that meets the condition, with the technician that it belongs to."""
    row = session.execute(
        select(User, Technician.id).outerjoin(Technician, Technician.user_id == User.id).where(condition)
    ).one_or_none()
    return None if row is None else account_of(*row)


def account_of(user: User, technician_id: int | None) -> Account:
    """The account of a user."""
    return Account(
        id=user.id,
        email=user.email,
        name=user.name,
        role=UserRole(user.role),
        password=user.password,
        active=user.active,
        fs_uniquifier=user.fs_uniquifier,
        technician_id=technician_id,
    )
