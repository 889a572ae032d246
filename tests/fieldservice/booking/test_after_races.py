"""After booking, many at the same instant: one conversation, one rating, one task, one use of a code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from fieldservice.auth import codes
from fieldservice.booking import conversation, feedback
from fieldservice.db import Database
from fieldservice.models import AccessCode, FeedbackKind, Visit, VisitState
from tests.factories import NOW, make_visit
from tests.races import all_at_once, count

CONTESTANTS = 8
KEY = "not-a-secret-only-for-tests"


@pytest.fixture
def visit_id(db: Database) -> int:
    """A visit that was made."""
    return db.run(lambda session: make_visit(session, state=VisitState.DONE).id)


def everybody[T](db: Database, visit_id: int, work: Callable[[Session, Visit], T]) -> list[T]:
    """All do the same in transactions of their own."""
    once = [lambda: db.run(lambda session: work(session, session.get_one(Visit, visit_id)))] * CONTESTANTS
    return [outcome.result for outcome in all_at_once(once)]


def test_first_questions_at_once_make_one_conversation(db: Database, visit_id: int) -> None:
    """No question is lost and none makes a second thread."""
    everybody(db, visit_id, lambda session, visit: conversation.ask(session, visit, "Hello?", now=NOW).id)
    assert count(db, "conversation") == 1
    assert count(db, "conversation_message") == CONTESTANTS


def test_taps_and_complaints_at_once_make_one_of_each(db: Database, visit_id: int) -> None:
    """One row of feedback, and one task for the office."""
    everybody(db, visit_id, lambda session, visit: feedback.rate(session, visit, 1, now=NOW) and None)
    words = feedback.Words(points=[], body="Too late", kind=FeedbackKind.COMPLAINT)
    within = timedelta(hours=24)
    everybody(
        db,
        visit_id,
        lambda session, visit: feedback.say(session, visit, words, answer_within=within, now=NOW) and None,
    )
    assert count(db, "feedback") == 1
    assert count(db, "office_task") == 1


def test_a_code_counts_once(db: Database, visit_id: int) -> None:
    """Of many who enter the right code at the same instant one gets in."""
    nonce = "nonce-of-a-test"

    def prepare(session: Session) -> None:
        until = NOW + timedelta(minutes=10)
        session.add(AccessCode(visit_id=visit_id, nonce=nonce, created_at=NOW, expires_at=until, tries=0))

    def enter(session: Session, visit: Visit) -> bool:
        session.refresh(visit, with_for_update={"of": Visit})
        try:
            return codes.use_code(session, visit, codes.code_of(nonce, KEY), secret_key=KEY, now=NOW)
        except codes.WrongCode:
            return False

    db.run(prepare)
    assert everybody(db, visit_id, enter).count(True) == 1
