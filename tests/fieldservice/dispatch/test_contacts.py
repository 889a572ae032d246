"""Everything with one customer on one page, calls in one click, and how soon questions are answered."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

from sqlalchemy import select

from fieldservice.dispatch import contacts
from fieldservice.messages import inbound
from fieldservice.models import (
    Channel,
    Conversation,
    InboundMessage,
    MessageState,
    OutboxMessage,
    Outcome,
    Role,
    Visit,
)
from fieldservice.web import Services
from tests.factories import NOW, make_customer
from tests.fieldservice.dispatch.scene import Dispatcher, Scene
from tests.signing_in import csrf_token, make_user

HOUR = timedelta(hours=1)


def test_every_contact_is_on_the_customer_s_page(dana: Dispatcher, services: Services) -> None:
    """Sent with its words, failed with its reason, a text that came, an answer, a call; nobody else's."""
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit).where(Visit.window_starts_at.is_not(None)).limit(1)).one()
        contact = visit.work_order.contact(Role.REQUESTER)
        assert contact is not None
        contact.phone = "+14105550142"
        for state, subject, error in (
            (MessageState.SENT, "You’re booked", ""),
            (MessageState.DEAD, "Reminder", "Permanent: 550 no such user"),
        ):
            message = OutboxMessage(
                dedupe_key=subject,
                promise_version=1,
                kind="confirmation",
                channel="email",
                recipient="r@example.com",
            )
            message.state, message.sent_subject, message.last_error = state, subject, error
            message.sent_text, message.due_at, message.next_at = f"Words of {subject}", NOW, NOW
            visit.messages.append(message)
        visit.tell("reminder_3d", due_at=NOW + HOUR, now=NOW)
        session.flush()
        phone = contact.phone
        received = inbound.Received(provider_key="1", sender=phone, body="Which door?", phone=phone)
        inbound.receive(session, received, locale="en_US", now=NOW)
        session.flush()
        session.expire(visit)
        assert visit.conversation is not None
        visit.conversation.answer(
            "The green one.", user_id=make_user(session, name="Dora").id, now=NOW + HOUR
        )
        visit_id, customer_id = visit.id, visit.work_order.customer_id
        stranger = make_customer(session, name="Somebody Else").id
    page = f"/board/customers/{customer_id}"
    call = {"direction": "in", "words": "Rings twice.", "csrf_token": csrf_token(dana.client)}
    sent = dana.client.post(
        f"/board/visits/{visit_id}/calls", data={**call, "idempotency_key": "a-call-of-today"}
    )
    assert (sent.status_code, sent.headers["Location"]) == (303, page)
    bad = {**call, "direction": "", "idempotency_key": "a-call-of-nobody"}
    assert dana.client.post(f"/board/visits/{visit_id}/calls", data=bad).status_code == 422
    text = dana.client.get(page).text
    for words in (
        *("You’re booked", "Words of You’re booked", "550 no such user", "not delivered", "Which door?"),
        *(
            "The green one.",
            "Dora",
            "Rings twice.",
            "Reminder, half a day or more before",
            "from the customer",
            "to the customer",
        ),
    ):
        assert words in text, words
    assert "Which door?" not in dana.client.get(f"/board/customers/{stranger}").text
    with services.db.reading() as session:
        [found] = contacts.figures(session, now=NOW + 2 * HOUR)
    assert (found.channel, found.asked, found.answered, found.first_answer) == (Channel.SMS, 1, 1, HOUR)
    assert (
        "1 hr" in dana.client.get("/board/inbox/figures").text
        or "1 h" in dana.client.get("/board/inbox/figures").text
    )


def test_figures_tell_channels_and_open_questions_apart(services: Services, scene: Scene) -> None:
    """One question a wait, however many messages it has; old ones do not count; settled needs no answer."""
    with services.db.transaction() as session:
        first, second = session.scalars(select(Visit).order_by(Visit.id).limit(2)).all()
        for visit, asked in ((first, NOW), (second, NOW - timedelta(days=40))):
            thread = Conversation(visit=visit, last_at=asked)
            session.add(thread)
            thread.ask("When?", channel=Channel.PAGE, now=asked)
            thread.ask("Hello?", channel=Channel.EMAIL, now=asked + HOUR)
        session.flush()
        [found] = contacts.figures(session, now=NOW + 3 * HOUR)
        assert (found.channel, found.asked, found.answered, found.resolved) == (Channel.PAGE, 1, 0, 0)
        assert first.conversation is not None
        first.conversation.settle()
        [found] = contacts.figures(session, now=NOW + 3 * HOUR)
        assert (found.first_answer, found.resolved) == (None, 1)


def test_browsers_and_the_phone_menu_are_told_in_words(dana: Dispatcher, services: Services) -> None:
    """No name of a channel, no number of a browser, and of a key of the phone menu what it means."""
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit).where(Visit.window_starts_at.is_not(None)).limit(1)).one()
        browser = {"channel": "push", "recipient": "8833", "role": "device", "kind": "changed"}
        message = OutboxMessage(dedupe_key="p", promise_version=1, due_at=NOW, next_at=NOW, **browser)
        visit.messages.append(message)
        for key, outcome in (("1", Outcome.CONFIRMED), ("2", Outcome.ASKED)):
            said = {"channel": Channel.VOICE, "provider_key": f"call:{key}", "sender": "", "body": key}
            session.add(InboundMessage(**said, visit_id=visit.id, outcome=outcome, received_at=NOW))
        customer_id = visit.work_order.customer_id
    page = unescape(dana.client.get(f"/board/customers/{customer_id}").text)
    contacts_shown = page.partition('<ol class="rows panel history')[2].partition("</ol>")[0]
    shown = " ".join(re.sub("<[^>]+>", " ", contacts_shown).split())
    assert "Notification · to the customer" in shown
    assert "push" not in shown.lower()
    assert "8833" not in shown
    assert shown.count("Phone · from the customer") == 2
    assert "confirmed the visit" in shown
    assert "Wants to be called back" in shown
    assert "Words" not in shown
