"""The customer and the office write to each other; the customer corrects what is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from time_machine import Traveller

from fieldservice.dispatch import inbox
from fieldservice.models import (
    Conversation,
    Customer,
    MessageState,
    OutboxMessage,
    Role,
    Visit,
    VisitState,
)
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.booking.walker import Walker
from tests.signing_in import make_user


def the_visit(services: Services) -> Visit:
    """The only visit, with what tests ask of it."""
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.conversation is None or visit.conversation.messages
        assert visit.work_order.contacts
        _ = visit.site, visit.messages, visit.work_order.customer, visit.events
        return visit


def answer(services: Services, body: str) -> None:
    """Somebody of the office writes to the only customer."""
    with services.db.transaction() as session:
        user = make_user(session, name="Dana Reyes")
        inbox.answer(session, session.scalars(select(Visit)).one(), body, user_id=user.id, now=NOW)


def test_a_question_reaches_the_office_and_its_answer_the_page(booked: Walker, services: Services) -> None:
    """Without JavaScript: a form, a reload; each message with its author and time, the newest at the end."""
    link = booked.url
    assert f"{link}/messages" in booked.page.links
    booked.open(f"{link}/messages")
    assert "Our office answers in about 10 minutes, 7 am – 7 pm." in booked.page.text
    booked.send(body="Shall I switch the boiler off?")
    assert "Shall I switch the boiler off?" in booked.page.text
    assert "You · 8:00 am" in booked.page.text
    with services.db.reading() as session:
        conversation = session.scalars(select(Conversation)).one()
        assert conversation.waiting_since is not None
    answer(services, "Yes, please.")
    booked.open(f"{link}/messages")
    assert booked.page.text.index("Shall I") < booked.page.text.index("Yes, please.")
    assert "Dana Reyes · 8:00 am" in booked.page.text
    visit = the_visit(services)
    assert visit.conversation is not None
    assert visit.conversation.waiting_since is None
    told = [message for message in visit.messages if message.kind == "answer"]
    assert [(message.channel, message.recipient) for message in told] == [("email", "rosa@example.com")]


def test_a_page_that_has_everything_is_told_nothing(booked: Walker, services: Services) -> None:
    """The list that a script asks for every two seconds: 204 while nothing is new, else all messages."""
    link = booked.url
    part = f"{link}/messages/new"
    assert booked.client.get(part).status_code == 204
    answer(services, "We come ten minutes early.")
    news = booked.client.get(part)
    assert news.status_code == 200
    assert "We come ten minutes early." in news.text
    assert "<html" not in news.text
    visit = the_visit(services)
    assert visit.conversation is not None
    assert booked.client.get(f"{part}?after={visit.conversation.messages[-1].id}").status_code == 204
    assert booked.client.get(f"{part}?after=999999999999999999").status_code == 200


def test_a_question_sent_twice_is_asked_once(booked: Walker, services: Services) -> None:
    """A double click, and the Back button, send the same key."""
    link = booked.url
    booked.open(f"{link}/messages")
    form, url = booked.page, booked.url
    booked.send(body="Which door?")
    booked.page, booked.url = form, url
    booked.send(body="Which door?")
    visit = the_visit(services)
    assert visit.conversation is not None
    assert len(visit.conversation.messages) == 1


def test_an_empty_or_endless_message_is_refused_in_words(booked: Walker) -> None:
    """The field says why, and what was typed stays."""
    booked.open(f"{booked.url}/messages")
    booked.send(body="  ")
    assert booked.status == 422
    assert "Write your message" in booked.page.text
    booked.send(body="x" * 2001)
    assert booked.status == 422
    assert "Use 2000 characters or fewer" in booked.page.text


def test_twenty_messages_in_an_hour_are_enough(
    booked: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """Who goes on is asked to call, and may write again later."""
    link = booked.url
    for number in range(20):
        booked.open(f"{link}/messages")
        booked.send(body=f"Message {number}")
        assert booked.status == 200
    booked.open(f"{link}/messages")
    booked.send(body="One more")
    assert booked.status == 429
    assert "call +1 410 555 0100" in booked.page.text
    clock_at_now.shift(timedelta(hours=1, minutes=1))
    booked.open(f"{link}/messages")
    booked.send(body="One more")
    assert booked.status == 200


def test_outside_the_hours_the_page_says_so(booked: Walker, clock_at_now: Traveller) -> None:
    """At night nobody is left waiting without knowing it."""
    clock_at_now.shift(timedelta(hours=14))
    booked.open(f"{booked.url}/messages")
    assert "We are closed now." in booked.page.text


def test_a_correction_is_stored_told_and_used(booked: Walker, services: Services) -> None:
    """A new number and address get what is still to be sent, and the new e-mail the confirmation again."""
    link = booked.url
    booked.open(f"{link}/details")
    assert booked.page.fields["name"] == "Rosa Whitfield"
    booked.send(
        name="Rosa Whitfield",
        phone="410 555 0199",
        email="rosa@new.example.com",
        access_notes="Ring twice",
        problem="Error F28",
    )
    assert "Saved: mobile number, email address, entry notes, notes for the technician." in booked.page.text
    assert "Texts go to the new number from now on." in booked.page.text
    assert "You corrected your details" in booked.page.text
    assert "Ring twice" in booked.page.text
    visit = the_visit(services)
    requester = visit.work_order.contact(Role.REQUESTER)
    assert requester is not None
    assert (requester.phone, requester.email) == ("+14105550199", "rosa@new.example.com")
    assert visit.work_order.problem == "Error F28"
    assert visit.work_order.customer.phone == "+14105550199"
    assert visit.events[-1].payload == {"fields": ["phone", "email", "access_notes", "problem"]}
    pending = [message for message in visit.messages if message.state == MessageState.PENDING]
    told = {message.recipient for message in pending if message.kind == "corrected"}
    assert told == {"+14105550187", "rosa@example.com"}
    others = [message for message in pending if message.kind != "corrected"]
    assert {message.recipient for message in others} == {"+14105550199", "rosa@new.example.com"}
    assert {message.kind for message in others} == {"confirmation", "reminder_24h", "reminder_2h"}


def test_an_address_that_is_taken_away_gets_nothing_and_one_that_comes_gets_all(
    booked: Walker, services: Services
) -> None:
    """First the text messages end, then a number is given again and gets reminders and confirmation."""
    link = booked.url
    booked.open(f"{link}/details")
    booked.send(phone="", email="rosa@example.com")
    visit = the_visit(services)
    texts = [
        message for message in visit.messages if message.channel == "sms" and message.kind != "corrected"
    ]
    assert {message.state for message in texts} == {MessageState.CANCELLED}
    booked.open(f"{link}/details")
    booked.send(phone="410 555 0187")
    visit = the_visit(services)
    fresh = [
        message
        for message in visit.messages
        if (message.channel, message.state) == ("sms", MessageState.PENDING) and message.kind != "corrected"
    ]
    assert sorted(message.kind for message in fresh) == ["confirmation", "reminder_24h", "reminder_2h"]


def test_nothing_changed_is_said(booked: Walker, services: Services) -> None:
    """Saving the form as it is leaves no trace."""
    before = len(the_visit(services).events)
    booked.open(f"{booked.url}/details")
    booked.send()
    assert "Nothing was changed." in booked.page.text
    assert len(the_visit(services).events) == before


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": ""}, "Enter your full name"),
        ({"phone": "", "email": ""}, "Enter a mobile number or an email address"),
        ({"phone": "12"}, "Enter a phone number, like 410 555 0187"),
        ({"email": "rosa"}, "Enter an email address in the correct format"),
        ({"access_notes": "x" * 501}, "Use 500 characters or fewer"),
    ],
)
def test_a_wrong_detail_is_said_at_its_field(
    booked: Walker, services: Services, typed: dict[str, str], words: str
) -> None:
    """Nothing is stored then."""
    booked.open(f"{booked.url}/details")
    booked.send(**typed)
    assert booked.status == 422
    assert words in booked.page.text
    assert the_visit(services).work_order.customer.name == "Rosa Whitfield"


def test_another_visit_of_the_same_customer_keeps_its_details(booked: Walker, services: Services) -> None:
    """The link proves nothing about the customer: their other visits and the customer's row stay."""
    booked.book()
    booked.open(f"{booked.url.removesuffix('/booked')}/details")
    booked.send(name="Mallory", phone="410 555 0000", access_notes="Leave the door open")
    assert "Saved:" in booked.page.text
    with services.db.reading() as session:
        assert session.scalars(select(Customer.name)).all() == ["Rosa Whitfield"]
        first = session.scalars(select(Visit).order_by(Visit.id)).first()
        assert first is not None
        assert first.site.access_notes == ""
        contact = first.work_order.contact(Role.REQUESTER)
        assert contact is not None
        assert contact.phone == "+14105550187"
        recipients = session.scalars(
            select(OutboxMessage.recipient).where(OutboxMessage.visit_id == first.id)
        )
        assert "+14105550000" not in set(recipients)


def test_after_the_visit_there_is_nothing_to_correct(booked: Walker, services: Services) -> None:
    """A page that was left open is refused in words."""
    link = booked.url
    booked.open(f"{link}/details")
    form = booked.page, booked.url
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        visit.advance(VisitState.DONE, occurred_at=NOW, now=NOW, actor="test")
    booked.page, booked.url = form
    booked.send(name="Somebody")
    assert booked.status == 409
    assert "can no longer be changed" in booked.page.text
