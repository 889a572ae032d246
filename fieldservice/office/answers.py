"""Answers that the company writes beforehand: which there are, changing them, and who did. Knows no web."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.db import exists_one, lock_names
from fieldservice.models import AuditEntry, CannedAnswer
from fieldservice.office.texts import Overtaken

SUBJECT = "canned_answer"


class TitleTaken(Exception):
    """Another answer in the language has this title."""


def all_answers(session: Session) -> Sequence[CannedAnswer]:
    """Every answer, by language and title."""
    query = select(CannedAnswer).order_by(CannedAnswer.language, func.lower(CannedAnswer.title))
    return session.scalars(query).all()


def write(
    session: Session,
    answer: CannedAnswer,
    *,
    language: str,
    title: str,
    body: str,
    version: int,
    now: datetime,
    actor: str,
) -> None:
    """Store an answer, new or changed. Raises Overtaken and TitleTaken."""
    lock_names(session, [f"answers {language}"])
    if answer.id is not None:
        session.refresh(answer, with_for_update=True)
        if answer.version != version:
            raise Overtaken
    same = select(CannedAnswer.id).where(CannedAnswer.language == language, CannedAnswer.title == title)
    if exists_one(session, same.where(CannedAnswer.id != (answer.id or 0))):
        raise TitleTaken
    answer.language, answer.title, answer.body = language, title, body
    session.add(answer)
    session.flush()
    _note(session, answer, "answer_changed", now=now, actor=actor)


def remove(session: Session, answer: CannedAnswer, *, now: datetime, actor: str) -> None:
    """Nobody can use the answer any more; what was sent with it stays."""
    _note(session, answer, "answer_removed", now=now, actor=actor)
    session.delete(answer)


def _note(session: Session, answer: CannedAnswer, action: str, *, now: datetime, actor: str) -> None:
    detail = {"language": answer.language, "title": answer.title, "body": answer.body}
    session.add(
        AuditEntry(
            at=now, actor=actor, action=action, subject_kind=SUBJECT, subject_id=answer.id, detail=detail
        )
    )
