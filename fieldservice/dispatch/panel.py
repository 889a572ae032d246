"""What the inspector shows: one visit and why it is there, or a proposal with its exceptions first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.dispatch.day import Bar, bar_of
from fieldservice.models import Approval, OfficeTask, Proposal, Technician, Visit, Window, WindowOffer
from fieldservice.planning.adoption import overtaken
from fieldservice.planning.asking import open_offer
from fieldservice.planning.improve import choices_in
from fieldservice.planning.problem import Day, build
from fieldservice.planning.rows import visit_options
from fieldservice.planning.running import Cause, causes_of
from fieldservice.planning.why import Why, why


@dataclass(frozen=True)
class Selected:
    """The visit that the inspector shows, with its place on the day and what can be said about it."""

    visit: Visit
    technician: Technician | None
    bar: Bar | None
    why: Why | None
    task: OfficeTask | None
    approval: Approval | None = None
    offer: WindowOffer | None = None

    @property
    def spare(self) -> timedelta | None:
        """From the planned start to the end of the promised window; negative when it is late."""
        return self.bar.spare if self.bar else None


@dataclass(frozen=True)
class Figure:
    """A figure of the plan as it is and as it would be."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class ProposedChange:
    """What a proposal does with one visit; technicians and times are None where it has no stop.

    `cause` is why it has to change, `choices` what its customer is offered, `pushed` how many of its new
    technician's visits begin later because of it, at most `pushed_by`.
    """

    visit: Visit
    old_technician_id: int | None
    old_starts_at: datetime | None
    technician_id: int | None
    starts_at: datetime | None
    kept: bool
    overtaken: bool
    cause: Cause | None = None
    choices: tuple[Window, ...] = ()
    pushed: int = 0
    pushed_by: timedelta = timedelta(0)

    @property
    def only_time(self) -> bool:
        """Whether the visit stays with its technician."""
        return self.technician_id is not None and self.technician_id == self.old_technician_id

    @property
    def exception(self) -> bool:
        """Whether somebody has to look at it: a promise that breaks, or a change that no longer holds."""
        return not self.kept or self.overtaken


@dataclass(frozen=True)
class Panel:
    """A proposal as a dispatcher reads it."""

    proposal: Proposal
    figures: tuple[Figure, ...]
    changes: tuple[ProposedChange, ...]
    unassigned: tuple[Visit, ...]
    causes: tuple[Cause, ...] = ()

    @property
    def lost(self) -> int:
        """How many visits need another place because of what happened."""
        return len({number for cause in self.causes for number in cause.visit_ids})

    @property
    def lost_kept(self) -> int:
        """How many of them get a place inside their promise."""
        saved = (change for change in self.changes if change.cause is not None)
        return sum(change.kept and change.technician_id is not None for change in saved)

    @property
    def exceptions(self) -> list[ProposedChange]:
        """What has to be looked at before accepting."""
        return [change for change in self.changes if change.exception]

    @property
    def moves(self) -> list[ProposedChange]:
        """Visits that go to another technician, or find one."""
        return [change for change in self.changes if not change.exception and not change.only_time]

    @property
    def shifts(self) -> list[ProposedChange]:
        """Visits that only begin earlier or later."""
        return [change for change in self.changes if not change.exception and change.only_time]

    @property
    def visit_ids(self) -> frozenset[int]:
        """The visits that would change."""
        return frozenset(change.visit.id for change in self.changes)


def select_visit(session: Session, day: Day, visit: Visit) -> Selected:
    """A visit as the inspector shows it on a day; without a place when it is not on this day."""
    technician, bar = bar_of(day, visit) or (None, None)
    task = session.scalar(
        select(OfficeTask).where(OfficeTask.visit_id == visit.id, OfficeTask.done_at.is_(None)).limit(1)
    )
    offer = open_offer(session, visit, now=day.rows.now)
    return Selected(visit, technician, bar, why(day, visit), task, _approval(session, visit), offer)


def _approval(session: Session, visit: Visit) -> Approval | None:
    key = visit.work_order.request_key
    return session.scalar(select(Approval).where(Approval.request_key == key)) if key else None


def panel_of(session: Session, day: Day, proposal_id: int, *, freeze: timedelta) -> Panel:
    """An open proposal; a change that no longer holds is marked, also because it begins within `freeze`."""
    proposal = session.get_one(Proposal, proposal_id)
    summary = proposal.summary
    stale = overtaken(build(day.rows, day.table, freeze=freeze), proposal.routes, proposal.based_on)
    asked = {entry["visit_id"] for entry in summary["changes"] if entry["to_technician_id"] is None}
    ids = {entry["visit_id"] for entry in (*summary["changes"], *summary["unassigned"])}
    found = session.scalars(select(Visit).where(Visit.id.in_(ids)).options(*visit_options())).all()
    visits = {visit.id: visit for visit in found}
    return Panel(
        proposal=proposal,
        figures=tuple(
            Figure(name, int(summary[f"{name}_before{unit}"]), int(summary[f"{name}_after{unit}"]))
            for name, unit in (("driving", "_s"), ("overtime", "_s"), ("unassigned", ""))
        ),
        changes=_changes(proposal, visits, stale),
        unassigned=tuple(
            visits[entry["visit_id"]] for entry in summary["unassigned"] if entry["visit_id"] not in asked
        ),
        causes=causes_of(summary),
    )


def _changes(
    proposal: Proposal, visits: Mapping[int, Visit], stale: frozenset[int]
) -> tuple[ProposedChange, ...]:
    entries = proposal.summary["changes"]
    causes = {key: cause for cause in causes_of(proposal.summary) for key in cause.visit_ids}
    choices = choices_in(proposal)
    found = [_change(entry, visits[entry["visit_id"]], stale) for entry in entries]
    return tuple(
        replace(
            change,
            cause=causes.get(change.visit.id),
            choices=choices.get(change.visit.id, ()),
            **_pushed(change, found),
        )
        for change in found
    )


def _pushed(change: ProposedChange, others: Sequence[ProposedChange]) -> dict[str, Any]:
    """What a visit that comes to a route does to those after it."""
    if change.only_time or change.technician_id is None:
        return {}
    later = [
        other.starts_at - other.old_starts_at
        for other in others
        if other.only_time
        and other.technician_id == change.technician_id
        and other.starts_at is not None
        and other.old_starts_at is not None
        and change.starts_at is not None
        and other.old_starts_at < other.starts_at
        and change.starts_at < other.starts_at
    ]
    return {"pushed": len(later), "pushed_by": max(later, default=timedelta(0))}


def _change(entry: dict[str, Any], visit: Visit, stale: frozenset[int]) -> ProposedChange:
    return ProposedChange(
        visit=visit,
        old_technician_id=entry["from_technician_id"],
        old_starts_at=_instant(entry["from_starts_at"]),
        technician_id=entry["to_technician_id"],
        starts_at=_instant(entry["to_starts_at"]),
        kept=entry["promise_kept"],
        overtaken=visit.id in stale,
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
