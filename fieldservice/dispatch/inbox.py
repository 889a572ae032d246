"""What waits for the office: questions, tasks that somebody owns, addresses, gaps and certificates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload, selectinload

from fieldservice.db import exists_one
from fieldservice.dispatch import guests, wishes
from fieldservice.dispatch.inbox_days import WAITING, Certificate, Waiting, certificates, waiting_list
from fieldservice.models import (
    Conversation,
    ConversationMessage,
    Guest,
    OfficeTask,
    ShiftWish,
    Visit,
    WishState,
    WorkOrder,
)
from fieldservice.models.answers import end_the_wait, tell_answer
from fieldservice.models.owners import office

COMPLAINT = "complaint"
STRANGERS = ("unknown_sender", "call_back")
UNTIMED = ("find_address", "find_time", "sync_conflict")
_RECENT = timedelta(days=14)
_AT_MOST = 100
# What has no deadline waits on the board as a card; what a person has to find out first is here as well.
_OPEN = and_(OfficeTask.done_at.is_(None), or_(OfficeTask.due_at.is_not(None), OfficeTask.kind.in_(UNTIMED)))
_STRANGERS = select(OfficeTask).where(
    OfficeTask.kind.in_(STRANGERS), OfficeTask.visit_id.is_(None), OfficeTask.done_at.is_(None)
)


@dataclass(frozen=True)
class Inbox:
    """Questions that wait, the oldest first; tasks by deadline, then those without one; what was answered.

    `strangers` are texts of numbers that nobody here has, `guests` those who write without a visit, `gaps`
    those who wait for another window, `certificates` what ends before visits that need it,
    `wishes` what technicians ask for.
    """

    waiting: Sequence[Conversation]
    tasks: Sequence[tuple[OfficeTask, Visit]]
    strangers: Sequence[OfficeTask]
    guests: Sequence[Guest]
    gaps: Sequence[Waiting]
    certificates: Sequence[Certificate]
    answered: Sequence[Conversation]
    wishes: Sequence[ShiftWish]
    guest_tasks: Sequence[tuple[OfficeTask, Guest]]


class NotOfTheOffice(Exception):
    """Only people of the office who still work here look after conversations."""


type Owned = Callable[[InstrumentedAttribute[int | None]], ColumnElement[bool]]
"""Which owners somebody wants to see."""


def anybody(_owner: InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    """Everything, whoever looks after it."""
    return true()


def inbox(session: Session, *, now: datetime, owned: Owned = anybody) -> Inbox:
    """What the office has to look at now, up to a hundred of each, as far as it has such owners."""
    about = joinedload(Conversation.visit).joinedload(Visit.work_order)
    threads = select(Conversation).options(
        about.joinedload(WorkOrder.customer),
        about.joinedload(WorkOrder.service),
        selectinload(Conversation.messages),
    )
    threads = threads.options(joinedload(Conversation.owner))
    threads = threads.where(Conversation.visit_id.is_not(None), owned(Conversation.owner_id))
    waiting = threads.where(Conversation.waiting_since.is_not(None)).order_by(Conversation.waiting_since)
    answered = (
        threads.where(Conversation.waiting_since.is_(None), Conversation.last_at > now - _RECENT)
        .order_by(Conversation.last_at.desc())
        .limit(_AT_MOST)
    )
    tasks = session.execute(
        select(OfficeTask, Visit)
        .join(Visit, Visit.id == OfficeTask.visit_id)
        .where(_OPEN, owned(OfficeTask.owner_id))
        .options(joinedload(OfficeTask.owner), joinedload(Visit.feedback))
        .options(joinedload(Visit.work_order).joinedload(WorkOrder.customer))
        .order_by(OfficeTask.due_at.is_(None), OfficeTask.due_at, OfficeTask.id)
        .limit(_AT_MOST)
    )
    return Inbox(
        session.scalars(waiting.limit(_AT_MOST)).all(),
        [(task, visit) for task, visit in tasks],
        session.scalars(
            _STRANGERS.where(owned(OfficeTask.owner_id)).order_by(OfficeTask.id).limit(_AT_MOST)
        ).all(),
        guests.lately(session, owned(Conversation.owner_id), since=now - _RECENT),
        waiting_list(session, now=now),
        certificates(session, now=now),
        session.scalars(answered).all(),
        wishes.waiting(session),
        guests.tasks(session, owned(OfficeTask.owner_id)),
    )


def count(session: Session, *, now: datetime) -> int:
    """How much of what the inbox lists is still to be done: all but what was answered."""
    questions = select(func.count(Conversation.id)).where(Conversation.waiting_since.is_not(None))
    about = or_(OfficeTask.visit_id.is_not(None), OfficeTask.conversation_id.is_not(None))
    tasks = select(func.count(OfficeTask.id)).where(_OPEN, about)
    strangers = select(func.count()).select_from(_STRANGERS.subquery())
    asked = select(func.count(ShiftWish.id)).where(ShiftWish.state == WishState.ASKED)
    waits = select(func.count()).select_from(WAITING.subquery())
    counted = (questions, tasks, strangers, asked, waits)
    return sum(session.execute(each).scalar_one() for each in counted) + len(certificates(session, now=now))


def answer(session: Session, visit: Visit, body: str, *, user_id: int, now: datetime) -> ConversationMessage:
    """Write to the customer of a visit, who sees it on their page and is told by one message."""
    conversation = _locked(session, visit)
    if conversation is None:
        conversation = Conversation(visit=visit, last_at=now)
        session.add(conversation)
    message = conversation.answer(body, user_id=user_id, now=now)
    session.flush()
    end_the_wait(session, conversation, user_id=user_id, now=now)
    kind = "complaint_answer" if _complains(session, visit) else "answer"
    tell_answer(session, conversation, message, kind=kind, now=now)
    return message


def _complains(session: Session, visit: Visit) -> bool:
    """Whether a complaint of the visit's customer waits: what the office writes is the answer to it."""
    open_one = OfficeTask.visit_id == visit.id, OfficeTask.kind == COMPLAINT, OfficeTask.done_at.is_(None)
    return exists_one(session, select(OfficeTask.id).where(*open_one))


def settle(session: Session, visit: Visit, *, user_id: int, now: datetime) -> None:
    """Nobody waits for an answer any more, for example after a call."""
    if (conversation := _locked(session, visit)) is not None:
        end_the_wait(session, conversation, user_id=user_id, now=now)


def assign(session: Session, conversation: Conversation, owner_id: int | None) -> None:
    """From now on this person looks after the conversation, or nobody. Raises NotOfTheOffice."""
    if owner_id is not None and owner_id not in {user.id for user in office(session)}:
        raise NotOfTheOffice
    conversation.owner_id = owner_id


def take(task: OfficeTask, *, user_id: int) -> None:
    """Somebody else of the office looks after the task from now on; one that is done stays as it is."""
    if task.done_at is None:
        task.owner_id = user_id


def finish(task: OfficeTask, *, user_id: int, now: datetime) -> None:
    """The task is done; saying so twice changes nothing."""
    if task.done_at is None:
        task.done_at, task.done_by_id = now, user_id


def _locked(session: Session, visit: Visit) -> Conversation | None:
    session.refresh(visit, with_for_update={"of": Visit})
    return visit.conversation
