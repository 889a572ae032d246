"""Attachments in the database, in step with the file store. Everything works inside the caller's transaction.

An attachment belongs to a draft, by its token, until the draft becomes a visit. A draft may get files before
it has begun: the page of the first screen carries the token that it will have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from fieldservice.db import Database, exists_one, lock_names
from fieldservice.files import FileStore, Kept, NotStored
from fieldservice.models import Attachment, BookingDraft, KeptWork, ScanState, Visit, WorkOrder

MOST_FILES = 5
MOST_AT_WORK = 60  # of a technician at one visit
UNBOOKED_BYTES = 2_000_000_000
ORPHAN_AFTER = timedelta(hours=1)  # no request takes so long from the file to its row

type Owner = str | Visit
"""The token of a draft, or a visit."""


class TooManyFiles(Exception):
    """The owner has as many files of this sender as there may be."""


@dataclass(frozen=True)
class Stored:
    """A file in the store that has no row yet."""

    key: str
    small_key: str | None
    kept: Kept
    sha256: str
    sent_sha256: str

    @property
    def keys(self) -> tuple[str, ...]:
        """What the file store holds of it."""
        return (self.key, self.small_key) if self.small_key else (self.key,)


@dataclass(frozen=True, kw_only=True)
class Label:
    """What a file is: its name where it came from, what it shows, and the question that it answers.

    `about` is for what a technician leaves at a visit, see `Attachment`.
    """

    name: str
    caption: str = ""
    question: str = ""
    about: str = ""
    item: str = ""


def store_file(store: FileStore, kept: Kept, sent: bytes) -> Stored:
    """Put a file where it will stay; `add` writes its row, and without one a sweep removes it.

    Raises NotStored.
    """
    key = store.put(kept.content)
    try:
        small_key = store.put(kept.small) if kept.small is not None else None
    except NotStored:
        store.remove(key)
        raise
    return Stored(key, small_key, kept, _sha256(kept.content), _sha256(sent))


def add(
    session: Session, owner: Owner, stored: Stored, label: Label, *, actor: str, scanned: bool, now: datetime
) -> Attachment | None:
    """The row of a stored file. None when its owner has the same file already: sent twice, it is kept once.

    `scanned` says that it waits for a virus scanner. Raises TooManyFiles.
    """
    lock_names(session, [f"attachments {_name(owner)}"])
    there = [attachment for attachment in of_owner(session, owner) if attachment.actor == actor]
    sent = (stored.sent_sha256, label.about, label.item)
    if any((attachment.sent_sha256, attachment.about, attachment.item) == sent for attachment in there):
        return None
    if len(there) >= (MOST_AT_WORK if label.about else MOST_FILES):
        raise TooManyFiles
    attachment = Attachment(
        key=stored.key,
        small_key=stored.small_key,
        draft_token=owner if isinstance(owner, str) else None,
        visit_id=None if isinstance(owner, str) else owner.id,
        question=label.question,
        about=label.about,
        item=label.item,
        caption=label.caption,
        name=label.name,
        media_type=stored.kept.media_type,
        size=len(stored.kept.content),
        width=stored.kept.width,
        height=stored.kept.height,
        sha256=stored.sha256,
        sent_sha256=stored.sent_sha256,
        actor=actor,
        created_at=now,
        scan_state=ScanState.WAITING if scanned else ScanState.OFF,
        scan_after=now if scanned else None,
    )
    session.add(attachment)
    session.flush()
    return attachment


def of_owner(session: Session, owner: Owner) -> Sequence[Attachment]:
    """The owner's attachments, the oldest first: of a visit those of all that was asked for with it."""
    query = select(Attachment).order_by(Attachment.id)
    if isinstance(owner, str):
        return session.scalars(query.where(Attachment.draft_token == owner)).all()
    orders = select(WorkOrder.id).where(owner.work_order.asked_together)
    theirs = select(Visit.id).where(Visit.work_order_id.in_(orders))
    return session.scalars(query.where(Attachment.visit_id.in_(theirs))).all()


def find(session: Session, owner: Owner, number: int) -> Attachment | None:
    """One of the owner's attachments."""
    return next((found for found in of_owner(session, owner) if found.id == number), None)


def is_full(session: Session, *, more: int) -> bool:
    """Whether unfinished bookings would take more room than they may: anybody can begin one."""
    taken = session.scalar(select(func.sum(Attachment.size)).where(Attachment.draft_token.is_not(None)))
    return (taken or 0) + more > UNBOOKED_BYTES


def move(session: Session, draft_token: str, visit: Visit) -> None:
    """What belonged to the draft belongs to the visit that it has become."""
    theirs = update(Attachment).where(Attachment.draft_token == draft_token)
    session.execute(theirs.values(draft_token=None, visit_id=visit.id))


def remove(session: Session, store: FileStore, attachments: Iterable[Attachment]) -> None:
    """Take attachments away; their files go as soon as the transaction has committed."""
    keys: list[str] = []
    for attachment in attachments:
        keys += attachment.keys
        session.delete(attachment)

    def remove_files(_session: Session) -> None:
        for key in keys:
            store.remove(key)

    if keys:
        event.listen(session, "after_commit", remove_files, once=True)


def remove_unbooked(session: Session, store: FileStore, *, before: datetime) -> int:
    """Take away what belongs to no draft any more and was sent before a moment. Returns how much it was."""
    drafted = select(BookingDraft.id).where(BookingDraft.token == Attachment.draft_token).exists()
    left = select(Attachment).where(
        Attachment.draft_token.is_not(None), Attachment.created_at <= before, ~drafted
    )
    gone = session.scalars(left).all()
    remove(session, store, gone)
    return len(gone)


def sweep(db: Database, store: FileStore, *, now: datetime) -> int:
    """Remove files that have no row: what a killed process left. Returns how many there were."""
    removed = 0
    for keys in store.written_before(now - ORPHAN_AFTER):
        with db.reading() as session:
            for key in keys:
                named = select(Attachment.id).where((Attachment.key == key) | (Attachment.small_key == key))
                kept = select(KeptWork.id).where(KeptWork.file_key == key)
                if not exists_one(session, named) and not exists_one(session, kept):
                    store.remove(key)
                    removed += 1
    return removed


def _name(owner: Owner) -> str:
    return owner if isinstance(owner, str) else owner.work_order.request_key or str(owner.work_order_id)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
