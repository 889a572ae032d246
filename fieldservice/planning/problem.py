"""Rows -> scheduler values: the one place where instants and durations become whole seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import scheduler
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import Stop, StopKind, Visit, WorkingDay
from fieldservice.models.workforce import PlannedBreak
from fieldservice.planning.crews import away, crews_begin
from fieldservice.planning.facts import Done, facts_and_rest
from fieldservice.planning.linked import Room, room_of
from fieldservice.planning.names import held_name, member_id, visit_number
from fieldservice.planning.names import hold_id as hold_id
from fieldservice.planning.names import row_id as row_id
from fieldservice.planning.names import shift_id as shift_id
from fieldservice.planning.names import visit_id as visit_id
from fieldservice.planning.relaxing import as_member, held, pinned_to, postponed, relaxed, within
from fieldservice.planning.rows import DayRows, TechnicianDay, stop_place, visit_place
from scheduler import timeline

PREFERRED_TECHNICIAN_S = 600
CREW_ROUNDS = 20
"""So often routes are timed anew because somebody of a crew comes later; a chain of crews takes a few."""
WHOLE_DAY_S = 36 * 3600  # a day of 25 hours, and work that began late, still end inside it


class StaleTravel(Exception):
    """A place has come to the day since its travel table was made: fetch it again."""


def seconds(length: timedelta) -> int:
    """Whole seconds of a duration."""
    return round(length.total_seconds())


@dataclass(frozen=True)
class Day:
    """A territory's day as scheduler values, with the way back to the rows."""

    rows: DayRows
    problem: scheduler.Problem
    plan: scheduler.Plan
    table: TravelTable
    done: Mapping[int, tuple[Done, ...]]
    visits: Mapping[int, Visit]

    def seconds(self, instant: datetime) -> int:
        """An instant on the scheduler's scale."""
        return seconds(instant - self.rows.epoch)

    def instant(self, at_s: int) -> datetime:
        """A second of the scheduler as an instant."""
        return self.rows.epoch + timedelta(seconds=at_s)

    def location(self, place: Coordinates) -> int:
        """The row of a place in the travel matrix; raises StaleTravel for a place that is not in it."""
        return _location(self.table, place)

    def adding(self, *visits: scheduler.Visit) -> Day:
        """The same day with more visits to be placed."""
        return replace(self, problem=replace(self.problem, visits=(*self.problem.visits, *visits)))

    def order(self, technician_id: int) -> tuple[str, ...]:
        """The ids of the visits that a technician still has to make, in order."""
        return self.plan.route_of(shift_id(technician_id)).visit_ids


def build(
    rows: DayRows,
    table: TravelTable,
    *,
    without: Iterable[str] = (),
    lift: bool = False,
    rescue: Iterable[str] = (),
    freeze: timedelta = timedelta(0),
) -> Day:
    """The day's problem and its present plan, which is feasible by construction.

    What is already late, or ends after its shift, may stay as late as it is but not become later. What its
    technician may not do (any more) stays as well, so that no change of something else drops it; `lift` takes
    it off the route instead, for a search that is to find it a better place, and with it what falls into an
    absence and the visits named in `rescue`; of a crew it is enough that one of them is away. A crew waits
    for its last member, and no search moves it. `without` leaves out visits and holds by name. What begins
    within `freeze` of now is pinned where it is. Raises StaleTravel when `table` lacks a place of the day.
    """
    lost = frozenset(rescue) | ({f"v{key}" for key in away(rows)} if lift else frozenset())
    without, begin = frozenset(without), crews_begin(rows)
    for _ in range(CREW_ROUNDS):
        builder = _Builder(
            rows, table, without, lift=lift, rescue=lost, frozen_until=rows.now + freeze, begin=begin
        )
        for day in rows.technicians:
            builder.add(day)
        for visit in rows.unassigned:
            builder.add_unassigned(visit)
        late = builder.late_crews()
        if not late:
            break
        begin = {**begin, **late}
    return builder.finish()


def wish(rows: DayRows, table: TravelTable, visit: Visit, *, pinned: bool = True) -> scheduler.Visit:
    """A visit as it would stand in the problem of a day, pinned as it is pinned now, or as if nobody had."""
    return _Builder(rows, table, frozenset(), lift=False).visit(visit, pinned=pinned)


RUNNING_CHANGE = 2.0
"""Weight of changes once technicians know their day: another technician or window is 20 minutes' drive."""


def _weights(rows: DayRows) -> scheduler.Weights:
    dispatched = rows.plan is not None and rows.plan.dispatched_at is not None
    return scheduler.Weights(change=RUNNING_CHANGE) if dispatched else scheduler.Weights()


class _Builder:
    def __init__(
        self,
        rows: DayRows,
        table: TravelTable,
        without: frozenset[str],
        *,
        lift: bool,
        rescue: frozenset[str] = frozenset(),
        frozen_until: datetime | None = None,
        begin: Mapping[int, datetime] | None = None,
    ) -> None:
        self.rows, self.table, self.without, self.lift, self.rescue = rows, table, without, lift, rescue
        self.frozen_until = frozen_until or rows.now
        self.begin = begin or {}
        self.stuck: set[int] = set()
        self.shifts: list[scheduler.Shift] = []
        self.visits: list[scheduler.Visit] = []
        self.routes: list[scheduler.Route] = []
        self.unassigned: list[scheduler.Unassigned] = []
        self.done: dict[int, tuple[Done, ...]] = {}
        self.rows_by_id: dict[int, Visit] = {}

    def add(self, day: TechnicianDay) -> None:
        done, left = facts_and_rest(day, self.rows)
        done = [fact for fact in done if not fact.stop.work or visit_id(fact.stop.work) not in self.without]
        self.done[day.technician.id] = tuple(done)
        if self.lift:
            lost = [stop for stop in left if self._is_lost(stop, day)]
            self._lift([self.visit(stop.visit) for stop in lost if stop.visit])
            left = [stop for stop in left if stop not in lost]
        wishes = [self._stop_visit(stop, day) for stop in left if stop.kind != StopKind.BREAK]
        own = {shift_id(day.technician.id)}
        visits = [pinned_to(own, visit) for visit in wishes if visit is not None]
        if day.working_day is None and (self.lift or not visits):
            self._lift(visits)
            return
        shift = self._shift(day, day.working_day or _as_planned(day), done)
        if self.lift:
            self._lift([visit for visit in visits if not _qualified(visit, shift)])
            visits = [visit for visit in visits if _qualified(visit, shift)]
        else:
            visits = [visit if _qualified(visit, shift) else replace(visit, skills={}) for visit in visits]
        if day.working_day is None or day.working_day.ends_at <= self.rows.now:
            shift = replace(shift, max_visits=len(visits))  # nothing comes to a shift that is over or none
        visits = self._frozen(day, visits)
        shift, visits, route = self._as_it_is(shift, visits)
        self.shifts.append(shift)
        self.visits += visits
        self.routes.append(route)

    def _frozen(self, day: TechnicianDay, visits: list[scheduler.Visit]) -> list[scheduler.Visit]:
        """The visits of a route, those that begin soon pinned to a technician who is there."""
        soon = [
            stop
            for stop in day.stops
            if self.rows.now < self.frozen_until and stop.starts_at < self.frozen_until
        ]
        starts = {
            f"v{stop.visit_id}": self._s(stop.starts_at)
            for stop in soon
            if stop.visit_id and not day.technician.is_away(stop.starts_at, stop.ends_at)
        }
        shift = shift_id(day.technician.id)
        return [held(visit, shift, starts[visit.id]) if visit.id in starts else visit for visit in visits]

    def add_unassigned(self, visit: Visit) -> None:
        if self.lift and room_of(self.rows.links, visit.id).waits:
            return  # nobody knows yet from when it may begin
        if visit_id(visit) not in self.without and visit_place(visit) is not None:
            self._lift([self.visit(visit)])

    def finish(self) -> Day:
        matrix = scheduler.Problem(
            travel_s=self.table.seconds,
            distance_m=self.table.metres,
            visits=tuple(pinned_to({shift.id for shift in self.shifts}, visit) for visit in self.visits),
            shifts=tuple(self.shifts),
            weights=_weights(self.rows),
        )
        plan = scheduler.Plan(routes=tuple(self.routes), unassigned=tuple(self.unassigned))
        return Day(self.rows, matrix, plan, self.table, self.done, self.rows_by_id)

    def _is_lost(self, stop: Stop, day: TechnicianDay) -> bool:
        if stop.work is None or visit_id(stop.work) in self.without:
            return False
        return visit_id(stop.work) in self.rescue or day.technician.is_away(stop.starts_at, stop.ends_at)

    def _lift(self, visits: Iterable[scheduler.Visit]) -> None:
        for visit in visits:
            # who makes it together is found by `teams`; whatever asks for one technician finds nobody
            nobody = visit.crew > 1 or row_id(visit.id) in self.stuck
            people = frozenset[str]() if nobody else visit.technicians
            self.visits.append(replace(visit, crew=1, technicians=people))
            self.unassigned.append(scheduler.Unassigned(visit=visit.id))

    def _stop_visit(self, stop: Stop, day: TechnicianDay) -> scheduler.Visit | None:
        if stop.work is not None:
            return None if visit_id(stop.work) in self.without else self._made(stop.work, stop)
        hold = stop.hold
        if hold is None or hold_id(hold) in self.without:
            return None
        together = self._s(stop.starts_at) if hold.crew > 1 else None  # the others have it from then on, too
        return scheduler.Visit(
            id=held_name(hold, day.technician.id),
            location=_location(self.table, Coordinates(hold.lat, hold.lon)),
            service_s=seconds(stop.ends_at - stop.starts_at),
            windows=((self._s(hold.window_starts_at), self._s(hold.window_ends_at)),),
            promised=True,
            pinned=scheduler.Pin(shift=shift_id(day.technician.id), start_s=together),
        )

    def _made(self, visit: Visit, stop: Stop) -> scheduler.Visit:
        """The visit as it stands on a route; one of a crew stays there, and begins when all of them do."""
        if visit.crew == 1:
            found = self.visit(visit)
            if visit.id not in self.stuck:
                return found
            return held(found, shift_id(stop.technician_id), self._s(stop.starts_at))
        name = visit_id(visit) if stop.visit else member_id(visit.id, stop.technician_id)
        alone = as_member(self.visit(visit, pinned=False), name)
        return held(alone, shift_id(stop.technician_id), self._s(self.begin[visit.id]))

    def late_crews(self) -> dict[int, datetime]:
        """Crews of which somebody comes later than the others begin, and when that is."""
        found: dict[int, datetime] = {}
        for route in self.routes:
            for stop in route.stops:
                key = visit_number(stop.visit)
                start = self.rows.epoch + timedelta(seconds=stop.start_s)
                if key is not None and key in self.begin and start > found.get(key, self.begin[key]):
                    found[key] = start
        return found

    def visit(self, visit: Visit, *, pinned: bool = True) -> scheduler.Visit:
        """The visit with all that limits where it may go."""
        self.rows_by_id[visit.id] = visit
        place = visit_place(visit)
        if place is None:
            raise ValueError(f"visit {visit.id} has no coordinates and cannot be planned")
        pin = visit.pin if pinned else None
        start_s = self._s(pin.starts_at) if pin and pin.starts_at else None
        room = room_of(self.rows.links, visit.id, stays=pinned)
        windows = self._left(visit, room, pinned=pinned)
        if start_s is not None and not any(low <= start_s <= high for low, high in windows):
            windows = ((start_s, start_s),)
        on_shift = shift_id(pin.technician_id) if pin and pin.technician_id else None
        held = scheduler.Pin(shift=on_shift, start_s=start_s) if on_shift or start_s is not None else None
        preferred = visit.preferred_technician_id
        return scheduler.Visit(
            id=visit_id(visit),
            location=_location(self.table, place),
            service_s=seconds(visit.occupied),
            windows=windows,
            skills=visit.required_skills(),
            technicians=frozenset({shift_id(room.technician_id)}) if room.technician_id else None,
            priority=visit.priority,
            promised=visit.promised,
            preferred_technicians={shift_id(preferred): PREFERRED_TECHNICIAN_S} if preferred else {},
            crew=visit.crew,
            pinned=held,
        )

    def _left(self, visit: Visit, room: Room, *, pinned: bool) -> tuple[tuple[int, int], ...]:
        """The windows as far as its links leave them; where they leave nothing it is no search's to move."""
        own = self._windows(visit)
        earliest, latest = (self._s(each) if each else None for each in (room.earliest, room.latest))
        windows = within(own, earliest, latest)
        if not windows and pinned and self.lift:
            self.stuck.add(visit.id)
        return windows or own

    def _windows(self, visit: Visit) -> tuple[tuple[int, int], ...]:
        window = visit.window
        if window is None:
            return ((0, WHOLE_DAY_S),)
        return ((self._s(window.starts_at), self._s(window.ends_at)),)

    def _shift(self, day: TechnicianDay, working: WorkingDay, done: Sequence[Done]) -> scheduler.Shift:
        home = _location(self.table, day.home)
        start_location, free_at = home, working.starts_at
        for fact in done:
            place = stop_place(fact.stop, self.rows.territory)
            start_location = _location(self.table, place) if place else start_location
            free_at = max(free_at, fact.ends_at)
        gone = {pause.earliest_at: pause.duration for pause in working.breaks if self._is_gone(pause)}
        free_at = max([free_at, *(gone_at + length for gone_at, length in gone.items())])
        begun = bool(done) or self.rows.now > working.starts_at
        taken = sum(fact.stop.kind == StopKind.BREAK and fact.stop.starts_at not in gone for fact in done)
        return scheduler.Shift(
            id=shift_id(day.technician.id),
            technician=shift_id(day.technician.id),
            start_location=start_location,
            end_location=home,
            start_s=self._s(working.starts_at),
            end_s=self._s(working.ends_at),
            overtime_s=seconds(working.overtime),
            available_s=self._s(max(free_at, self.rows.now)) if begun else None,
            breaks=self._breaks(working, taken),
            skills=day.technician.skill_levels(self.rows.on),
        )

    def _breaks(self, working: WorkingDay, taken: int) -> tuple[scheduler.Break, ...]:
        """The breaks that are still to come, after so many that were taken; absences that began are over."""
        left = (pause for pause in working.breaks if not self._is_gone(pause))
        ordered = sorted(left, key=lambda pause: (pause.earliest_at, pause.latest_at))[taken:]
        return tuple(
            scheduler.Break(
                earliest_s=self._s(pause.earliest_at),
                latest_s=self._s(pause.latest_at),
                duration_s=seconds(pause.duration),
            )
            for pause in ordered
        )

    def _is_gone(self, pause: PlannedBreak) -> bool:
        """Whether it is an absence that has begun: the technician is free again when it ends."""
        return pause.away and pause.earliest_at <= self.rows.now

    def _as_it_is(
        self, shift: scheduler.Shift, visits: list[scheduler.Visit]
    ) -> tuple[scheduler.Shift, list[scheduler.Visit], scheduler.Route]:
        """Relax what the present order already breaks, just as far as it breaks it."""
        problem = self._alone(shift, visits)
        order = [visit.id for visit in visits]
        route = timeline.schedule(problem, shift.id, order)
        if route is not None:
            return shift, visits, route
        route = timeline.project(problem, shift.id, order)
        starts = {stop.visit: stop.start_s for stop in route.stops if stop.visit is not None}
        visits = [relaxed(visit, starts[visit.id]) for visit in visits]
        last = problem.visit_by_id[order[-1]].location
        end_s = route.stops[-1].departure_s + int(self.table.seconds[last, shift.end_location or 0])
        shift = replace(shift, overtime_s=max(shift.overtime_s, end_s - shift.end_s))
        for candidate in (shift, postponed(shift, route), replace(shift, breaks=())):
            found = timeline.schedule(self._alone(candidate, visits), shift.id, order)
            if found is not None:
                return candidate, visits, found
        raise AssertionError(f"the route of {shift.id} cannot be timed: {order}")

    def _alone(self, shift: scheduler.Shift, visits: Sequence[scheduler.Visit]) -> scheduler.Problem:
        return scheduler.Problem(
            travel_s=self.table.seconds,
            visits=tuple(pinned_to({shift.id}, visit) for visit in visits),
            shifts=(shift,),
        )

    def _s(self, instant: datetime) -> int:
        return seconds(instant - self.rows.epoch)


def _location(table: TravelTable, place: Coordinates) -> int:
    try:
        return table.index(place)
    except KeyError as error:
        raise StaleTravel from error


def _as_planned(day: TechnicianDay) -> WorkingDay:
    """The hours that the stops of a technician without a shift need."""
    first, last = day.stops[0], day.stops[-1]
    starts_at = first.arrives_at - first.travel
    return WorkingDay(
        technician_id=day.technician.id,
        on=starts_at.date(),
        starts_at=starts_at,
        ends_at=max(last.ends_at, starts_at + timedelta(seconds=1)),
        overtime=timedelta(0),
        breaks=(),
    )


def _qualified(visit: scheduler.Visit, shift: scheduler.Shift) -> bool:
    return all(shift.skills.get(skill, 0) >= level for skill, level in visit.skills.items())
