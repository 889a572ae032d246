"""The plan of a territory's day: routes, stops, pins, holds, proposals and the history of changes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, Duration, UtcDateTime

if TYPE_CHECKING:
    from fieldservice.models.visit import Visit
    from fieldservice.models.workforce import Technician


class Plan(Base):
    """Routes of a territory's day. `version` rises with every change that a board would show."""

    __tablename__ = "plan"
    __table_args__ = (UniqueConstraint("territory_id", "on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"))
    on: Mapped[date]
    version: Mapped[int] = mapped_column(default=1)
    dispatched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    routes: Mapped[list[Route]] = relationship(back_populates="plan")


class Route(Base):
    """The stops of one technician's shift; `version` rises with every change of its stops."""

    __tablename__ = "route"
    __table_args__ = (UniqueConstraint("plan_id", "technician_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), index=True)
    version: Mapped[int] = mapped_column(default=1)
    travel_home: Mapped[timedelta] = mapped_column(Duration, default=timedelta(0))
    travel_estimated: Mapped[bool] = mapped_column(default=False)

    plan: Mapped[Plan] = relationship(back_populates="routes")
    technician: Mapped[Technician] = relationship()
    stops: Mapped[list[Stop]] = relationship(order_by="Stop.starts_at", viewonly=True)


class StopKind(StrEnum):
    """What a technician does at a stop."""

    VISIT = "visit"
    BREAK = "break"
    HOLD = "hold"
    CREW = "crew"


class Stop(Base):
    """A visit, a break or a held slot on a route, with its times.

    A visit of a crew has one stop of its own, that of whoever leads it, and one of the kind `crew` on the
    route of each other member; a slot that is held for a crew has one on the route of each. The database
    refuses two stops of one technician that overlap in [starts_at, ends_at).
    """

    __tablename__ = "stop"
    __table_args__ = (
        CheckConstraint("arrives_at <= starts_at AND starts_at <= ends_at", name="times"),
        CheckConstraint(
            "(kind = 'visit' AND visit_id IS NOT NULL AND hold_id IS NULL AND crew_visit_id IS NULL)"
            " OR (kind = 'hold' AND hold_id IS NOT NULL AND visit_id IS NULL AND crew_visit_id IS NULL)"
            " OR (kind = 'crew' AND crew_visit_id IS NOT NULL AND visit_id IS NULL AND hold_id IS NULL)"
            " OR (kind = 'break' AND visit_id IS NULL AND hold_id IS NULL AND crew_visit_id IS NULL)",
            name="kind",
        ),
        UniqueConstraint("crew_visit_id", "technician_id"),
        UniqueConstraint("hold_id", "technician_id"),
        Index("ix_stop_technician_id_starts_at", "technician_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    route_id: Mapped[int] = mapped_column(ForeignKey("route.id"), index=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"))
    kind: Mapped[str] = mapped_column(String(10))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), unique=True)
    hold_id: Mapped[int | None] = mapped_column(ForeignKey("hold.id"))
    crew_visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    arrives_at: Mapped[datetime] = mapped_column(UtcDateTime)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    travel: Mapped[timedelta] = mapped_column(Duration, default=timedelta(0))

    visit: Mapped[Visit | None] = relationship(back_populates="stop", foreign_keys=[visit_id])
    crew_visit: Mapped[Visit | None] = relationship(back_populates="crew_stops", foreign_keys=[crew_visit_id])
    hold: Mapped[Hold | None] = relationship()
    technician: Mapped[Technician] = relationship()
    route: Mapped[Route] = relationship()

    @property
    def work(self) -> Visit | None:
        """The visit that is made here, led or helped with."""
        return self.visit or self.crew_visit


class Pin(Base):
    """A dispatcher's decision that the solver must respect: the technician, the start, or both."""

    __tablename__ = "pin"
    __table_args__ = (
        CheckConstraint("technician_id IS NOT NULL OR starts_at IS NOT NULL", name="something"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), unique=True)
    technician_id: Mapped[int | None] = mapped_column(ForeignKey("technician.id"))
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    reason: Mapped[str] = mapped_column(String(200), default="")


class Hold(Base):
    """A slot reserved while a customer fills in the form; a stop in the route until it expires."""

    __tablename__ = "hold"
    __table_args__ = (
        CheckConstraint("window_starts_at < window_ends_at", name="window"),
        CheckConstraint("crew BETWEEN 1 AND 3", name="crew"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("booking_draft.id"), unique=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    lat: Mapped[float]
    lon: Mapped[float]
    window_starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    window_ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    crew: Mapped[int] = mapped_column(default=1, server_default="1")  # each of them has a stop of it


class Proposal(Base):
    """A plan that the optimiser found and nobody has accepted yet.

    One search makes one for each goal that was asked for, and
    `decisions` counts what was decided about its parts.
    """

    __tablename__ = "proposal"
    __table_args__ = (UniqueConstraint("job_id", "goal"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    goal: Mapped[str] = mapped_column(String(12), default="balanced")
    decisions: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(12), default="open")
    based_on: Mapped[dict[str, Any]] = mapped_column(JSON)
    routes: Mapped[dict[str, Any]] = mapped_column(JSON)
    summary: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    plan: Mapped[Plan] = relationship()


class PlanChange(Base):
    """One change of a plan: who, when, what, and the orders before and after, so that it can be undone."""

    __tablename__ = "plan_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    summary: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("plan_change.id"))


class Presence(Base):
    """The row of a board at which a dispatcher is just now; nobody is anywhere after `expires_at`."""

    __tablename__ = "presence"
    __table_args__ = (Index("ix_presence_territory_id_on", "territory_id", "on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), unique=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"))
    on: Mapped[date]
    technician_id: Mapped[int | None] = mapped_column(ForeignKey("technician.id"))
    editing: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
