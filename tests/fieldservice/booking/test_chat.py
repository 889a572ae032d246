"""Visitors write with the office before they book; what was said is with the visit when there is one."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fieldservice.booking import chat
from fieldservice.booking.conversation import TooManyMessages
from fieldservice.db import Database
from fieldservice.dispatch import guests, inbox
from fieldservice.models import Conversation, ConversationMessage, Guest, Visit
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.booking.walker import Walker
from tests.signing_in import make_user


def test_what_is_asked_before_booking_is_answered_there_and_goes_with_the_booking(
    walker: Walker, services: Services
) -> None:
    """From the first page, before anything was typed: the office sees it, its answer is on the page at the
    next look, and the transcript is the conversation of the visit that is booked then."""
    walker.open("/book")
    (link,) = {found for found in walker.page.links if "/chat" in found}
    token = link.split("/")[2]
    begin = walker.page
    walker.open(link)
    walker.send(body="Do you repair ovens?")
    assert "Do you repair ovens?" in walker.page.text
    with services.db.reading() as session:
        (last,) = session.scalars(select(ConversationMessage.id))
    news = f"/book/{token}/chat/new?after={last}"
    assert walker.client.get(news).status_code == 204
    with services.db.transaction() as session:
        (guest,) = inbox.inbox(session, now=NOW).guests
        guests.answer(
            session, guest, "Yes, we do.", user_id=make_user(session, name="Dana Reyes").id, now=NOW
        )
    answer = walker.client.get(news)
    assert (answer.status_code, "Yes, we do." in answer.text) == (200, True)
    assert "New message from Dana Reyes" in answer.text
    walker.page, walker.url = begin, "/book"
    walker.send(service="heating")
    walker.give_address()
    walker.open(f"/book/{walker.draft}/time?day=2026-03-04")
    walker.pick_window(1)
    walker.confirm()
    with services.db.reading() as session:
        conversation = session.scalars(select(Conversation)).one()
        visit = session.scalars(select(Visit)).one()
        assert visit.conversation is conversation
        assert [m.body for m in conversation.messages] == ["Do you repair ovens?", "Yes, we do."]
        assert inbox.inbox(session, now=NOW).guests == []
    again = walker.client.get(f"/book/{token}/chat")
    assert again.status_code == 303
    assert "/visit/" in again.headers["Location"]


def test_a_flood_is_refused(db: Database) -> None:
    """Twenty messages of one visitor in an hour, ten visitors of one network; another network is heard."""
    who = {"service": "", "locale": "en", "network": "n", "now": NOW}

    def send(token: str, **other: str) -> None:
        with db.transaction() as session:
            chat.ask(session, token, "Hello", **(who | other))

    for number in range(10):
        send(f"token-{number}")
    with pytest.raises(TooManyMessages):
        send("token-11")
    send("token-11", network="another")
    for _ in range(19):
        send("token-1")
    with pytest.raises(TooManyMessages):
        send("token-1")
    with db.reading() as session:
        assert len(session.scalars(select(Guest)).all()) == 11
