"""Has every new file looked at by the company's virus scanner, in the background.

One file at a time, so that a slow scanner never takes all processes from the messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
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

    Returns how many were looked at. Without a command they go on waiting.
    """
    looked = 0
    while command and looked < AT_ONCE:
        claimed = db.run(lambda session: _claim(session, now=now))
        if claimed is None:
            break
        number, key = claimed
        verdict = _look(store, command, key)
        db.run(partial(_judge, number=number, verdict=verdict, now=now))
        looked += 1
    return looked


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
