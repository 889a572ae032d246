"""What is promised, and what became of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, Duration, UtcDateTime
from fieldservice.models import reminders
from fieldservice.models.aftercare import Feedback
from fieldservice.models.booking import PrivateLink
from fieldservice.models.cancel_terms import CUSTOMER, CancelTerms
from fieldservice.models.conversation import Conversation
from fieldservice.models.customer import Site
from fieldservice.models.message import OutboxMessage
from fieldservice.models.needs import Needs, highest
from fieldservice.models.plan import Pin, Stop
from fieldservice.models.position import DrivePosition
from fieldservice.models.push import PushDevice
from fieldservice.models.service import Service
from fieldservice.models.steps import NotAllowed as NotAllowed
from fieldservice.models.steps import Steps
from fieldservice.models.steps import VisitState as VisitState
from fieldservice.models.told import UNDO as UNDO
from fieldservice.models.told import Told, window_payload
from fieldservice.models.visit_event import VisitEvent
from fieldservice.models.window import Window as Window
from fieldservice.models.work_order import WorkOrder
from fieldservice.models.workforce import Technician, Territory

if TYPE_CHECKING:
    from fieldservice.models.service_plan import Occurrence

REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

PLANNABLE = frozenset({VisitState.REQUESTED, VisitState.BOOKED, VisitState.DISPATCHED})
UNDERWAY = frozenset({VisitState.EN_ROUTE, VisitState.ON_SITE})
ENDED = frozenset({VisitState.DONE, VisitState.CANCELLED, VisitState.NO_SHOW, VisitState.COULD_NOT_DO})

_WORK = {VisitState.EN_ROUTE, VisitState.ON_SITE, VisitState.DONE}
_FAILED = {VisitState.CANCELLED, VisitState.NO_SHOW, VisitState.COULD_NOT_DO}
_NEXT: Mapping[VisitState, set[VisitState]] = {
    VisitState.REQUESTED: {VisitState.BOOKED, VisitState.CANCELLED},
    # Work that was done is a fact, even when a technician in a hurry did not tap each step of it.
    VisitState.BOOKED: {VisitState.DISPATCHED, *_WORK, *_FAILED},
    VisitState.DISPATCHED: {*_WORK, *_FAILED},
    VisitState.EN_ROUTE: {VisitState.ON_SITE, VisitState.DONE, *_FAILED},
    VisitState.ON_SITE: {VisitState.DONE, VisitState.COULD_NOT_DO, VisitState.NO_SHOW},
    VisitState.DONE: set(),
    VisitState.CANCELLED: set(),
    VisitState.NO_SHOW: set(),
    VisitState.COULD_NOT_DO: set(),
}


class Visit(Steps, Told, CancelTerms, Base):
    """One trip by one technician, or a crew, to one site."""

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("(window_starts_at IS NULL) = (window_ends_at IS NULL)", name="window"),
        CheckConstraint("window_starts_at IS NULL OR window_starts_at < window_ends_at", name="window_order"),
        CheckConstraint("crew BETWEEN 1 AND 3", name="crew"),
        Index("ix_visit_territory_id_window", "territory_id", "window_starts_at"),
        Index("ix_visit_territory_id_state", "territory_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(20), unique=True)
    work_order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"), index=True)
    territory_id: Mapped[int] = mapped_column(ForeignKey("territory.id"))
    state: Mapped[str] = mapped_column(String(14), default=VisitState.REQUESTED)
    setup: Mapped[timedelta] = mapped_column(Duration)
    service_duration: Mapped[timedelta] = mapped_column(Duration)
    cleanup: Mapped[timedelta] = mapped_column(Duration)
    window_starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    window_ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wanted_on: Mapped[date | None]
    preferred_technician_id: Mapped[int | None] = mapped_column(ForeignKey("technician.id"))
    priority: Mapped[int] = mapped_column(default=10)
    skills: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)  # beyond those of its service
    parts: Mapped[list[str]] = mapped_column(JSON, default=list)
    turn: Mapped[int] = mapped_column(default=0, server_default="0")  # among visits that follow each other
    crew: Mapped[int] = mapped_column(default=1, server_default="1")  # technicians that begin together
    promise_version: Mapped[int] = mapped_column(default=0)
    accepted_violations: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    work_order: Mapped[WorkOrder] = relationship(back_populates="visits")
    territory: Mapped[Territory] = relationship()
    stop: Mapped[Stop | None] = relationship(
        back_populates="visit", viewonly=True, foreign_keys="Stop.visit_id"
    )
    crew_stops: Mapped[list[Stop]] = relationship(
        back_populates="crew_visit",
        viewonly=True,
        foreign_keys="Stop.crew_visit_id",
        order_by="Stop.technician_id",
    )
    pin: Mapped[Pin | None] = relationship(cascade="all, delete-orphan")
    events: Mapped[list[VisitEvent]] = relationship(back_populates="visit", order_by="VisitEvent.id")
    messages: Mapped[list[OutboxMessage]] = relationship(order_by="OutboxMessage.id")
    links: Mapped[list[PrivateLink]] = relationship(back_populates="visit", order_by="PrivateLink.id")
    conversation: Mapped[Conversation | None] = relationship(back_populates="visit")
    feedback: Mapped[Feedback | None] = relationship(back_populates="visit")
    occurrence: Mapped[Occurrence | None] = relationship(back_populates="visit")
    devices: Mapped[list[PushDevice]] = relationship(back_populates="visit", order_by="PushDevice.id")
    position: Mapped[DrivePosition | None] = relationship(cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}

    @property
    def occupied(self) -> timedelta:
        """How long the visit keeps its technician on site, buffers included."""
        return self.setup + self.service_duration + self.cleanup

    @property
    def made_by(self) -> list[Technician]:
        """Who makes it, whoever leads it first; nobody while it has no stop."""
        stops = [self.stop, *self.crew_stops] if self.stop is not None else []
        return [stop.technician for stop in stops]

    def required_skills(self) -> dict[str, int]:
        """Skill code -> least level: what its service needs and what the customer's answers add."""
        return highest(self.service.required_skills(), self.skills)

    def needs(self) -> Needs:
        """What the visit takes, for another window."""
        return Needs(
            setup=self.setup,
            duration=self.service_duration,
            cleanup=self.cleanup,
            skills=self.required_skills(),
            priority=self.priority,
            crew=self.crew,
        )

    @property
    def window(self) -> Window | None:
        """The promised arrival window."""
        if self.window_starts_at is None or self.window_ends_at is None:
            return None
        return Window(self.window_starts_at, self.window_ends_at)

    @property
    def promised(self) -> bool:
        """Whether a customer was told a window that still counts."""
        return self.window_starts_at is not None and self.state not in ENDED

    @property
    def site(self) -> Site:
        """Where the visit goes."""
        return self.work_order.site

    @property
    def service(self) -> Service:
        """What is done there."""
        return self.work_order.service

    @property
    def last_step(self) -> VisitEvent | None:
        """The step of the work that led to the present state and can be taken back; None if there is none."""
        if self.state in PLANNABLE or self.state == VisitState.CANCELLED:
            return None
        steps = (event for event in reversed(self.events) if event.kind == "state")
        return next((event for event in steps if event.to_state == self.state), None)

    def promise(self, window: Window, *, now: datetime, actor: str) -> None:
        """Tell the customer this window: retire what was to be sent about the old one, write what is due now.

        Raises NotAllowed when the visit has begun or ended.
        """
        if self.state not in PLANNABLE:
            raise NotAllowed(self, VisitState.BOOKED)
        old = self.window
        if old == window:
            return
        self.window_starts_at, self.window_ends_at = window.starts_at, window.ends_at
        self.promise_version += 1
        if self.state == VisitState.REQUESTED:
            self._enter(VisitState.BOOKED, occurred_at=now, now=now, actor=actor)
        ours = old is not None and actor != CUSTOMER
        self.agree_terms(self.service, window.starts_at, ours=ours, now=now)
        self.record("promised", occurred_at=now, now=now, actor=actor, payload=window_payload(window))
        self._retire_messages()
        kind = "confirmation" if old is None else "changed"
        self._write_messages(kind, due_at=now, now=now, payload=window_payload(old))
        for span in self.service.reminders:
            if (due_at := reminders.due_at(span, window.starts_at, self.territory.zone)) > now:
                self._write_messages(reminders.kind_of(span), due_at=due_at, now=now)

    def cancel(self, *, now: datetime, actor: str, reason: str = "", fee: str = "") -> None:
        """End the visit before it began and tell the customer, also what it costs them.

        Raises NotAllowed when it has ended.
        """
        promised, self.fee_due = self.window is not None, fee
        self.advance(VisitState.CANCELLED, occurred_at=now, now=now, actor=actor, payload={"reason": reason})
        if promised:
            self._write_messages("cancelled", due_at=now, now=now)

    def advance(
        self,
        state: VisitState,
        *,
        occurred_at: datetime,
        now: datetime,
        actor: str,
        event_key: str | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Enter the next state and record the event; raises NotAllowed when the step does not exist."""
        if state not in _NEXT[VisitState(self.state)]:
            raise NotAllowed(self, state)
        self._enter(
            state, occurred_at=occurred_at, now=now, actor=actor, event_key=event_key, payload=payload
        )
        if state in ENDED:
            self._retire_messages()

    def revert(
        self,
        *,
        occurred_at: datetime,
        now: datetime,
        actor: str,
        event_key: str | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Take back the last step of the work as a new event; raises NotAllowed when none was made.

        What a customer was told stays told; a cancelled visit lost its place and cannot come back this way.
        """
        last = self.last_step
        if last is None:
            raise NotAllowed(self, VisitState(self.state))
        if self.state == VisitState.EN_ROUTE:
            self._keep_back("on_my_way")
        self._enter(
            VisitState(last.from_state),
            occurred_at=occurred_at,
            now=now,
            actor=actor,
            event_key=event_key,
            kind="undone",
            payload=payload,
        )
        self._revive_messages(now)

    def recall(self, *, now: datetime, actor: str) -> None:
        """Take the visit back from its technician before it begins; raises NotAllowed unless dispatched."""
        if self.state != VisitState.DISPATCHED:
            raise NotAllowed(self, VisitState.BOOKED)
        self._enter(VisitState.BOOKED, occurred_at=now, now=now, actor=actor, kind="recalled")

    def record(
        self,
        kind: str,
        *,
        occurred_at: datetime,
        now: datetime,
        actor: str,
        event_key: str | None = None,
        payload: Mapping[str, Any] | None = None,
        from_state: str = "",
        to_state: str = "",
    ) -> None:
        """Append to the visit's history, which nothing changes afterwards."""
        self.events.append(
            VisitEvent(
                kind=kind,
                from_state=from_state,
                to_state=to_state,
                occurred_at=occurred_at,
                recorded_at=now,
                actor=actor,
                event_key=event_key,
                payload=dict(payload or {}),
            )
        )

    def _enter(self, state: VisitState, *, kind: str = "state", **event: Any) -> None:
        old, self.state = self.state, state
        self.position = None  # it is for the drive that was just begun, or has ended
        self.record(kind, from_state=old, to_state=state, **event)


def new_reference(prefix: str) -> str:
    """A reference that can be read out over the phone, such as HH-7K2M9Q."""
    return f"{prefix}-{''.join(secrets.choice(REFERENCE_LETTERS) for _ in range(6))}"
