"""One technician's day in order, with the times as they look now: what happened, then what is planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fieldservice.models import StopKind, Visit
from fieldservice.planning.facts import Done
from fieldservice.planning.names import shift_id, visit_number
from fieldservice.planning.problem import Day
from fieldservice.planning.store import kind_of

_SPARE = timedelta(minutes=5)


@dataclass(frozen=True)
class Entry:
    """A stop of the agenda. `fact`: it has begun or is over; visits are numbered as on the map.

    One of the kind `crew` is a visit that somebody else leads.
    """

    kind: StopKind
    visit: Visit | None
    travel: timedelta
    arrives_at: datetime
    starts_at: datetime
    ends_at: datetime
    fact: bool
    number: int

    @property
    def leads(self) -> bool:
        """Whether the taps of this technician count: not on a visit that somebody else leads."""
        return self.kind != StopKind.CREW

    @property
    def late(self) -> bool:
        """Whether the customer was promised an earlier start."""
        window = self.visit.window if self.visit else None
        return window is not None and self.starts_at > window.ends_at

    @property
    def leave_by(self) -> datetime | None:
        """When to set off at the latest to begin as planned; None unless there is time to spare."""
        waits = not self.fact and self.starts_at - self.arrives_at >= _SPARE
        return self.starts_at - self.travel if waits else None


@dataclass(frozen=True)
class Agenda:
    """The stops of a day and the way home; `home_at` is None without any stop."""

    entries: tuple[Entry, ...]
    travel_home: timedelta
    home_at: datetime | None

    @property
    def driving(self) -> timedelta:
        """All time on the road, the way home included."""
        return sum((entry.travel for entry in self.entries), self.travel_home)


def agenda(day: Day, technician_id: int) -> Agenda:
    """The agenda of a technician of `day`, times as of the day's `now`."""
    facts = day.done[technician_id]
    entries = [_fact(fact) for fact in facts]
    for stop in day.plan.route_of(shift_id(technician_id)).stops:
        entries.append(
            Entry(
                kind=kind_of(stop.visit),
                visit=day.visits.get(visit_number(stop.visit) or 0),
                travel=timedelta(seconds=stop.travel_s),
                arrives_at=day.instant(stop.arrival_s),
                starts_at=day.instant(stop.start_s),
                ends_at=day.instant(stop.departure_s),
                fact=False,
                number=0,
            )
        )
    travel_home = _travel_home(day, technician_id) if entries else timedelta(0)
    home_at = max(entry.ends_at for entry in entries) + travel_home if entries else None
    return Agenda(_numbered(entries), travel_home, home_at)


def _fact(fact: Done) -> Entry:
    stop = fact.stop
    return Entry(
        StopKind(stop.kind),
        stop.work,
        stop.travel,
        fact.arrives_at,
        fact.starts_at,
        fact.ends_at,
        fact=True,
        number=0,
    )


def _travel_home(day: Day, technician_id: int) -> timedelta:
    shift = day.problem.shift_by_id.get(shift_id(technician_id))
    if shift is None or shift.end_location is None:
        return timedelta(0)
    names = day.order(technician_id)
    last = day.problem.visit_by_id[names[-1]].location if names else shift.start_location
    return timedelta(seconds=day.problem.travel(last, shift.end_location))


def _numbered(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    numbered: list[Entry] = []
    for entry in entries:
        visits = sum(other.visit is not None for other in numbered)
        number = visits + 1 if entry.visit is not None else 0
        numbered.append(replace(entry, number=number))
    return tuple(numbered)
