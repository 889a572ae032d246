"""Who writes without a visit: given to one visit and no other, answered, and forgotten in time."""

from __future__ import annotations

from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.dispatch import guests
from fieldservice.models import Conversation, Guest, Visit
from tests.factories import NOW, make_visit
from tests.races import all_at_once

CONTESTANTS = 6


def make_guest(
    session: Session, *, channel: str = "messenger", address: str = "765432", name: str = "", **of: object
) -> Guest:
    """Somebody who asked one question."""
    conversation = Conversation(last_at=NOW)
    conversation.ask("Do you repair ovens?", channel=channel, now=NOW)
    values = {"locale": "en", "began_at": NOW} | of
    guest = Guest(conversation=conversation, channel=channel, address=address, name=name, **values)
    session.add(guest)
    session.flush()
    return guest


def test_of_two_who_give_a_guest_away_at_once_one_wins(db: Database) -> None:
    """Several dispatchers name different visits at the same instant, some of which have a conversation of
    their own: all are told the same one, which has every message, and no other visit has any of them."""
    with db.transaction() as session:
        guest_id = make_guest(session).id
        visits = [make_visit(session).id for _ in range(CONTESTANTS)]
        for number in visits[::2]:
            own = Conversation(visit=session.get_one(Visit, number), last_at=NOW)
            session.add(own)
            own.ask("Which door?", channel="page", now=NOW)

    def give(session: Session, visit_id: int) -> int:
        guest, visit = session.get_one(Guest, guest_id), session.get_one(Visit, visit_id)
        _ = guest.conversation.visit  # as a page shows it before somebody decides
        return guests.give(session, guest, visit, now=NOW).id

    told = all_at_once([partial(db.run, partial(give, visit_id=each)) for each in visits])
    (winner,) = {outcome.result for outcome in told}
    with db.reading() as session:
        bodies = {
            talk.visit_id: [message.body for message in talk.messages]
            for talk in session.scalars(select(Conversation))
        }
    questions = {number: ["Which door?"] if number in visits[::2] else [] for number in visits}
    questions[winner].insert(0, "Do you repair ovens?")
    assert bodies == {number: asked for number, asked in questions.items() if asked}
