"""A question that nobody answers in time is somebody's task, and they are told, once."""

from __future__ import annotations

from datetime import timedelta

from fieldservice.db import Database
from fieldservice.messages import escalation
from fieldservice.models import Channel, Conversation, OfficeTask, Visit
from fieldservice.models.conversation import ANSWER_WITHIN
from tests.factories import NOW
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
