"""Who works, where, when and with which skills."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, Duration, UtcDateTime
from fieldservice.models.user import User

EVERY_DAY = "0123456"
"""The weekdays on which something happens, Monday is 0."""


@dataclass(frozen=True)
class PlannedBreak:
    """A pause inside a working day; it starts between `earliest_at` and `latest_at`.

    `away`: the technician is absent, and comes back only at its end.
    """

    earliest_at: datetime
    latest_at: datetime
    duration: timedelta
    away: bool = False


@dataclass(frozen=True)
class WorkingDay:
    """One technician's shift on one day; it owns one route."""

    technician_id: int
    on: date
    starts_at: datetime
    ends_at: datetime
    overtime: timedelta
    breaks: tuple[PlannedBreak, ...]

    def __post_init__(self) -> None:
        if not self.starts_at < self.ends_at:
            raise ValueError(f"not a shift: {self.starts_at} to {self.ends_at}")


class Territory(Base):
    """An area with a time zone; the unit of planning."""

    __tablename__ = "territory"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    time_zone: Mapped[str] = mapped_column(String(64))
    centre_lat: Mapped[float]
    centre_lon: Mapped[float]
    radius_m: Mapped[int]
    holidays: Mapped[str] = mapped_column(String(16), default="")
    working_days: Mapped[str] = mapped_column(String(7), default=EVERY_DAY, server_default=EVERY_DAY)
    active: Mapped[bool] = mapped_column(default=True)
    workforce_version: Mapped[int] = mapped_column(default=0, server_default="0")  # the database counts

    branches: Mapped[list[Branch]] = relationship(back_populates="territory", order_by="Branch.id")

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which its customers and technicians live."""
        return ZoneInfo(self.time_zone)

    def local_day(self, instant: datetime) -> date:
        """The calendar day of an instant in this territory."""
        return instant.astimezone(self.zone).date()

    def midnight(self, on: date) -> datetime:
        """The instant at which a day begins here."""
        return datetime.combine(on, time(0), self.zone)


class Branch(Base):
    """A building of the company where customers are received."""

    __tablename__ = "branch"

    id: Mapped[int] = mapped_column(primary_key=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(300))
    lat: Mapped[float]
    lon: Mapped[float]

    territory: Mapped[Territory] = relationship(back_populates="branches")


class Skill(Base):
    """Something a visit needs and a technician has, up to a level."""

    __tablename__ = "skill"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))


class TechnicianSkill(Base):
    """A skill held by a technician; it ends after `expires_on`."""

    __tablename__ = "technician_skill"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 9", name="level"),)

    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), primary_key=True)
    skill_id: Mapped[int] = mapped_column(ForeignKey("skill.id"), primary_key=True)
    level: Mapped[int] = mapped_column(default=1)
    expires_on: Mapped[date | None]

    skill: Mapped[Skill] = relationship(lazy="joined")


class NoShift(Exception):
    """Somebody has no shift on a day, or none that could be so long."""


class Technician(Base):
    """The person who makes visits."""

    __tablename__ = "technician"

    id: Mapped[int] = mapped_column(primary_key=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(32), default="")
    colour: Mapped[int] = mapped_column(default=0)
    home_address: Mapped[str] = mapped_column(String(300), default="")
    home_lat: Mapped[float]
    home_lon: Mapped[float]
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)

    territory: Mapped[Territory] = relationship()
    user: Mapped[User | None] = relationship()
    skills: Mapped[list[TechnicianSkill]] = relationship(cascade="all, delete-orphan")
    shift_patterns: Mapped[list[ShiftPattern]] = relationship(cascade="all, delete-orphan")
    shift_overrides: Mapped[list[ShiftOverride]] = relationship(cascade="all, delete-orphan")
    break_rules: Mapped[list[BreakRule]] = relationship(cascade="all, delete-orphan")
    absences: Mapped[list[Absence]] = relationship(cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}

    @property
    def initials(self) -> str:
        """Two letters that stand beside the technician's colour."""
        words = self.name.split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper() if words else "?"

    def skill_levels(self, on: date) -> dict[str, int]:
        """Skill code -> level, without those that have expired by `on`."""
        return {
            held.skill.code: held.level
            for held in self.skills
            if held.expires_on is None or held.expires_on >= on
        }

    def working_day(self, on: date, zone: ZoneInfo) -> WorkingDay | None:
        """The shift on a day: the dated override if there is one, else the pattern, less the absences."""
        hours = self._hours(on)
        if hours is None:
            return None
        starts_at, ends_at = _instant(on, hours.starts, zone), _instant(on, hours.ends, zone)
        overtime = hours.overtime
        away: list[PlannedBreak] = []
        for gone_at, back_at in _merged(self.absences):
            if back_at <= starts_at or gone_at >= ends_at:
                continue
            if gone_at <= starts_at:
                starts_at = back_at
            elif back_at >= ends_at:
                ends_at, overtime = gone_at, timedelta(0)
            else:
                away.append(PlannedBreak(gone_at, gone_at, back_at - gone_at, away=True))
        if starts_at >= ends_at:
            return None
        rules = [rule.planned(on, zone) for rule in self.break_rules if rule.fits(hours.starts, hours.ends)]
        kept = [pause for pause in rules if _can_be_taken(pause, starts_at, ends_at, away)]
        return WorkingDay(self.id, on, starts_at, ends_at, overtime, (*kept, *away))

    def is_away(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether an absence takes any of this time."""
        return any(gone.starts_at < ends_at and starts_at < gone.ends_at for gone in self.absences)

    def lengthen(self, on: date, by: timedelta, *, as_overtime: bool, reason: str) -> None:
        """Let the shift of one day end later, or (`as_overtime`) allow more time after its end.

        Raises NoShift without a shift on the day, and when it would end after midnight.
        """
        hours = self._hours(on)
        if hours is None:
            raise NoShift
        overtime = hours.overtime + by if as_overtime else hours.overtime
        ends = datetime.combine(on, hours.ends) + (timedelta(0) if as_overtime else by)
        if (ends + overtime).date() != on:
            raise NoShift
        override = self.override(on)
        if override is None:
            override = ShiftOverride(on=on, day_off=False, starts=hours.starts)
            self.shift_overrides.append(override)
        override.ends, override.overtime, override.reason = ends.time(), overtime, reason

    def override(self, on: date) -> ShiftOverride | None:
        """What differs from the usual hours on one day."""
        return next((found for found in self.shift_overrides if found.on == on), None)

    def _hours(self, on: date) -> ShiftPattern | ShiftOverride | None:
        if (override := self.override(on)) is not None:
            return None if override.day_off else override
        matching = [pattern for pattern in self.shift_patterns if pattern.applies(on)]
        return max(matching, key=lambda pattern: pattern.valid_from, default=None)


class ShiftPattern(Base):
    """The usual working hours of a weekday (Monday is 0), in the territory's local time."""

    __tablename__ = "shift_pattern"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("starts < ends", name="hours"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), index=True)
    weekday: Mapped[int]
    starts: Mapped[time]
    ends: Mapped[time]
    overtime: Mapped[timedelta] = mapped_column(Duration, default=timedelta(0))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]

    def applies(self, on: date) -> bool:
        """Whether the pattern covers a day."""
        ended = self.valid_until is not None and self.valid_until < on
        return on.weekday() == self.weekday and self.valid_from <= on and not ended


class ShiftOverride(Base):
    """Other hours, or a day off, on one date."""

    __tablename__ = "shift_override"
    __table_args__ = (
        UniqueConstraint("technician_id", "on"),
        CheckConstraint("starts < ends", name="hours"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"))
    on: Mapped[date]
    day_off: Mapped[bool] = mapped_column(default=False)
    starts: Mapped[time] = mapped_column(default=time(8))
    ends: Mapped[time] = mapped_column(default=time(17))
    overtime: Mapped[timedelta] = mapped_column(Duration, default=timedelta(0))
    reason: Mapped[str] = mapped_column(String(200), default="")


class BreakRule(Base):
    """A pause that every long enough shift of a technician contains, in local time."""

    __tablename__ = "break_rule"
    __table_args__ = (CheckConstraint("earliest <= latest", name="bounds"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), index=True)
    earliest: Mapped[time]
    latest: Mapped[time]
    duration: Mapped[timedelta] = mapped_column(Duration)

    def fits(self, starts: time, ends: time) -> bool:
        """Whether a shift with these hours is long enough to contain the break."""
        return starts <= self.earliest and self.latest < ends

    def planned(self, on: date, zone: ZoneInfo) -> PlannedBreak:
        """The break on one day."""
        return PlannedBreak(_instant(on, self.earliest, zone), _instant(on, self.latest, zone), self.duration)


class AbsenceKind(StrEnum):
    """Why somebody is away; the planner treats all alike."""

    HOLIDAY = "holiday"
    SICK = "sick"
    VEHICLE = "vehicle"


class Absence(Base):
    """An interval without a shift: holiday, sickness, training, a van that does not start."""

    __tablename__ = "absence"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="interval"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(20), default=AbsenceKind.HOLIDAY)
    reason: Mapped[str] = mapped_column(String(200), default="")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


def _instant(on: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, clock, zone).astimezone(UTC)


def _merged(absences: Iterable[Absence]) -> list[tuple[datetime, datetime]]:
    """The intervals in which somebody is away, apart from each other and in the order of time."""
    merged: list[tuple[datetime, datetime]] = []
    for absence in sorted(absences, key=lambda absence: absence.starts_at):
        if merged and absence.starts_at <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], absence.ends_at))
        else:
            merged.append((absence.starts_at, absence.ends_at))
    return merged


def _can_be_taken(
    pause: PlannedBreak, starts_at: datetime, ends_at: datetime, away: list[PlannedBreak]
) -> bool:
    """Whether the pause has room in the day; where it has none, the absence takes its place."""
    backs = [absence.earliest_at + absence.duration for absence in away]
    for start in (max(pause.earliest_at, starts_at), *backs):
        end = start + pause.duration
        free = all(end <= gone.earliest_at or back <= start for gone, back in zip(away, backs, strict=True))
        if pause.earliest_at <= start <= pause.latest_at and end <= ends_at and free:
            return True
    return False
