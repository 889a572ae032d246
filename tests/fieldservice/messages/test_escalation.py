"""A question that nobody answers in time is somebody's task, and they are told, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldservice.db import Database
from fieldservice.dispatch import guests, inbox
from fieldservice.messages import escalation
from fieldservice.models import (
    Channel,
    Conversation,
    Guest,
    MessageState,
    OfficeTask,
    OutboxMessage,
    UserRole,
    Visit,
)
from fieldservice.models.conversation import ANSWER_WITHIN
from tests.factories import NOW, make_visit
from tests.fieldservice.dispatch.test_guests import make_guest
from tests.fieldservice.messages.conftest import Book, Sender, part, rows
from tests.services import SmtpSink
from tests.signing_in import make_user

LATE = NOW + ANSWER_WITHIN


def test_a_question_that_waits_too_long_becomes_a_task_once(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """Not before 24 hours, not twice, not once it is answered; another wait counts anew."""
    visit_id = book().id
    sender.sweep()
    with db.transaction() as session:
        make_user(session, name="Dana", email="dana@example.com")
        thread = Conversation(visit=session.get_one(Visit, visit_id), last_at=NOW)
        session.add(thread)
        thread.ask("Which door?", channel=Channel.PAGE, now=NOW)

    def escalate(at) -> int:
        return db.run(lambda session: escalation.escalate(session, now=at))

    assert escalate(LATE - timedelta(seconds=1)) == 0
    assert [escalate(LATE), escalate(LATE + timedelta(hours=9))] == [1, 0]
    [task] = rows(db, OfficeTask)
    assert (task.kind, task.visit_id, task.owner_id is None) == ("overdue", visit_id, False)
    sender.sweep(LATE)
    mail = next(mail for mail in sink.messages if mail["To"] == "dana@example.com")
    assert mail["Subject"].startswith("A customer waits for an answer: ")
    assert f"/board/inbox/{visit_id}" in part(mail, "text/plain")
    with db.transaction() as session:
        thread = session.get_one(Visit, visit_id).conversation
        assert thread is not None
        thread.answer("The green one.", user_id=task.owner_id, now=LATE)
        assert escalation.escalate(session, now=LATE + timedelta(days=5)) == 0
        thread.ask("And the key?", channel=Channel.SMS, now=LATE + timedelta(days=6))
        assert escalation.escalate(session, now=LATE + timedelta(days=8)) == 1


def test_who_left_the_office_is_not_asked(db: Database, sender: Sender, sink: SmtpSink) -> None:
    """The owner is a technician now: the task and the e-mail are those of somebody of the office."""
    with db.transaction() as session:
        dana = make_user(session, name="Dana", email="dana@example.com").id
        owner = make_user(session, UserRole.TECHNICIAN, name="Ted", email="ted@example.com")
        thread = Conversation(visit=make_visit(session), owner=owner, last_at=NOW)
        session.add(thread)
        thread.ask("Which door?", channel=Channel.PAGE, now=NOW)
    assert db.run(lambda session: escalation.escalate(session, now=LATE)) == 1
    assert [task.owner_id for task in rows(db, OfficeTask)] == [dana]
    sender.sweep(LATE)
    assert [mail["To"] for mail in sink.messages] == ["dana@example.com"]


def test_who_has_no_visit_waits_no_longer_than_others(db: Database, sender: Sender, sink: SmtpSink) -> None:
    """A question from the booking pages becomes a task as well; its e-mail leads to the conversation, and
    nothing is made a second time when the guest gets a visit meanwhile."""
    with db.transaction() as session:
        make_user(session, name="Dana", email="dana@example.com")
        guest_id = make_guest(session, channel=Channel.PAGE, address="x" * 43).id
    assert db.run(lambda session: escalation.escalate(session, now=LATE - timedelta(seconds=1))) == 0
    assert [db.run(lambda session: escalation.escalate(session, now=LATE)) for _ in range(2)] == [1, 0]
    sender.sweep(LATE)
    (mail,) = sink.messages
    assert mail["Subject"] == "A customer waits for an answer: our booking pages"
    assert f"/board/inbox/guests/{guest_id}" in part(mail, "text/plain")
    with db.transaction() as session:
        visit = make_visit(session)
        guests.give(session, session.get_one(Guest, guest_id), visit, now=LATE)
        assert escalation.escalate(session, now=LATE) == 0
        (task,) = session.scalars(select(OfficeTask))
        assert (task.kind, task.visit_id) == ("overdue", visit.id)


@pytest.mark.parametrize("how", ["answer", "settle"])
@pytest.mark.parametrize("of_a_visit", [True, False])
def test_what_is_answered_is_nobodys_task_any_more(db: Database, *, of_a_visit: bool, how: str) -> None:
    """An answer, or that none is needed, ends the task that the wait made and keeps its e-mail back; another
    conversation's stay."""
    with db.transaction() as session:
        user_id = make_user(session, name="Dana", email="dana@example.com").id
        visit, other = make_visit(session), make_visit(session)
        for each in (visit, other) if of_a_visit else (other,):
            thread = Conversation(visit=each, last_at=NOW)
            session.add(thread)
            thread.ask("Which door?", channel=Channel.PAGE, now=NOW)
        guest = None if of_a_visit else make_guest(session)
        assert escalation.escalate(session, now=LATE) == 2
    with db.transaction() as session:
        who = {"user_id": user_id, "now": LATE + timedelta(minutes=1)}
        words = ("The green one.",) if how == "answer" else ()
        if guest is None:
            getattr(inbox, how)(session, session.get_one(Visit, visit.id), *words, **who)
        else:
            getattr(guests, how)(session, session.get_one(Guest, guest.id), *words, **who)
    done = {task.visit_id: (task.done_at, task.done_by_id) for task in rows(db, OfficeTask)}
    assert done.pop(other.id) == (None, None)
    assert list(done.values()) == [(LATE + timedelta(minutes=1), user_id)]
    mails = [mail for mail in rows(db, OutboxMessage) if mail.kind == "overdue"]
    assert sorted(mail.state for mail in mails) == [MessageState.CANCELLED, MessageState.PENDING]
