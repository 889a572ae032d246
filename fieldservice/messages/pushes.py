"""Notifications among the messages: to whom they go, what they say, and what ends them.

A notification is never the only way: what a customer is told is in an e-mail or a text as well, and a
technician's page shows what changed.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.messages.rules import why_pointless
from fieldservice.models import OutboxMessage, PushDevice, User, Visit
from fieldservice.models.facts import facts_of_nobody
from fieldservice.models.push import PUSH
from fieldservice.notify.errors import Gone
from fieldservice.notify.push import KEPT_FOR
from fieldservice.notify.rendering import Occasion


def device_of(session: Session, message: OutboxMessage) -> PushDevice | None:
    """The browser that a message goes to; None for one that wants no more, or is somebody else's."""
    if message.channel != PUSH or not message.recipient.isdecimal():
        return None
    device = session.get(PushDevice, int(message.recipient))
    return device if device is not None and device.is_of(message) else None


def why_not(session: Session, message: OutboxMessage, visit: Visit | None, *, now: datetime) -> str | None:
    """The reason not to send a notification any more, or None."""
    device = device_of(session, message)
    if device is None:
        return "the browser wants no notifications any more"
    if now >= message.due_at + KEPT_FOR:
        return "it is no news any more"
    if visit is not None:
        return why_pointless(message, visit, now=now)
    user = session.get(User, device.user_id) if device.user_id is not None else None
    return "the account is closed" if user is not None and not user.active else None


def occasion_of(message: OutboxMessage, settings: Settings, at: datetime) -> Occasion:
    """What a technician is told."""
    facts = facts_of_nobody(settings, locale=message.payload["locale"], now=at)
    return Occasion(kind=message.kind, facts=facts)


def end(session: Session, message: OutboxMessage) -> None:
    """A notification failed for good: a browser that is gone is forgotten. Nobody has to call about it."""
    device = device_of(session, message)
    if device is not None and message.last_error.startswith(Gone.__name__):
        session.delete(device)
