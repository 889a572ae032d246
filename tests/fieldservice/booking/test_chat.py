"""Visitors write with the office before they book; what was said is with the visit when there is one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from time_machine import Traveller

from fieldservice import clock
from fieldservice.booking import chat
from fieldservice.booking.conversation import TooManyMessages
from fieldservice.booking.drafts import LIFETIME
from fieldservice.booking.tasks import forget_old
from fieldservice.db import Database
from fieldservice.dispatch import guests, inbox
from fieldservice.models import Conversation, ConversationMessage, Guest, Visit
from fieldservice.web import Services
from tests.factories import NOW, make_visit
from tests.fieldservice.booking.walker import Walker
from tests.signing_in import csrf_token, make_user


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


def ask_before_booking(walker: Walker, body: str = "Do you repair ovens?") -> str:
    """Write from the first page; returns the token in its address."""
    walker.open("/book")
    (link,) = {found for found in walker.page.links if "/chat" in found}
    walker.open(link)
    walker.send(body=body)
    return link.split("/")[2]


def statuses(walker: Walker, token: str) -> list[int]:
    """What the conversation's page and its part answer."""
    answers = [walker.client.get(f"/book/{token}/chat{part}") for part in ("", "/new")]
    assert not any("ovens" in answer.text for answer in answers if answer.status_code != 200)
    return [answer.status_code for answer in answers]


def test_a_link_that_is_over_opens_no_conversation(
    walker: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """A booked visit's conversation is behind its private link; the draft's, a day old, opens it neither
    before nor after the draft was tidied away, and takes no words. The token is kept nowhere."""
    token = ask_before_booking(walker)
    walker.open("/book")
    walker.send(service="heating", draft=token)
    walker.give_address()
    walker.open(f"/book/{walker.draft}/time?day=2026-03-04")
    walker.pick_window(1)
    walker.confirm()
    assert walker.draft == token or "/visit/" in walker.url
    assert statuses(walker, token) == [303, 303]
    clock_at_now.shift(LIFETIME + timedelta(minutes=1))
    assert statuses(walker, token) == [410, 410]
    forget_old(services, now=NOW + LIFETIME + timedelta(minutes=1))
    assert statuses(walker, token) == [410, 410]
    form = {"body": "Hello?", "csrf_token": csrf_token(walker.client)}
    assert walker.client.post(f"/book/{token}/chat", data=form).status_code == 410
    with services.db.reading() as session:
        assert len(session.scalars(select(ConversationMessage)).all()) == 1
        assert token not in session.scalars(select(Guest.address)).one()


def test_a_link_without_a_draft_lasts_a_day(
    walker: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """Who never began to book sees their conversation for a day, and the office keeps it."""
    token = ask_before_booking(walker)
    clock_at_now.shift(LIFETIME - timedelta(minutes=1))
    assert statuses(walker, token) == [200, 200]
    clock_at_now.shift(timedelta(minutes=2))
    assert statuses(walker, token) == [410, 410]
    forget_old(services, now=NOW + LIFETIME + timedelta(minutes=1))
    assert statuses(walker, token) == [410, 410]
    with services.db.reading() as session:
        assert [guest.conversation.messages[0].body for guest in guests.lately(session, since=NOW)] == [
            "Do you repair ovens?"
        ]


def test_a_conversation_that_the_office_gave_to_a_visit_is_not_behind_the_draft(
    walker: Walker, services: Services
) -> None:
    """Others may write with that visit: its private link opens it, and the draft's page says so."""
    token = ask_before_booking(walker)
    with services.db.transaction() as session:
        guests.give(session, session.scalars(select(Guest)).one(), make_visit(session), now=NOW)
    assert statuses(walker, token) == [410, 410]
    walker.open(f"/book/{token}/chat")
    assert "Use the link in our message" in walker.page.text


def test_who_wrote_too_much_before_booking_is_not_sent_to_a_visit(walker: Walker, services: Services) -> None:
    """There is none yet: the page says what to do, without a way back that leads nowhere."""
    token = ask_before_booking(walker)
    for _ in range(19):
        with services.db.transaction() as session:
            chat.ask(session, token, "Hello", service="", locale="en", network="n", now=clock.now())
    walker.open(f"/book/{token}/chat")
    walker.send(body="Hello?")
    assert walker.status == 429
    assert "Back to your visit" not in walker.page.text
    assert not any("/visit/" in link for link in walker.page.links)
