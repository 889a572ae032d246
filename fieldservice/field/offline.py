"""What the phone keeps of the day without a signal, and the key that seals what it could not send."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from fieldservice.field.service import PhoneDay
from fieldservice.models import Attachment, Visit

_KEY_OF = "unsent items on the phone of user {}"


def outbox_key(secret: str, user_id: int) -> bytes:
    """The 256-bit key of one user's unsent items: the same at each sign-in, and on each of their phones."""
    return hmac.digest(secret.encode(), _KEY_OF.format(user_id).encode(), hashlib.sha256)


def visits_of(day: PhoneDay) -> list[Visit]:
    """The visits whose pages are kept."""
    return [entry.visit for entry in day.visits if entry.visit is not None]


def files_of(day: PhoneDay) -> Iterator[Attachment]:
    """The photos and documents that the pages of the day show."""
    for visit in visits_of(day):
        yield from (file for file in visit.work_order.shared_attachments if file.shown_to_others)
