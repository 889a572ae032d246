"""What of a customer was kept from a technician's phone: for their download, and for forgetting it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from fieldservice.files import FileStore
from fieldservice.models import KeptWork, Visit


def of_visit(session: Session, visit: Visit) -> Sequence[KeptWork]:
    """All of it, decided about or not."""
    return session.scalars(select(KeptWork).where(KeptWork.visit_id == visit.id)).all()


def forget(session: Session, visit: Visit, store: FileStore) -> None:
    """That something was kept stays; what it said goes, and its file as soon as the transaction commits."""
    keys = []
    for row in of_visit(session, visit):
        row.label, row.fields, row.reason, row.file_name = "", [], "", ""
        if row.file_key is not None:
            keys.append(row.file_key)
            row.file_key = None

    def remove_files(_session: Session) -> None:
        for key in keys:
            store.remove(key)

    if keys:
        event.listen(session, "after_commit", remove_files, once=True)
