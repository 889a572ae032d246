"""One claimed message: what is handed over, and what its row says after the try."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fieldservice.auth.visitors import KIND as VISITOR_CODE
from fieldservice.messages.digests import KINDS as DIGESTS
from fieldservice.models import MessageState
from fieldservice.notify.calendar import invitation
from fieldservice.notify.errors import NotDelivered, Permanent, SwitchedOff, Temporary, Unavailable, Unknown
from fieldservice.notify.mail import Mail
from fieldservice.notify.push import Device, Notification
from fieldservice.notify.rendering import Occasion, letter, notice, short_text
from fieldservice.notify.sms import Text

TRIES = 5
TRIES_WITHOUT_KEY = 2  # of a text whose fate is unknown, where nobody would notice the second one
PAUSE = timedelta(seconds=30)  # before the second try, then twice as long each time
UNKEPT = frozenset({"code", VISITOR_CODE, *DIGESTS})
WITH_CALENDAR = frozenset({"confirmation", "changed", "cancelled"})


type Content = Mail | Text | Notification


@dataclass(frozen=True)
class Order:
    """One claimed message with all that is needed to send it outside a transaction."""

    id: int
    key: str
    channel: str
    recipient: str
    recipient_name: str
    attempts: int
    occasion: Occasion
    reply_to: str = ""
    answers: str = ""
    device: Device | None = None
    test: bool = False  # the office looks at a text: nothing goes into a calendar


def written(order: Order, *, written_at: datetime) -> Content:
    """The message as its channel takes it; raises Permanent for a recipient that no server takes."""
    if order.channel == "email":
        return mail_of(order, written_at=written_at)
    if order.device is not None:
        return Notification(device=order.device, words=notice(order.occasion), written_at=written_at)
    # On a social channel it is a chat: the answer itself, and no announcement of it.
    text = short_text(order.occasion) if order.channel == "sms" else order.occasion.words
    return Text(key=order.key, recipient=order.recipient, text=text)


def mail_of(order: Order, *, written_at: datetime) -> Mail:
    facts = order.occasion.facts
    written = letter(order.occasion)
    with_calendar = order.occasion.kind in WITH_CALENDAR and not order.test
    return Mail(
        key=order.key,
        sender_name=facts.company.name,
        sender=facts.company.email,
        recipient_name=order.recipient_name,
        recipient=order.recipient,
        written_at=written_at,
        subject=written.subject,
        text=written.text,
        html=written.html,
        invitation=invitation(facts, written_at=written_at) if with_calendar else None,
        reply_to=order.reply_to,
        answers=order.answers,
    )


def as_sent(order: Order, content: Content) -> dict[str, str]:
    """What the row keeps of what was said: nothing of a code or a digest, and no link that opens a page."""
    if order.occasion.kind in UNKEPT:
        return {}
    if isinstance(content, Notification):
        return {"sent_subject": content.words.title, "sent_text": content.words.body}
    link = order.occasion.facts.link
    text = content.text.replace(link, f"{link.rpartition('/')[0]}/…") if link else content.text
    if isinstance(content, Text):
        return {"sent_text": text}
    return {"sent_subject": content.subject, "sent_text": text, "mail_id": content.mail_id}


def after_failure(failure: NotDelivered, attempts: int, tries: int, *, now: datetime) -> dict[str, Any]:
    """The row's values after a failed try; after `tries` no further one is made.

    A try whose outcome is unknown counts like one that failed: one more message is better than none. When the
    last one was of this kind, the message stays unknown: it may well have arrived.
    """
    values: dict[str, Any] = {"last_error": f"{type(failure).__name__}: {failure}"}
    if isinstance(failure, SwitchedOff):
        return values | {"state": MessageState.CANCELLED}
    if isinstance(failure, Unavailable):
        return values | {
            "state": MessageState.PENDING,
            "attempts": attempts - 1,
            "next_at": now + _jitter(PAUSE),
        }
    if isinstance(failure, Unknown) and attempts >= tries:
        return values | {"state": MessageState.UNKNOWN}
    if isinstance(failure, Permanent) or attempts >= TRIES:
        return values | {"state": MessageState.DEAD}
    pause = _jitter(PAUSE * 2 ** (attempts - 1))
    if isinstance(failure, Temporary) and failure.retry_after is not None:
        pause = max(pause, failure.retry_after)
    return values | {"state": MessageState.PENDING, "next_at": now + pause}


def _jitter(pause: timedelta) -> timedelta:
    return pause * random.uniform(0.5, 1.5)  # noqa: S311
