"""When the technician arrives, and where they are while they drive: nothing of anybody else's visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from fieldservice.geo.tables import TravelTables
from fieldservice.models import DrivePosition, Stop, Technician, Visit, VisitState, Window
from fieldservice.models.visit import ENDED, UNDERWAY
from fieldservice.planning.agenda import Entry, agenda
from fieldservice.planning.problem import build
from fieldservice.planning.rows import load_day
from fieldservice.planning.travel import table_of

FRESH = timedelta(minutes=5)
"""An older position says nothing any more."""


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """Where a visit stands; without an arrival nothing is known yet, or it is over.

    Before the technician sets off for this visit, `stops_before` says how many others come first.
    """

    state: VisitState
    window: Window | None
    technician: Technician | None = None
    arrives_at: datetime | None = None
    set_off_at: datetime | None = None
    arrived_at: datetime | None = None
    stops_before: int = 0
    position: DrivePosition | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing to follow any more."""
        return self.state in ENDED

    @property
    def late(self) -> bool:
        """Whether the arrival is after the promised window."""
        if self.arrives_at is None or self.window is None:
            return False
        return self.arrives_at > self.window.ends_at

    def share(self, now: datetime) -> float:
        """How much of the way is done, from 0 to 1."""
        if self.set_off_at is None or self.arrives_at is None or self.arrives_at <= self.set_off_at:
            return 1.0
        return min(max((now - self.set_off_at) / (self.arrives_at - self.set_off_at), 0.0), 1.0)


def tracking(session: Session, visit: Visit, *, tables: TravelTables, now: datetime) -> Tracking:
    """The visit as of now: from the tap and the road, or from the plan while nobody has set off."""
    state, stop, window = VisitState(visit.state), visit.stop, visit.window
    if stop is None or state in ENDED:
        return Tracking(state=state, window=window)
    if state in UNDERWAY and visit.last_step is not None:
        tapped_at = visit.last_step.occurred_at
        if state == VisitState.ON_SITE:
            return Tracking(state=state, window=window, technician=stop.technician, arrived_at=tapped_at)
        arrives_at = max(tapped_at + stop.travel, now)
        return Tracking(
            state=state,
            window=window,
            technician=stop.technician,
            arrives_at=arrives_at,
            set_off_at=tapped_at,
            position=_position(visit, stop, now),
        )
    if state != VisitState.DISPATCHED or stop.route.plan.on != visit.territory.local_day(now):
        return Tracking(state=state, window=window)
    return _planned(session, visit, stop.technician, tables=tables, now=now)


def _position(visit: Visit, stop: Stop, now: datetime) -> DrivePosition | None:
    """Where whoever drives there now was a short time ago."""
    found = visit.position
    if found is None or found.technician_id != stop.technician_id:
        return None
    return found if now - found.seen_at <= FRESH and now < found.ends_at else None


def _planned(
    session: Session, visit: Visit, technician: Technician, *, tables: TravelTables, now: datetime
) -> Tracking:
    rows = load_day(session, visit.territory, visit.territory.local_day(now), now=now, only=[technician.id])
    entries = agenda(build(rows, table_of(tables, rows)), technician.id).entries
    position = next((place for place, entry in enumerate(entries) if entry.visit is visit), None)
    if position is None:
        return Tracking(state=VisitState(visit.state), window=visit.window)
    return Tracking(
        state=VisitState(visit.state),
        window=visit.window,
        technician=technician,
        arrives_at=entries[position].starts_at,
        stops_before=sum(_comes_first(entry) for entry in entries[:position]),
    )


def _comes_first(entry: Entry) -> bool:
    return entry.visit is not None and entry.visit.state not in ENDED
