"""Windows beyond those that are free: what others have to move for, within a second or by the planner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from fieldservice.geo.tables import TravelTables
from fieldservice.models import JobState, Window
from fieldservice.planning import repair
from fieldservice.planning.repair import Room
from fieldservice.planning.rooms import asked_rooms, rooms_of
from fieldservice.planning.service import Ask


class Search(StrEnum):
    """Whether a longer search would help."""

    OVER = "over"  # it is done, or would find nothing
    POSSIBLE = "possible"
    RUNNING = "running"


@dataclass(frozen=True)
class More:
    """The windows of a day that can be kept once others have moved."""

    on: date
    rooms: tuple[Room, ...]
    search: Search


def more_windows(
    session: Session,
    ask: Ask,
    on: date,
    *,
    now: datetime,
    tables: TravelTables,
    without: Iterable[str] = (),
) -> More:
    """What the planner found for this very state of the day; else what moves alone give within a second."""
    without = list(without)
    job = asked_rooms(session, ask, on, without=without)
    answered = rooms_of(job) if job is not None else None
    if answered is not None:
        return More(on, tuple(answered), Search.OVER)
    found = repair.repair_slots(session, ask, on, now=now, tables=tables, without=without)
    if job is not None and job.state in (JobState.QUEUED, JobState.RUNNING):
        return More(on, found.rooms, Search.RUNNING)
    # the planner's job knows nothing of services that have to be open beside the first
    helps = found.more and job is None and not ask.also
    return More(on, found.rooms, Search.POSSIBLE if helps else Search.OVER)


def room_for(
    session: Session,
    ask: Ask,
    window: Window,
    *,
    now: datetime,
    tables: TravelTables,
    without: Iterable[str] = (),
) -> Room | None:
    """Room for one window as of now: the planner's, or one that moves alone make."""
    without = list(without)
    job = asked_rooms(session, ask, ask.territory.local_day(window.starts_at), without=without)
    for room in (rooms_of(job) if job is not None else None) or []:
        if room.slot.window == window:
            return room
    return repair.room_for(session, ask, window, now=now, tables=tables, without=without)
