"""Rooms that a worker looks for: the compiled search finds more of them than a web process can.

A customer's page asks with `request_rooms`, the planner answers the job, and `rooms_of` reads the answer. It
holds as long as the routes that it changes: booking it compares their versions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import lock_names
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import Coordinates
from fieldservice.models import Job, JobState, Needs, Plan, Service, Territory, Window
from fieldservice.planning.judge import Shifted
from fieldservice.planning.repair import Room, repair_slots
from fieldservice.planning.rows import plan_of
from fieldservice.planning.service import Ask, Slot

ROOMS = "rooms"


def request_rooms(
    session: Session, ask: Ask, on: date, *, now: datetime, without: Iterable[str] = ()
) -> Job | None:
    """Ask for rooms on a day, once for each wish and state of the day.

    None for a day without routes, and for one whose technicians know them: nothing moves there.
    """
    plan = plan_of(session, ask.territory, on)
    if plan is None or plan.dispatched_at is not None:
        return None
    key, payload = _wish(plan, ask, without)
    lock_names(session, [key])  # the same page in two tabs asks once
    known = _known(session, key)
    if known is not None:
        return known
    job = Job(kind=ROOMS, dedupe_key=key, payload=payload, created_at=now, created_by="customer")
    session.add(job)
    session.flush()
    return job


def asked_rooms(session: Session, ask: Ask, on: date, *, without: Iterable[str] = ()) -> Job | None:
    """The job that somebody asked for this wish and this state of the day; None when nobody has."""
    plan = plan_of(session, ask.territory, on)
    return None if plan is None else _known(session, _wish(plan, ask, without)[0])


def _wish(plan: Plan, ask: Ask, without: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """The name of a wish on a state of the day, and what a worker has to know of it."""
    payload = {
        "plan_id": plan.id,
        "service_id": ask.service.id,
        "lat": ask.place.lat,
        "lon": ask.place.lon,
        "preferred_technician_id": ask.preferred_technician_id,
        "only_technician_id": ask.only_technician_id,
        "without": sorted(without),
        "needs": _needs_as_json(ask.needs),
    }
    wish = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:32]
    return f"{ROOMS}:{plan.id}:{plan.version}:{wish}", payload


def _known(session: Session, key: str) -> Job | None:
    return session.scalar(select(Job).where(Job.dedupe_key == key))


def find_rooms(session: Session, job: Job, *, tables: TravelTables, now: datetime) -> dict[str, Any]:
    """What a job asks for, as its result; only in a worker, for the search is compiled."""
    plan, wanted = session.get_one(Plan, job.payload["plan_id"]), job.payload
    ask = Ask(
        session.get_one(Service, wanted["service_id"]),
        session.get_one(Territory, plan.territory_id),
        Coordinates(wanted["lat"], wanted["lon"]),
        preferred_technician_id=wanted["preferred_technician_id"],
        only_technician_id=wanted.get("only_technician_id"),
        changed=_needs(wanted["needs"]) if "needs" in wanted else None,  # not in a job of an older version
    )
    found = repair_slots(
        session, ask, plan.on, now=now, tables=tables, without=wanted["without"], search=True
    )
    return {"rooms": [_as_json(room) for room in found.rooms]}


def rooms_of(job: Job) -> list[Room] | None:
    """The rooms that were found; None while nobody has answered."""
    return [_room(found) for found in job.result["rooms"]] if job.state == JobState.DONE else None


def _needs_as_json(needs: Needs) -> dict[str, Any]:
    lengths = {"setup": needs.setup, "duration": needs.duration, "cleanup": needs.cleanup}
    return {
        **{f"{name}_s": round(length.total_seconds()) for name, length in lengths.items()},
        "skills": dict(needs.skills),
        "priority": needs.priority,
        "crew": needs.crew,
    }


def _needs(found: dict[str, Any]) -> Needs:
    return Needs(
        setup=timedelta(seconds=found["setup_s"]),
        duration=timedelta(seconds=found["duration_s"]),
        cleanup=timedelta(seconds=found["cleanup_s"]),
        skills=found["skills"],
        priority=found["priority"],
        crew=found.get("crew", 1),  # none in what was asked for before services had one
    )


def _as_json(room: Room) -> dict[str, Any]:
    slot = room.slot
    return {
        "window": [slot.window.starts_at.isoformat(), slot.window.ends_at.isoformat()],
        "technician_id": slot.technician_id,
        "starts_at": slot.starts_at.isoformat(),
        "added_travel_s": round(slot.added_travel.total_seconds()),
        "estimated": slot.estimated,
        "moves": [
            [move.visit_id, move.old_starts_at.isoformat(), move.new_starts_at.isoformat()]
            for move in room.moves
        ],
        "changed_technician": sorted(room.changed_technician),
        "orders": {shift: list(names) for shift, names in room.orders.items()},
        "seen": {str(key): version for key, version in room.seen.items()},
    }


def _room(found: dict[str, Any]) -> Room:
    instant = datetime.fromisoformat
    return Room(
        slot=Slot(
            window=Window(*map(instant, found["window"])),
            technician_id=found["technician_id"],
            starts_at=instant(found["starts_at"]),
            added_travel=timedelta(seconds=found["added_travel_s"]),
            estimated=found["estimated"],
        ),
        moves=tuple(Shifted(key, instant(old), instant(new)) for key, old, new in found["moves"]),
        changed_technician=frozenset(found["changed_technician"]),
        orders={shift: tuple(names) for shift, names in found["orders"].items()},
        seen={int(key): version for key, version in found["seen"].items()},
    )
