"""What technicians say about their own time, kept once however often the phone sends it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import exists_one, lock_technicians
from fieldservice.models import HoursCorrection, ShiftWish, Technician


def keep(session: Session, technician: Technician, row: HoursCorrection | ShiftWish) -> None:
    """Keep a row of this technician; the same again does nothing."""
    kind = type(row)
    lock_technicians(session, [technician.id])
    if not exists_one(session, select(kind.id).where(kind.event_key == row.event_key)):
        row.technician_id = technician.id
        session.add(row)
