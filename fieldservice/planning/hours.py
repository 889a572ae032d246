"""The hours of one technician on one day as a change keeps them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from fieldservice.models import ShiftOverride, Technician


def hours_json(technician: Technician, on: date) -> dict[str, Any] | None:
    """What differs from a technician's usual hours on a day; None when nothing does."""
    found = technician.override(on)
    if found is None:
        return None
    return {
        "day_off": found.day_off,
        "starts": found.starts.isoformat(),
        "ends": found.ends.isoformat(),
        "overtime_s": round(found.overtime.total_seconds()),
        "reason": found.reason,
    }


def restore_hours(session: Session, changed: Mapping[str, Any], *, which: str) -> None:
    """Give a technician the hours from before a change, or (`which`) from after it."""
    technician, on = (
        session.get_one(Technician, changed["technician_id"]),
        date.fromisoformat(changed["on"]),
    )
    found, hours = technician.override(on), changed[which]
    if found is not None and hours is None:
        technician.shift_overrides.remove(found)
    if hours is not None:
        if found is None:
            found = ShiftOverride(on=on)
            technician.shift_overrides.append(found)
        found.day_off, found.reason = hours["day_off"], hours["reason"]
        found.starts, found.ends = time.fromisoformat(hours["starts"]), time.fromisoformat(hours["ends"])
        found.overtime = timedelta(seconds=hours["overtime_s"])
    session.flush()
