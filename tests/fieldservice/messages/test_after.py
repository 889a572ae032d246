"""What goes out after booking: answers, codes, questions how it went, and a warning to an old address."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from fieldservice.auth import codes, visitors
from fieldservice.booking import details
from fieldservice.booking.drafts import Contact
from fieldservice.db import Database
from fieldservice.dispatch import inbox
from fieldservice.messages.escalation import OVERDUE
from fieldservice.models import CodePurpose, Consent, Feedback, Purpose, Visit, VisitState
from fieldservice.models.message import new_message
from tests.factories import NOW
from tests.fieldservice.messages.conftest import Book, Sender, change, messages_of, part
from tests.services import SmtpSink
from tests.signing_in import make_user

LATER = NOW + timedelta(hours=2)


def work(db: Database, visit: Visit, what: object) -> None:
    """Something happens to the visit in a transaction of its own."""

    def run(session: Session) -> None:
        what(session, session.get_one(Visit, visit.id))  # type: ignore[operator]

    db.run(run)


def states(db: Database, visit: Visit, kind: str) -> list[tuple[str, str, str]]:
    """Channel, state and error of the messages of a kind."""
    return [
        (message.channel, message.state, message.last_error)
        for message in messages_of(db, visit)
        if message.kind == kind
    ]


def answer(db: Database, visit: Visit, body: str) -> None:
    """The office writes to the customer."""
    work(
        db,
        visit,
        lambda session, visit: inbox.answer(session, visit, body, user_id=make_user(session).id, now=NOW),
    )


def test_an_answer_is_in_the_mail_and_leads_to_the_page(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """The words are read when the message goes out; the link leads to the conversation."""
    visit = book()
    sender.sweep()
    answer(db, visit, "Yes, by the <side> door.")
    sender.sweep()
    mail = sink.messages[-1]
    assert "Yes, by the <side> door." in part(mail, "text/plain")
    assert "Yes, by the &lt;side&gt; door." in part(mail, "text/html")
    assert "/messages" in part(mail, "text/plain")
    assert "10 am – 12 pm" not in part(mail, "text/plain")


def test_an_answer_comes_after_the_visit_and_without_one(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """Who asks the day after, or before a window was agreed on, is told as well."""
    visit = book()
    work(
        db,
        visit,
        lambda _, visit: setattr(visit, "window_starts_at", None) or setattr(visit, "window_ends_at", None),
    )
    answer(db, visit, "We call you.")
    sender.sweep(NOW + timedelta(days=5))
    assert "We call you." in part(sink.messages[-1], "text/plain")


def test_a_code_is_sent_while_it_counts(db: Database, sender: Sender, sink: SmtpSink, book: Book) -> None:
    """The code of the row is in the mail and not in the row; after ten minutes it is not sent any more."""
    visit = book()
    sender.sweep()
    work(db, visit, lambda session, visit: codes.send_code(session, visit, now=NOW))
    [row] = [message for message in messages_of(db, visit) if message.kind == "code"]
    right = codes.code_of(row.payload["nonce"], sender.settings.secret_key)
    assert right not in str(row.payload)
    sender.sweep()
    assert right in part(sink.messages[-1], "text/plain")
    assert right in part(sink.messages[-1], "text/html")
    work(db, visit, lambda session, visit: codes.send_code(session, visit, now=NOW))
    sender.sweep(NOW + timedelta(minutes=11))
    assert states(db, visit, "code")[-1] == ("email", "cancelled", "the code has run out")


def done(db: Database, visit: Visit, at: datetime = NOW) -> None:
    """The visit is made, and its customer is to be asked."""

    def finish(visit: Visit) -> None:
        visit.advance(VisitState.DONE, occurred_at=at, now=at, actor="test")
        visit.tell("feedback", due_at=at + timedelta(hours=1), now=at)

    change(db, visit, finish)


def test_the_question_how_it_went_waits_and_leads_to_the_stars(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """Not while the technician is at the door; an hour later, with a link to the page that rates."""
    visit = book()
    sender.sweep()
    done(db, visit)
    before = len(sink.messages)
    sender.sweep(NOW + timedelta(minutes=59))
    assert len(sink.messages) == before
    sender.sweep(LATER)
    assert "/feedback" in part(sink.messages[-1], "text/plain")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (
            lambda _, visit: visit.revert(occurred_at=NOW, now=NOW, actor="test"),
            "the visit is booked",
        ),
        (
            lambda session, visit: session.add(
                Feedback(visit=visit, rating=5, created_at=NOW, changed_at=NOW)
            ),
            "the customer has said it",
        ),
        (
            lambda _, visit: visit.work_order.consents.append(
                Consent(purpose=Purpose.FEEDBACK, given=False, changed_at=NOW)
            ),
            "the customer wants no feedback",
        ),
    ],
)
def test_nobody_is_asked_in_vain(db: Database, sender: Sender, book: Book, spoil: object, why: str) -> None:
    """Not when the tap was taken back, when it was said already, or when the customer does not want it."""
    visit = book()
    sender.sweep()
    done(db, visit)
    work(db, visit, spoil)
    sender.sweep(LATER)
    assert states(db, visit, "feedback") == [("email", "cancelled", why)]


def test_texts_beside_mails_can_be_refused(db: Database, sender: Sender, book: Book) -> None:
    """The e-mail still comes; who has a phone alone keeps being told."""
    both, phone_only = book(phone="+14105550187"), book(email="", phone="+14105550188")
    for visit in (both, phone_only):
        change(
            db,
            visit,
            lambda visit: visit.work_order.consents.append(
                Consent(purpose=Purpose.TEXTS, given=False, changed_at=NOW)
            ),
        )
    sender.sweep()
    assert [(channel, state) for channel, state, _ in states(db, both, "confirmation")] == [
        ("email", "sent"),
        ("sms", "cancelled"),
    ]
    assert [(channel, state) for channel, state, _ in states(db, phone_only, "confirmation")] == [
        ("sms", "sent")
    ]


def test_the_old_address_hears_of_the_new_one(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """The warning goes to the old address and the confirmation to the new one."""
    visit = book()
    sender.sweep()
    wanted = details.Details(
        contact=Contact(name="Rosa Diaz", email="new@example.com"), access_notes="", problem="No heat"
    )
    work(db, visit, lambda session, visit: details.correct(session, visit, wanted, now=NOW))
    sender.sweep()
    told = {str(mail["To"]): str(mail["Subject"]) for mail in sink.messages[-2:]}
    old, new = (next(told[to] for to in told if address in to) for address in ("rosa@", "new@"))
    assert old.startswith("Your contact details were changed")
    assert "new@example.com" not in part(
        next(m for m in sink.messages[-2:] if "rosa@" in str(m["To"])), "text/plain"
    )
    assert "booked" in new.lower()


def test_a_visitor_gets_a_code_without_a_visit(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """By e-mail with no reference and no link; one that has run out is retired, and so is none at all."""
    book()
    asked = visitors.Asked(purpose=CodePurpose.GUARD)
    for address, known, at in (("a@example.com", True, NOW), ("b@example.com", False, NOW)):
        with db.transaction() as session:
            wanted = replace(asked, known=known)
            to = visitors.Reach("email", address)
            nonce = visitors.send(session, to, wanted, secret_key=sender.settings.secret_key, now=at).nonce
        if known:
            code = codes.code_of(nonce, sender.settings.secret_key)
    assert sender.sweep().sent == 2  # the confirmation, and one code
    mail = sink.messages[0]  # the code goes first
    assert mail["To"] == "a@example.com"
    assert code in part(mail, "text/plain")
    assert code in part(mail, "text/html")
    assert "Reference" not in part(mail, "text/plain") + part(mail, "text/html")
    with db.transaction() as session:
        to = visitors.Reach("sms", "+14105550187")
        visitors.send(session, to, asked, secret_key=sender.settings.secret_key, now=NOW)
    late = sender.sweep(NOW + codes.LIFETIME)
    assert (late.sent, late.retired) == (0, 1)


def test_a_code_goes_before_all_else_and_the_rest_by_its_time(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """Whoever waits at a page waits for no digest or task, which wait in one line with what visits tell."""

    def tell(session: Session, name: str, at: datetime) -> None:
        message = new_message(name, OVERDUE, "email", f"{name}@example.com", role="staff")
        message.payload, message.promise_version = {"conversation_id": 1}, 0
        message.due_at = message.next_at = at
        session.add(message)

    with db.transaction() as session:
        tell(session, "first", NOW - timedelta(minutes=2))
        tell(session, "third", NOW - timedelta(seconds=1))
    book("second@example.com", now=NOW - timedelta(minutes=1))
    book("fourth@example.com")
    with db.transaction() as session:
        to, asked = visitors.Reach("email", "a@example.com"), visitors.Asked(purpose=CodePurpose.GUARD)
        visitors.send(session, to, asked, secret_key=sender.settings.secret_key, now=NOW)
        tell(session, "fifth", NOW)
    assert sender.sweep().sent == 6
    assert [mail["To"].addresses[0].username for mail in sink.messages] == [
        *("a", "first", "second", "third", "fourth", "fifth")
    ]
