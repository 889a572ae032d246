"""Plan changes with the orders before and after them, so that each can be undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fieldservice.models import AuditEntry, Pin, Plan, PlanChange, Visit
from fieldservice.planning.linked import links_json
from fieldservice.planning.problem import Day, build, row_id, visit_id
from fieldservice.planning.rows import load_day


class ChangeLog:
    """Remembers the routes before a change and stores them with those after it."""

    def __init__(self, session: Session, days: Mapping[date, Day], *, now: datetime, actor: str) -> None:
        self.session, self.days, self.now, self.actor = session, days, now, actor
        self.before: dict[str, Any] = {}
        self.keys: list[tuple[date, int]] = []
        self.pinned: Collection[str] = ()
        self.linked: Collection[str] = ()

    def remember(self, visit: Visit, keys: Iterable[tuple[date, int]]) -> None:
        """The routes that a move of `visit` touches."""
        self.remember_routes(keys, {visit_id(visit): None})

    def remember_routes(self, keys: Iterable[tuple[date, int]], pinned: Collection[str]) -> None:
        """The routes, and the visits whose pins the change touches."""
        self.keys, self.pinned = list(dict.fromkeys(keys)), tuple(pinned)
        self.before = self._look(self.days)

    def remember_links(self, names: Collection[str]) -> None:
        """The visits of which the change touches what they follow."""
        self.linked = tuple(names)
        if names:
            self.before["links"] = links_json(self.session, names)

    def store(self, kind: str, plan: Plan, summary: Mapping[str, Any]) -> PlanChange:
        """Write the change and its audit entry."""
        self.session.flush()
        territory = next(iter(self.days.values())).rows.territory
        after = {
            on: build(load_day(self.session, territory, on, now=self.now, only=day.rows.only), day.table)
            for on, day in self.days.items()
        }
        change = PlanChange(
            plan_id=plan.id,
            kind=kind,
            at=self.now,
            actor=self.actor,
            summary=dict(summary),
            before=self.before,
            after=self._look(after),
        )
        subject = summary.get("visit_id")
        # a reason is free text about a customer: nobody could take it out of the audit again
        facts = {name: value for name, value in summary.items() if name != "reason"}
        self.session.add_all([change, audit(kind, subject, facts, now=self.now, actor=self.actor)])
        self.session.flush()
        return change

    def _look(self, days: Mapping[date, Day]) -> dict[str, Any]:
        routes = [
            {
                "on": on.isoformat(),
                "technician_id": technician,
                "version": days[on].rows.version(technician),
                "visits": list(days[on].order(technician)),
            }
            for on, technician in self.keys
        ]
        ids = [row_id(name) for name in self.pinned]
        query = select(Visit.id, Visit.accepted_violations, Visit.crew).where(Visit.id.in_(ids))
        found = self.session.execute(query).all()
        linked = {"links": links_json(self.session, self.linked)} if self.linked else {}
        return {
            "routes": routes,
            "pins": pins_of(self.session, self.pinned),
            "marks": {f"v{key}": accepted for key, accepted, _ in found},
            "crews": {f"v{key}": crew for key, _, crew in found},
            **linked,
        }


def pins_of(session: Session, names: Collection[str]) -> dict[str, dict[str, Any] | None]:
    """The pins of visits as a change keeps them."""
    pins = session.scalars(select(Pin).where(Pin.visit_id.in_([row_id(name) for name in names])))
    by_visit = {f"v{pin.visit_id}": pin for pin in pins}
    return {name: pin_json(by_visit.get(name)) for name in names}


def pin_json(pin: Pin | None) -> dict[str, Any] | None:
    """A pin as a change stores it."""
    if pin is None:
        return None
    starts_at = pin.starts_at.isoformat() if pin.starts_at else None
    return {"technician_id": pin.technician_id, "starts_at": starts_at}


def restore_pins(session: Session, pins: Mapping[str, dict[str, Any] | None], *, now: datetime) -> None:
    """Give visits the pins that they had."""
    session.execute(delete(Pin).where(Pin.visit_id.in_([row_id(name) for name in pins])))
    for name, pin in pins.items():
        if pin is not None:
            starts_at = datetime.fromisoformat(pin["starts_at"]) if pin["starts_at"] else None
            session.add(
                Pin(
                    visit_id=row_id(name),
                    technician_id=pin["technician_id"],
                    starts_at=starts_at,
                    created_at=now,
                )
            )
    session.flush()
    for visit in session.scalars(select(Visit).where(Visit.id.in_([row_id(name) for name in pins]))):
        session.expire(visit, ["pin"])


def restore_marks(session: Session, marks: Mapping[str, list[dict[str, Any]]]) -> None:
    """Give visits back what somebody had accepted for them."""
    for visit in session.scalars(select(Visit).where(Visit.id.in_([row_id(name) for name in marks]))):
        visit.accepted_violations = marks[f"v{visit.id}"]
    session.flush()


def restore_crews(session: Session, crews: Mapping[str, int]) -> None:
    """Let as many make these visits as did."""
    for visit in session.scalars(select(Visit).where(Visit.id.in_([row_id(name) for name in crews]))):
        visit.crew = crews[f"v{visit.id}"]
    session.flush()


def audit(action: str, visit: int | None, detail: dict[str, Any], *, now: datetime, actor: str) -> AuditEntry:
    return AuditEntry(
        at=now, actor=actor, action=action, subject_kind="visit", subject_id=visit, detail=detail
    )
