"""Has every new file looked at by the company's virus scanner, in the background.

One file at a time, so that a slow scanner never takes all processes from the messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fieldservice.db import Database, exists_one, skip_locked
from fieldservice.files import FileMissing, FileStore, Verdict, scan
from fieldservice.models import Attachment, ScanState

LEASE = timedelta(
    minutes=5
)  # longer than a scan may take: a killed worker's file is looked at again after it
AGAIN_AFTER = timedelta(minutes=10)
MOST_ATTEMPTS = 100  # of a scanner that fails, about a day
AT_ONCE = 5  # in one task, which has a quarter of an hour


def scan_waiting(db: Database, store: FileStore, command: Sequence[str], *, now: datetime) -> int:
    """Look at files that wait. One that could not be looked at stays aside and is tried again later.

    Returns how many were looked at. Without a command nobody looks any more: what waits, or could not be
    looked at, is shown as a file is that comes now. What was found infected stays closed.
    """
    if not command:
        return _let_go(db)
    looked = 0
    while looked < AT_ONCE:
        claimed = db.run(lambda session: _claim(session, now=now))
        if claimed is None:
            break
        number, key = claimed
        verdict = _look(store, command, key)
        db.run(partial(_judge, number=number, verdict=verdict, now=now))
        looked += 1
    return looked


def _let_go(db: Database) -> int:
    aside = Attachment.scan_state.in_([ScanState.WAITING, ScanState.FAILED])
    with db.reading() as session:  # nearly always there is none, and nobody has to wait for this
        if not exists_one(session, select(Attachment.id).where(aside)):
            return 0
    freed = update(Attachment).where(aside).values(scan_state=ScanState.OFF, scan_after=None)
    return db.run(lambda session: len(session.scalars(freed.returning(Attachment.id)).all()))


def _look(store: FileStore, command: Sequence[str], key: str) -> Verdict:
    try:
        return scan(command, store.path(key))
    except FileMissing:
        return Verdict.FAILED


def _claim(session: Session, *, now: datetime) -> tuple[int, str] | None:
    leased = select(Attachment.id).where(
        Attachment.scan_state == ScanState.WAITING, Attachment.scan_attempts > 0, Attachment.scan_after > now
    )
    if exists_one(session, leased):
        return None
    due = (
        select(Attachment)
        .where(Attachment.scan_state.in_([ScanState.WAITING, ScanState.FAILED]), Attachment.scan_after <= now)
        .order_by(Attachment.scan_after, Attachment.id)
        .limit(1)
    )
    attachment = session.scalar(skip_locked(session, due))
    if attachment is None:
        return None
    attachment.scan_state, attachment.scan_after = ScanState.WAITING, now + LEASE
    attachment.scan_attempts += 1
    return attachment.id, attachment.key


def _judge(session: Session, *, number: int, verdict: Verdict, now: datetime) -> None:
    attachment = session.get(Attachment, number)
    if attachment is None:  # taken away meanwhile
        return
    attachment.scan_state = ScanState(verdict)
    again = verdict == Verdict.FAILED and attachment.scan_attempts < MOST_ATTEMPTS
    attachment.scan_after = now + AGAIN_AFTER if again else None
