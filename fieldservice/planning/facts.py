"""What has happened on a technician's day, told apart from what is still to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fieldservice.models import Stop, StopKind, VisitState
from fieldservice.models.visit import ENDED, UNDERWAY
from fieldservice.planning.rows import DayRows, TechnicianDay


@dataclass(frozen=True)
class Done:
    """A stop that is a fact: begun, ended, or a break that was taken; its times are what happened."""

    stop: Stop
    arrives_at: datetime
    starts_at: datetime
    ends_at: datetime


def facts_and_rest(day: TechnicianDay, rows: DayRows) -> tuple[list[Done], list[Stop]]:
    """Facts first, in order of time, then what is still to do; no fact reaches into the day before."""
    now = rows.now
    facts: list[Stop] = []
    left: list[Stop] = []
    for stop in day.stops:
        (facts if _is_fact(stop, now) else left).append(stop)
    done: list[Done] = []
    free_at: datetime | None = None
    for stop in sorted(facts, key=lambda stop: what_happened(stop, now)[1]):
        arrives_at, starts_at, ends_at = (max(moment, rows.epoch) for moment in what_happened(stop, now))
        if free_at is not None and starts_at < free_at:
            starts_at = free_at
        done.append(Done(stop, min(arrives_at, starts_at), starts_at, max(starts_at, ends_at)))
        free_at = done[-1].ends_at
    return done, left


def _is_fact(stop: Stop, now: datetime) -> bool:
    if stop.visit is not None:
        return stop.visit.state in UNDERWAY or stop.visit.state in ENDED
    if stop.crew_visit is not None:  # who leads it is on the way; the others may still be somewhere else
        return stop.crew_visit.state == VisitState.ON_SITE or stop.crew_visit.state in ENDED
    return stop.kind == StopKind.BREAK and stop.starts_at <= now


def what_happened(stop: Stop, now: datetime) -> tuple[datetime, datetime, datetime]:
    """Arrival, start and end of a fact, from the taps where there are any; the future is as planned."""
    visit = stop.work
    if visit is None:
        return stop.arrives_at, stop.starts_at, stop.ends_at
    # not those that took a step back: what was undone and stayed in its state began when it was first tapped
    taps = {
        event.to_state: event.occurred_at
        for event in visit.events
        if event.kind in ("state", "corrected") and event.to_state
    }
    state = visit.state
    if state == VisitState.EN_ROUTE:
        arrives_at = max(taps.get(state, stop.arrives_at) + stop.travel, now)
        starts_at = max(arrives_at, visit.window_starts_at or arrives_at)
        return arrives_at, starts_at, starts_at + visit.occupied
    arrived_at = taps.get(VisitState.ON_SITE, stop.starts_at)
    if state == VisitState.ON_SITE:
        return arrived_at, arrived_at, max(arrived_at + visit.occupied, now)
    ended_at = taps.get(VisitState(state), stop.ends_at)
    arrived_at = min(arrived_at, ended_at)
    return arrived_at, arrived_at, ended_at
