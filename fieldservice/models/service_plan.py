"""Service plans: visits that recur by a rule, and each time that one is due."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime
from fieldservice.models.recurrence import Rule, Season, Unit, add_months
from fieldservice.models.visit import Visit, VisitState, Window
from fieldservice.models.work_order import WorkOrder
from fieldservice.models.workforce import Technician, Territory

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

NOON = 12


class Renewal(StrEnum):
    """What happens at the end of the term."""

    AUTOMATIC = "automatic"  # it goes on unless somebody ends it
    ASK = "ask"  # it ends unless the customer says yes
    NONE = "none"  # it ends


class PartOfDay(StrEnum):
    """When a customer likes to have somebody come."""

    ANY = ""
    MORNING = "morning"
    AFTERNOON = "afternoon"


class OccurrenceState(StrEnum):
    """How far one time that a visit is due has come."""

    UPCOMING = "upcoming"
    INVITED = "invited"
    REMINDED = "reminded"
    BOOKED = "booked"
    SKIPPED = "skipped"
    MISSED = "missed"


OPEN = frozenset({OccurrenceState.UPCOMING, OccurrenceState.INVITED, OccurrenceState.REMINDED})
"""The customer can still pick a window."""


def end_of_term(starts_on: date, term_months: int | None, terms: int) -> date | None:
    """The last day of so many terms, counted from the first one; None without a term."""
    return None if term_months is None else add_months(starts_on, term_months * terms) - timedelta(days=1)


class ServicePlan(Base):
    """A customer's recurring visits for one service at one site, which its work order names.

    The rule holds for dates from `anchor_on` on; earlier occurrences are rows of rules that held before.
    A term is `term_months` long and `terms` of them were agreed on; without a term the plan has no end.
    """

    __tablename__ = "service_plan"
    __table_args__ = (
        CheckConstraint("every > 0 AND period_days > 0 AND lead_days >= 0 AND terms > 0", name="numbers"),
        CheckConstraint("unit IN ('weeks', 'months', 'years')", name="unit"),
        CheckConstraint("renewal IN ('automatic', 'ask', 'none')", name="renewal"),
        CheckConstraint("(season_from IS NULL) = (season_to IS NULL)", name="season"),
        CheckConstraint("(term_months IS NULL) = (ends_on IS NULL)", name="term"),
        Index("ix_service_plan_ended_at_made_until", "ended_at", "made_until"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    work_order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), unique=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"))
    every: Mapped[int]
    unit: Mapped[str] = mapped_column(String(8))
    anchor_on: Mapped[date]
    season_from: Mapped[int | None]
    season_to: Mapped[int | None]
    skip_holidays: Mapped[bool] = mapped_column(default=True)
    period_days: Mapped[int] = mapped_column(default=14)
    lead_days: Mapped[int] = mapped_column(default=7)
    starts_on: Mapped[date]
    term_months: Mapped[int | None]
    terms: Mapped[int] = mapped_column(default=1)
    ends_on: Mapped[date | None]  # the last day of the term
    renewal: Mapped[str] = mapped_column(String(10), default=Renewal.NONE)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # about the coming end of the term
    preferred_weekdays: Mapped[str] = mapped_column(String(7), default="")
    preferred_part: Mapped[str] = mapped_column(String(10), default=PartOfDay.ANY)
    preferred_technician_id: Mapped[int | None] = mapped_column(ForeignKey("technician.id"))
    made_until: Mapped[date]  # occurrences are rows up to here
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    work_order: Mapped[WorkOrder] = relationship(back_populates="service_plan")
    territory: Mapped[Territory] = relationship()
    preferred_technician: Mapped[Technician | None] = relationship()
    occurrences: Mapped[list[Occurrence]] = relationship(
        back_populates="plan", order_by="(Occurrence.due_on, Occurrence.id)", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def season(self) -> Season | None:
        """The months in which visits are due; None for the whole year."""
        if self.season_from is None or self.season_to is None:
            return None
        return Season(self.season_from, self.season_to)

    @property
    def rule(self) -> Rule:
        """When visits are due from `anchor_on` on."""
        return Rule(self.anchor_on, self.every, Unit(self.unit), self.season)

    def end_of(self, terms: int) -> date | None:
        """The last day of so many terms; None for a plan without an end."""
        return end_of_term(self.starts_on, self.term_months, terms)

    def likes(self, window: Window, zone: ZoneInfo) -> bool:
        """Whether a window is one that the customer prefers; never without preferences."""
        if not (self.preferred_weekdays or self.preferred_part):
            return False
        starts = window.starts_at.astimezone(zone)
        if self.preferred_weekdays and str(starts.weekday()) not in self.preferred_weekdays:
            return False
        before_noon = starts.hour < NOON
        return self.preferred_part in ("", PartOfDay.MORNING if before_noon else PartOfDay.AFTERNOON)

    @property
    def latest_visit(self) -> Visit | None:
        """The visit whose private link leads to the plan; None before the first invitation."""
        return max(self.work_order.visits, key=lambda visit: visit.id, default=None)


class Occurrence(Base):
    """One time that a visit of a plan is due: the customer picks a window from `due_on` to `closes_on`.

    `ruled_on` is the date of the rule, which stays when the day is moved. The visit is made with the
    invitation; whether the occurrence is booked is read from it.
    """

    __tablename__ = "occurrence"
    __table_args__ = (
        CheckConstraint("due_on <= closes_on AND invite_on <= due_on", name="period"),
        UniqueConstraint("plan_id", "ruled_on"),
        Index("ix_occurrence_invite_on_closes_on", "invite_on", "closes_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("service_plan.id"))
    ruled_on: Mapped[date]
    due_on: Mapped[date]
    closes_on: Mapped[date]
    invite_on: Mapped[date]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), unique=True)
    moved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    invited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    skipped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    skip_reason: Mapped[str] = mapped_column(String(300), default="")
    missed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    plan: Mapped[ServicePlan] = relationship(back_populates="occurrences")
    visit: Mapped[Visit | None] = relationship(back_populates="occurrence")

    __mapper_args__ = {"version_id_col": version}

    @property
    def state(self) -> OccurrenceState:
        """What became of it, read from what happened and from its visit."""
        visit = self.visit
        cancelled = visit is not None and visit.state == VisitState.CANCELLED
        if self.skipped_at is not None or (visit is not None and cancelled and visit.window is None):
            return OccurrenceState.SKIPPED
        if visit is not None and visit.window is not None and not cancelled:
            return OccurrenceState.BOOKED
        if self.missed_at is not None:
            return OccurrenceState.MISSED
        if visit is None or cancelled:
            return OccurrenceState.UPCOMING
        return OccurrenceState.REMINDED if self.reminded_at is not None else OccurrenceState.INVITED

    @property
    def open(self) -> bool:
        """Whether a window can still be picked, or will be."""
        return self.state in OPEN

    def is_pickable(self, today: date) -> bool:
        """Whether the customer may pick a window now."""
        return self.open and self.plan.ended_at is None and today <= self.closes_on

    def fall_due(self, on: date) -> None:
        """Set the day from which on it is due, with what follows from it."""
        self.due_on = on
        self.closes_on = on + timedelta(days=self.plan.period_days - 1)
        self.invite_on = on - timedelta(days=self.plan.lead_days)
