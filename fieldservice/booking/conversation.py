"""What a customer asks about a visit; the office answers it at its own desk."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from fieldservice.models import Channel, Conversation, ConversationMessage, Visit

_AT_MOST = 20
_PERIOD = timedelta(hours=1)


class TooManyMessages(Exception):
    """The customer wrote more in an hour than anybody can answer."""


def require_room(conversation: Conversation, *, now: datetime) -> None:
    """Raise TooManyMessages when more was written in an hour than anybody reads."""
    if sum(message.at > now - _PERIOD for message in conversation.messages) >= _AT_MOST:
        raise TooManyMessages


def ask(
    session: Session, visit: Visit, body: str, *, now: datetime, channel: Channel = Channel.PAGE
) -> ConversationMessage:
    """Add what the customer writes to the conversation of the visit, which the office sees at once.

    Raises TooManyMessages.
    """
    session.refresh(visit, with_for_update={"of": Visit})
    conversation = visit.conversation
    if conversation is None:
        conversation = Conversation(visit=visit, last_at=now)
        session.add(conversation)
    require_room(conversation, now=now)
    message = conversation.ask(body, channel=channel, now=now)
    session.flush()
    return message
