"""The texts of messages: which there are, what the company wrote itself, and who changed it. Knows no web."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import lock_names
from fieldservice.models import AuditEntry, MessageText, Territory
from fieldservice.models.message import new_message
from fieldservice.models.message_text import TEST
from fieldservice.notify import texts
from fieldservice.notify.texts import Key
from fieldservice.notify.translations import language_of, languages, locale_in

SUBJECT = "message_text"
_SHOWN = 20


class Overtaken(Exception):
    """Somebody else changed the text since the page was opened."""


@dataclass(frozen=True)
class Shown:
    """A text as it is sent now: its parts, and whether the company wrote them."""

    words: Mapping[str, str]
    own: bool
    version: int


def is_key(key: Key) -> bool:
    """Whether there is such a text."""
    name, channel, language = key
    return name in texts.names() and channel in texts.PARTS and language in languages()


def written_by_us(session: Session) -> set[Key]:
    """Which texts are the company's own."""
    rows = session.scalars(select(MessageText))
    return {(row.name, row.channel, row.language) for row in rows if row.words}


def shown(session: Session, key: Key, company_locale: str) -> Shown:
    """What is sent now."""
    name, channel, language = key
    row, product = _row(session, key), texts.product_text(name, channel, locale_in(language, company_locale))
    if row is None or not row.words:
        return Shown(product, own=False, version=row.version if row else 0)
    return Shown({**product, **row.words}, own=True, version=row.version)


def write(
    session: Session, key: Key, words: Mapping[str, str], *, version: int, now: datetime, actor: str
) -> None:
    """From now on these words are sent; none: the product's own again. Raises Overtaken."""
    lock_names(session, [f"text {' '.join(key)}"])
    name, channel, language = key
    row = _row(session, key)
    if (row.version if row else 0) != version:
        raise Overtaken
    before = dict(row.words) if row else {}
    if row is None:
        row = MessageText(name=name, channel=channel, language=language, words={})
        session.add(row)
        session.flush()
    if dict(words) == before:
        return
    row.words = dict(words)
    session.flush()
    session.add(
        AuditEntry(
            at=now,
            actor=actor,
            action="text_changed" if words else "text_reset",
            subject_kind=SUBJECT,
            subject_id=row.id,
            detail={"text": "/".join(key), "before": before, "after": dict(words)},
        )
    )


def history(session: Session, key: Key) -> Sequence[AuditEntry]:
    """Who changed a text, the newest first."""
    row = _row(session, key)
    if row is None:
        return []
    query = select(AuditEntry).where(AuditEntry.subject_kind == SUBJECT, AuditEntry.subject_id == row.id)
    return session.scalars(query.order_by(AuditEntry.id.desc()).limit(_SHOWN)).all()


def send_test(
    session: Session,
    key: Key,
    words: Mapping[str, str],
    to: str,
    *,
    locale: str,
    occasion: str,
    now: datetime,
) -> None:
    """Send the words, stored or not, with an imaginary visit to somebody of the office."""
    name, channel, language = key
    told: dict[str, Any] = {"name": name, "locale": locale_in(language, locale), "words": dict(words)}
    told["zone"] = zone_of(session)
    message = new_message(f"test:{occasion}", TEST, channel, to, role="office", payload=told)
    message.promise_version, message.due_at, message.next_at = 0, now, now
    session.add(message)


def zone_of(session: Session) -> str:
    """The time zone of the first territory, in which imaginary visits are."""
    found = session.scalar(
        select(Territory.time_zone).where(Territory.active).order_by(Territory.id).limit(1)
    )
    return found or "UTC"


def own_language(company_locale: str) -> str:
    """The language that the company speaks itself, if there are texts for it."""
    language = language_of(company_locale)
    return language if language in languages() else "en"


def _row(session: Session, key: Key) -> MessageText | None:
    name, channel, language = key
    query = select(MessageText).where(MessageText.name == name, MessageText.channel == channel)
    return session.scalar(query.where(MessageText.language == language))
