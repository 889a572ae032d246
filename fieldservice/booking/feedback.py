"""What a customer says after a visit; a complaint becomes a task with an owner and a deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.models import Feedback, FeedbackKind, OfficeTask, Visit, VisitState
from fieldservice.models.owners import least_busy

COMPLAINT = "complaint"
_OVER = frozenset({VisitState.DONE, VisitState.COULD_NOT_DO, VisitState.NO_SHOW})


class NotOver(Exception):
    """The visit has not been made yet, or was cancelled, so there is nothing to say about it."""


class NotRated(Exception):
    """The stars come first: what is said without them belongs to nothing."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """What there is to say beside the stars."""

    points: list[str]
    body: str
    kind: FeedbackKind


def require_over(visit: Visit) -> None:
    """Raise NotOver unless there is something to say."""
    if visit.state not in _OVER:
        raise NotOver


def rate(session: Session, visit: Visit, rating: int, *, now: datetime) -> Feedback:
    """Keep the stars, from 1 to 5; another choice replaces the one before. Raises NotOver."""
    session.refresh(visit, with_for_update={"of": Visit})
    require_over(visit)
    feedback = visit.feedback
    if feedback is None:
        feedback = Feedback(visit=visit, points=[], created_at=now)
        session.add(feedback)
    feedback.rating, feedback.changed_at = rating, now
    return feedback


def say(
    session: Session, visit: Visit, words: Words, *, answer_within: timedelta, now: datetime
) -> OfficeTask | None:
    """Keep the words; a complaint gives somebody of the office a task, one for each visit while it is open.

    Returns the open task of a complaint. Raises NotOver, NotRated.
    """
    session.refresh(visit, with_for_update={"of": Visit})
    require_over(visit)
    feedback = visit.feedback
    if feedback is None:
        raise NotRated
    feedback.points, feedback.body, feedback.kind = words.points, words.body, words.kind
    feedback.changed_at = now
    if words.kind != FeedbackKind.COMPLAINT:
        return None
    return open_complaint(session, visit) or _hand_over(session, visit, due_at=now + answer_within, now=now)


def open_complaint(session: Session, visit: Visit) -> OfficeTask | None:
    """The task of a complaint that nobody has finished."""
    return session.scalar(
        select(OfficeTask)
        .where(OfficeTask.visit_id == visit.id, OfficeTask.kind == COMPLAINT, OfficeTask.done_at.is_(None))
        .limit(1)
    )


def _hand_over(session: Session, visit: Visit, *, due_at: datetime, now: datetime) -> OfficeTask:
    task = OfficeTask(
        kind=COMPLAINT, visit_id=visit.id, created_at=now, due_at=due_at, owner_id=least_busy(session)
    )
    session.add(task)
    visit.tell("complaint", due_at=now, now=now, payload={"until": due_at.isoformat()})
    return task
