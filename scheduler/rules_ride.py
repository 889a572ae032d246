"""A route as the rules look at it."""

from dataclasses import dataclass
from functools import cached_property

from scheduler.model import Problem, Route, Shift, Stop, Violation, Visit


@dataclass(frozen=True)
class Ride:
    """A route with what its ids stand for, as the rules look at it."""

    problem: Problem
    shift: Shift
    route: Route

    @property
    def visits(self) -> list[tuple[Stop, Visit]]:
        visits = self.problem.visit_by_id
        return [(stop, visits[stop.visit]) for stop in self.route.stops if stop.visit is not None]

    @cached_property
    def begin_s(self) -> int:
        """When the van may leave."""
        free = self.shift.available_s
        return self.shift.start_s if free is None else max(self.shift.start_s, free)

    @cached_property
    def end_s(self) -> int:
        """When the route is over, the drive to its end included."""
        return self.route.stops[-1].departure_s + self.last_drive_s

    @cached_property
    def last_drive_s(self) -> int:
        """Seconds of the drive to the end that no stop has counted."""
        place, driven = self._last_place()
        end = self.shift.end_location
        if end is None:
            return 0
        drive = self.drive_s(place, end)
        return 0 if driven == drive else drive

    def _last_place(self) -> tuple[int, int]:
        """Where the last visit was, and the seconds driven since then."""
        driven = 0
        for stop in reversed(self.route.stops):
            if stop.break_index is None:
                return self.location(stop), driven
            driven += stop.travel_s
        return self.shift.start_location, driven

    def drive_s(self, origin: int, destination: int) -> int:
        """How long the technician takes from a location to another."""
        profile = self.shift.profile
        table = self.problem.travel_s if profile is None else self.problem.travel_profiles[profile]
        return int(table[origin, destination])

    def location(self, stop: Stop) -> int:
        """Where a stop that is no break takes place."""
        if stop.visit is not None:
            return self.problem.visit_by_id[stop.visit].location
        return self.problem.restock.location if self.problem.restock else self.shift.start_location

    def service_s(self, stop: Stop) -> int:
        """How long a stop lasts."""
        if stop.visit is not None:
            return self.problem.visit_by_id[stop.visit].service_s
        if stop.break_index is not None:
            return self.shift.breaks[stop.break_index].duration_s
        return self.problem.restock.service_s if self.problem.restock else 0

    def violation(self, rule: str, visit: str | None, text: str, **numbers: int | str) -> Violation:
        return Violation(rule=rule, visit=visit, shift=self.shift.id, text=text, numbers=numbers)
