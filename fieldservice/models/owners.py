"""Who of the office gets a task that nobody took."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from fieldservice.models.conversation import Conversation
from fieldservice.models.customer import OfficeTask
from fieldservice.models.user import User, UserRole

_OFFICE = (UserRole.DISPATCHER, UserRole.ADMIN)


def office(session: Session) -> Sequence[User]:
    """Who can own a task or a conversation."""
    query = select(User).where(User.active, User.role.in_(_OFFICE)).order_by(func.lower(User.name), User.id)
    return session.scalars(query).all()


def owns(user: User) -> bool:
    """Whether somebody is one of those who can own a task or a conversation."""
    return user.active and user.role in _OFFICE


def leave_to_nobody(session: Session, user: User) -> None:
    """What somebody owned and did not finish waits for anybody of the office."""
    open_tasks = update(OfficeTask).where(OfficeTask.owner_id == user.id, OfficeTask.done_at.is_(None))
    session.execute(open_tasks.values(owner_id=None))
    session.execute(update(Conversation).where(Conversation.owner_id == user.id).values(owner_id=None))


def least_busy(session: Session) -> int | None:
    """Who of the office owns the fewest open tasks, dispatchers first; None when nobody has an account."""
    owned = func.count(OfficeTask.id)
    mine = (OfficeTask.owner_id == User.id) & OfficeTask.done_at.is_(None)
    return session.scalar(
        select(User.id)
        .outerjoin(OfficeTask, mine)
        .where(User.active, User.role.in_(_OFFICE))
        .group_by(User.id, User.role)
        .order_by(case((User.role == UserRole.DISPATCHER, 0), else_=1), owned, User.id)
        .limit(1)
    )
