"""What was done to a day, newest first, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.models import AuditEntry, Plan, PlanChange, Technician, Visit
from fieldservice.planning.rows import visit_options

SHOWN = 200
_NUMBERED = re.compile(r"^\w+:\d+ ")


@dataclass(frozen=True)
class Entry:
    """Something that somebody did to a day; `visit_id` leads to the visit that it is about."""

    at: datetime
    who: str
    what: str
    why: str
    visit_id: int | None
    undone: bool


def entries_of(session: Session, plan: Plan, zone: ZoneInfo) -> list[Entry]:
    """The newest things that were done to a day; moves and plans, what was sent and taken back."""
    found = session.scalars(
        select(PlanChange).where(PlanChange.plan_id == plan.id).order_by(PlanChange.id.desc()).limit(SHOWN)
    ).all()
    sent = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject_kind == "plan", AuditEntry.subject_id == plan.id)
        .order_by(AuditEntry.id.desc())
        .limit(SHOWN)
    )
    words = _Words(session, found, zone)
    told = [words.entry(change) for change in found]
    told += [
        Entry(entry.at, _name(entry.actor), _sent(entry.action), "", None, undone=False) for entry in sent
    ]
    return sorted(told, key=lambda entry: entry.at, reverse=True)[:SHOWN]


class _Words:
    def __init__(self, session: Session, found: Sequence[PlanChange], zone: ZoneInfo) -> None:
        self.zone = zone
        ids = {change.summary.get("visit_id") for change in found}
        visits = session.scalars(select(Visit).where(Visit.id.in_(ids - {None})).options(*visit_options()))
        self.customers = {visit.id: visit.work_order.customer.name for visit in visits}
        self.technicians = {
            key: name for key, name in session.execute(select(Technician.id, Technician.name))
        }

    def entry(self, change: PlanChange) -> Entry:
        summary = change.summary
        return Entry(
            at=change.at,
            who=_name(change.actor),
            what=self._what(change.kind, summary),
            why=summary.get("reason", ""),
            visit_id=summary.get("visit_id"),
            undone=change.undone_by_id is not None,
        )

    def _what(self, kind: str, summary: Mapping[str, Any]) -> str:
        if kind in ("undo", "redo"):
            what = self._what(summary.get("what", ""), {**summary, "what": ""})
            return str(
                _("Undid: %(what)s", what=what) if kind == "undo" else _("Did again: %(what)s", what=what)
            )
        customer = self.customers.get(summary.get("visit_id", 0), "")
        sentences: dict[str, Callable[[], str]] = {
            "move": lambda: _(
                "%(customer)s to %(name)s, %(time)s",
                customer=customer,
                name=", ".join(
                    self.technicians.get(key, "")
                    for key in (summary["technician_id"], *summary.get("others", ()))
                ),
                time=web.clock_time(datetime.fromisoformat(summary["starts_at"]), self.zone),
            ),
            "crew": lambda: ngettext(
                "%(customer)s needs %(num)d technician",
                "%(customer)s needs %(num)d technicians",
                int(summary["crew"]),
                customer=customer,
            ),
            "unassign": lambda: _("%(customer)s taken off the route", customer=customer),
            "link": lambda: _("%(customer)s follows another visit", customer=customer),
            "unlink": lambda: _("%(customer)s follows another visit no longer", customer=customer),
            "pin": lambda: _("%(customer)s pinned", customer=customer),
            "unpin": lambda: _("%(customer)s freed", customer=customer),
            "swap": lambda: _(
                "%(one)s and %(other)s exchanged their visits",
                one=self.technicians.get(summary["technician_id"], ""),
                other=self.technicians.get(summary["other_id"], ""),
            ),
            "move_route": lambda: _(
                "The route of %(name)s moved to %(day)s",
                name=self.technicians.get(summary["technician_id"], ""),
                day=web.day_words(date.fromisoformat(summary["to"]), short=True),
            ),
            "optimise": lambda: ngettext(
                "A better plan: %(num)d visit changed",
                "A better plan: %(num)d visits changed",
                int(summary["visits"]),
            ),
        }
        try:
            return str(sentences[kind]())
        except KeyError:
            return str(_("Changed the plan"))


def _sent(action: str) -> str:
    told = {"dispatch": _("Sent the day to the technicians"), "recall": _("Took back what was sent")}
    return str(told.get(action, _("Changed the plan")))


def _name(actor: str) -> str:
    """Who it was, without the number by which histories tell people apart."""
    return str(_("The planner")) if actor == "system" else _NUMBERED.sub("", actor)
