"""What a problem and a plan are.

All times are whole seconds from the problem's epoch, durations are in seconds, distances in metres; intervals
include both ends. Every class refuses a wrong value on construction with a `ValueError` that has one line a
fault, each beginning with the path to the field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from scheduler.consistency import problem_faults
from scheduler.validation import PRIORITY_LIMIT, Faults

Matrix = NDArray[np.int32]
Window = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What the solver must not change about a visit.

    Parameters
    ----------
    shift
        The shift it stays in, or ``None`` for any.
    start_s
        The second its work starts at, or ``None`` for any.
    """

    shift: str | None = None
    start_s: int | None = None

    def __post_init__(self) -> None:
        faults = Faults()
        if self.shift is None and self.start_s is None:
            faults.add("pinned", "needs a shift, a start_s or both")
        if self.start_s is not None:
            faults.time("start_s", self.start_s)
        faults.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """The visit starts from `min_lag_s` to `max_lag_s` seconds after the end of the work of another visit."""

    visit: str
    min_lag_s: int = 0
    max_lag_s: int | None = None
    same_technician: bool = False

    def __post_init__(self) -> None:
        faults = Faults()
        faults.text("visit", self.visit)
        if faults.integer("min_lag_s", self.min_lag_s) and self.max_lag_s is not None:
            faults.integer("max_lag_s", self.max_lag_s, low=self.min_lag_s)
        faults.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A pause that starts from `earliest_s` to `latest_s` and lasts `duration_s` seconds.

    It is taken between drives: before leaving a place or after arriving. It may be left out by a route that
    ends by `latest_s`, and by a shift that begins after it.
    """

    earliest_s: int
    latest_s: int
    duration_s: int

    def __post_init__(self) -> None:
        faults = Faults()
        timed = faults.time("earliest_s", self.earliest_s) and faults.time("latest_s", self.latest_s)
        if timed and self.latest_s < self.earliest_s:
            faults.add("latest_s", f"{self.latest_s} is before earliest_s {self.earliest_s}")
        faults.integer("duration_s", self.duration_s, low=1)
        faults.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One trip to one location.

    Parameters
    ----------
    id, location
        Its name, and its row in the travel matrix.
    service_s
        Seconds from the start of work to the departure, set-up and clean-up included.
    windows
        Work starts inside one of these (seconds, both ends included); it may end later. None: any time.
    skills
        Least level by skill.
    priority
        Weight of leaving it unassigned, at least 1.
    promised
        A customer was told: never dropped when the start plan had it.
    technicians, not_technicians
        Only these (``None``: anybody), and not those.
    preferred_technicians
        Seconds of travel that each of them is worth.
    preferred_windows
        (start, end, seconds of travel that a start inside is worth).
    due_s, late_cost_per_h
        Service-level date, and seconds of cost for each hour that work starts after it.
    crew
        Technicians that start together.
    after
        Order and lags to other visits.
    tools, parts, load
        What the shift must carry; `load` counts against the shift's capacity, one amount a dimension.
    pinned
        What the solver must not change.
    """

    id: str
    location: int
    service_s: int
    windows: tuple[Window, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    priority: int = 1
    promised: bool = False
    technicians: frozenset[str] | None = None
    not_technicians: frozenset[str] = frozenset()
    preferred_technicians: Mapping[str, int] = field(default_factory=dict)
    preferred_windows: tuple[tuple[int, int, int], ...] = ()
    due_s: int | None = None
    late_cost_per_h: int = 0
    crew: int = 1
    after: tuple[After, ...] = ()
    tools: frozenset[str] = frozenset()
    parts: Mapping[str, int] = field(default_factory=dict)
    load: tuple[int, ...] = ()
    pinned: Pin | None = None

    def __post_init__(self) -> None:
        faults = Faults()
        faults.text("id", self.id)
        faults.integer("location", self.location)
        faults.integer("service_s", self.service_s)
        faults.integer("priority", self.priority, low=1, high=PRIORITY_LIMIT)
        faults.integer("crew", self.crew, low=1)
        faults.integer("late_cost_per_h", self.late_cost_per_h)
        if self.due_s is not None:
            faults.time("due_s", self.due_s)
        for index, window in enumerate(self.windows):
            faults.interval(f"windows[{index}]", window)
        for index, preferred in enumerate(self.preferred_windows):
            faults.interval(f"preferred_windows[{index}]", preferred)
            faults.integer(f"preferred_windows[{index}][2]", preferred[2])
        faults.amounts("skills", dict(self.skills))
        faults.amounts("preferred_technicians", dict(self.preferred_technicians))
        faults.amounts("parts", dict(self.parts))
        for index, amount in enumerate(self.load):
            faults.integer(f"load[{index}]", amount)
        faults.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One technician's working interval; owns one route.

    Parameters
    ----------
    id, technician
        Names of the shift and of who works it.
    start_location, end_location
        Rows in the travel matrix; `end_location` ``None`` ends the route at its last stop.
    start_s, end_s, overtime_s
        The van leaves at `start_s` at the earliest and the route ends by ``end_s + overtime_s``.
    available_s
        When given, the van is at `start_location` and free from then on (seconds); else from `start_s`.
    breaks
        Taken in this order, which is that of their earliest and latest starts.
    skills, tools, parts, capacity
        What the technician holds and the van carries.
    max_duration_s, max_travel_s, max_visits
        Limits of the route; ``None`` for none. The duration runs from leaving to the end of the route.
    cost_per_h
        Seconds of cost for each hour from leaving to the end of the route.
    profile
        How the technician travels (a bicycle, a van, a van at night): the name of one of the problem's
        `travel_profiles`; ``None`` for its `travel_s`.
    """

    id: str
    technician: str
    start_location: int
    end_location: int | None
    start_s: int
    end_s: int
    overtime_s: int = 0
    available_s: int | None = None
    breaks: tuple[Break, ...] = ()
    skills: Mapping[str, int] = field(default_factory=dict)
    tools: frozenset[str] = frozenset()
    parts: Mapping[str, int] = field(default_factory=dict)
    capacity: tuple[int, ...] = ()
    max_duration_s: int | None = None
    max_travel_s: int | None = None
    max_visits: int | None = None
    cost_per_h: int = 0
    profile: str | None = None

    def __post_init__(self) -> None:
        faults = Faults()
        faults.text("id", self.id)
        faults.text("technician", self.technician)
        faults.integer("start_location", self.start_location)
        if self.end_location is not None:
            faults.integer("end_location", self.end_location)
        timed = faults.time("start_s", self.start_s) and faults.time("end_s", self.end_s)
        if timed and self.end_s < self.start_s:
            faults.add("end_s", f"{self.end_s} is before start_s {self.start_s}")
        faults.integer("overtime_s", self.overtime_s)
        if self.available_s is not None:
            faults.time("available_s", self.available_s)
        self._check_breaks(faults)
        faults.amounts("skills", dict(self.skills))
        faults.amounts("parts", dict(self.parts))
        for index, amount in enumerate(self.capacity):
            faults.integer(f"capacity[{index}]", amount)
        faults.integer("cost_per_h", self.cost_per_h)
        if self.profile is not None:
            faults.text("profile", self.profile)
        for name in ("max_duration_s", "max_travel_s", "max_visits"):
            if (limit := getattr(self, name)) is not None:
                faults.integer(name, limit)
        faults.finish()

    def _check_breaks(self, faults: Faults) -> None:
        for index in range(1, len(self.breaks)):
            before, this = self.breaks[index - 1], self.breaks[index]
            if this.earliest_s < before.earliest_s or this.latest_s < before.latest_s:
                faults.add(f"breaks[{index}]", f"its interval lies before that of breaks[{index - 1}]")

    @property
    def begin_s(self) -> int:
        """The second at which the van can leave."""
        return self.start_s if self.available_s is None else max(self.start_s, self.available_s)

    @property
    def limit_s(self) -> int:
        """The last second at which the route may end; `max_duration_s` counts from leaving, not from here."""
        return self.end_s + self.overtime_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Restock:
    """Where missing tools and parts can be fetched, and the seconds that takes."""

    location: int
    service_s: int

    def __post_init__(self) -> None:
        faults = Faults()
        faults.integer("location", self.location)
        faults.integer("service_s", self.service_s)
        faults.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Seconds of cost for each second of these and each metre of `distance`; see `scheduler.costs`."""

    travel: float = 1.0
    distance: float = 0.0
    duration: float = 0.0
    waiting: float = 0.0
    overtime: float = 4.0
    lateness: float = 1.0
    fairness: float = 0.0
    change: float = 0.1

    def __post_init__(self) -> None:
        faults = Faults()
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1000:
                faults.add(name, f"{value!r} is not a number between 0 and 1000")
        faults.finish()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Visits to be served by shifts.

    Parameters
    ----------
    travel_s
        Seconds from location (row) to location (column); square, need not be symmetric.
    travel_profiles
        Further tables of the same shape by name, for the shifts that name one as their `profile`.
    distance_m
        Metres, of the same shape, or ``None``; the same for every profile.
    visits, shifts
        Their ids are unique; the shifts of one technician do not overlap, overtime included.
    """

    travel_s: Matrix
    visits: tuple[Visit, ...]
    shifts: tuple[Shift, ...]
    distance_m: Matrix | None = None
    travel_profiles: Mapping[str, Matrix] = field(default_factory=dict)
    weights: Weights = field(default_factory=Weights)
    restock: Restock | None = None
    visit_by_id: Mapping[str, Visit] = field(init=False, repr=False)
    shift_by_id: Mapping[str, Shift] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if faults := problem_faults(self):
            raise ValueError("\n".join(faults))
        object.__setattr__(self, "visit_by_id", {visit.id: visit for visit in self.visits})
        object.__setattr__(self, "shift_by_id", {shift.id: shift for shift in self.shifts})

    def travel(self, origin: int, destination: int) -> int:
        """Seconds from location `origin` to location `destination` by `travel_s`."""
        return int(self.travel_s.item(origin, destination))

    def travel_of(self, shift: Shift) -> Matrix:
        """Seconds from location to location as this shift travels."""
        return self.travel_s if shift.profile is None else self.travel_profiles[shift.profile]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A visit, a break or a restock on a route.

    Parameters
    ----------
    visit, break_index, restock
        Exactly one of them: the visit's id, the break's index in the shift, or ``True``.
    arrival_s, start_s, departure_s
        The van is there, work or pause begins, and it is over.
    travel_s
        Seconds driven to get here from the stop before; 0 for a break before leaving a place.
    """

    visit: str | None = None
    break_index: int | None = None
    restock: bool = False
    arrival_s: int
    start_s: int
    departure_s: int
    travel_s: int

    def __post_init__(self) -> None:
        if (self.visit is not None) + (self.break_index is not None) + self.restock != 1:
            raise ValueError("visit: a stop is exactly one of visit, break and restock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The ordered stops of one shift."""

    shift: str
    stops: tuple[Stop, ...]

    @property
    def visit_ids(self) -> tuple[str, ...]:
        """The ids of its visits, in order."""
        return tuple(stop.visit for stop in self.stops if stop.visit is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassigned:
    """A visit without a stop, with the reasons in words."""

    visit: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Routes and what is on none of them; `bound` is a proven lower bound of the cost in seconds, if any."""

    routes: tuple[Route, ...] = ()
    unassigned: tuple[Unassigned, ...] = ()
    cost: Mapping[str, int] = field(default_factory=dict)
    bound: int | None = None
    stats: Mapping[str, float | int | str] = field(default_factory=dict)

    def route_of(self, shift_id: str) -> Route:
        """The route of a shift; an empty one when the plan has none."""
        mine = (route for route in self.routes if route.shift == shift_id)
        return next(mine, Route(shift=shift_id, stops=()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken rule, in words and with the numbers behind it."""

    rule: str
    visit: str | None
    shift: str | None
    text: str
    numbers: Mapping[str, int | str] = field(default_factory=dict)
