"""Plans that wait for a decision: their exceptions first, each change alone, two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.models import Proposal, Visit, Window
from fieldservice.planning.goals import Goal, Scope
from fieldservice.planning.parts import Part, Parts
from fieldservice.planning.problem import Day, build, row_id
from fieldservice.planning.proposals import choices_in, parts_of
from fieldservice.planning.rows import visit_options
from fieldservice.planning.running import Cause, causes_of


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
    part: Part | None = None
    others: tuple[str, ...] = ()

    @property
    def added(self) -> timedelta:
        """Driving that it adds; less than nothing where it saves some."""
        return timedelta(seconds=self.part.added_s if self.part else 0)

    @property
    def only_time(self) -> bool:
        """Whether the visit stays with its technician."""
        return self.technician_id is not None and self.technician_id == self.old_technician_id

    @property
    def exception(self) -> bool:
        """Whether somebody has to look at it: a promise that breaks, or a change that no longer holds."""
        return not self.kept or self.overtaken


@dataclass(frozen=True)
class Reordered:
    """A route whose visits come in another order."""

    technician_id: int
    part: Part

    @property
    def added(self) -> timedelta:
        """Driving that it adds; less than nothing where it saves some."""
        return timedelta(seconds=self.part.added_s)


@dataclass(frozen=True)
class Ghost:
    """Where a visit would be."""

    visit: Visit
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Panel:
    """A proposal as a dispatcher reads it."""

    proposal: Proposal
    figures: tuple[Figure, ...]
    changes: tuple[ProposedChange, ...]
    unassigned: tuple[Visit, ...]
    causes: tuple[Cause, ...] = ()
    orders: tuple[Reordered, ...] = ()
    rivals: tuple[Proposal, ...] = ()

    @property
    def goal(self) -> Goal:
        """What it cares for most."""
        return Goal(self.proposal.goal)

    @property
    def scope(self) -> Scope:
        """What of the day it was made for."""
        return Scope.from_json(self.proposal.summary.get("scope"))

    @property
    def moved_away(self) -> frozenset[int]:
        """The visits that leave their route."""
        return frozenset(change.visit.id for change in self._made if not change.only_time)

    def ghosts(self, technician_id: int) -> list[Ghost]:
        """What a technician would get, or get at another time."""
        return [
            Ghost(change.visit, change.starts_at, change.starts_at + change.visit.occupied)
            for change in self._made
            if change.technician_id == technician_id and change.starts_at is not None
        ]

    @property
    def _made(self) -> list[ProposedChange]:
        return [change for change in self.changes if not change.overtaken]

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
        return sorted((change for change in self.changes if change.exception), key=lambda change: change.kept)

    @property
    def moves(self) -> list[ProposedChange]:
        """Visits that go to another technician, or find one; first those that lost theirs."""
        moves = (change for change in self.changes if not change.exception and not change.only_time)
        return sorted(moves, key=lambda change: change.cause is None)

    @property
    def shifts(self) -> list[ProposedChange]:
        """Visits that only begin earlier or later."""
        return [change for change in self.changes if not change.exception and change.only_time]

    @property
    def visit_ids(self) -> frozenset[int]:
        """The visits that would change."""
        return frozenset(change.visit.id for change in self.changes)


def panel_of(session: Session, day: Day, proposal_id: int, *, freeze: timedelta) -> Panel:
    """An open proposal; a change that no longer holds is marked, also because it begins within `freeze`."""
    proposal = session.get_one(Proposal, proposal_id)
    summary = proposal.summary
    parts = parts_of(build(day.rows, day.table, freeze=freeze), proposal)
    found = {name: parts.part(name) for name in sorted(parts.open)}
    asked = {entry["visit_id"] for entry in summary["changes"] if entry["to_technician_id"] is None}
    ids = {entry["visit_id"] for entry in (*summary["changes"], *summary["unassigned"])}
    rows = session.scalars(select(Visit).where(Visit.id.in_(ids)).options(*visit_options())).all()
    visits = {visit.id: visit for visit in rows}
    return Panel(
        proposal=proposal,
        figures=_figures(proposal, parts),
        changes=_changes(proposal, visits, parts, found),
        unassigned=tuple(
            visits[entry["visit_id"]] for entry in summary["unassigned"] if entry["visit_id"] not in asked
        ),
        causes=causes_of(summary),
        orders=tuple(
            Reordered(row_id(name), part) for name, part in found.items() if part and name in parts.reordered
        ),
    )


_FIGURES = (("driving", "travel_s"), ("overtime", "overtime_s"), ("unassigned", "unassigned"))


def _figures(proposal: Proposal, parts: Parts) -> tuple[Figure, ...]:
    """As the search found them; once something was decided, of what is left."""
    if proposal.decisions:
        before, after = parts.figures()
        return tuple(Figure(name, before[cost], after[cost]) for name, cost in _FIGURES)
    summary = proposal.summary
    return tuple(
        Figure(name, int(summary[f"{name}_before{unit}"]), int(summary[f"{name}_after{unit}"]))
        for name, unit in (("driving", "_s"), ("overtime", "_s"), ("unassigned", ""))
    )


def _changes(
    proposal: Proposal, visits: Mapping[int, Visit], parts: Parts, found: Mapping[str, Part | None]
) -> tuple[ProposedChange, ...]:
    causes = {key: cause for cause in causes_of(proposal.summary) for key in cause.visit_ids}
    choices = choices_in(proposal)
    listed = [
        _change(entry, visits[entry["visit_id"]], parts, found)
        for entry in proposal.summary["changes"]
        if _waits(f"v{entry['visit_id']}", entry, parts)
    ]
    return tuple(
        replace(
            change,
            cause=causes.get(change.visit.id),
            choices=choices.get(change.visit.id, ()),
            others=_others(change, visits),
            **_pushed(change, listed),
        )
        for change in listed
    )


def _waits(name: str, entry: Mapping[str, Any], parts: Parts) -> bool:
    """Whether a change has not been made or left out yet."""
    follows = entry["from_technician_id"] == entry["to_technician_id"]
    return name not in parts.skipped and (name in parts.moves or name in parts.gone or follows)


def _others(change: ProposedChange, visits: Mapping[int, Visit]) -> tuple[str, ...]:
    names = change.part.names if change.part else frozenset[str]()
    ids = {row_id(name) for name in names if name.startswith("v")} - {change.visit.id}
    return tuple(visits[number].work_order.customer.name for number in sorted(ids) if number in visits)


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


def _change(
    entry: dict[str, Any], visit: Visit, parts: Parts, found: Mapping[str, Part | None]
) -> ProposedChange:
    name = f"v{visit.id}"
    part = found.get(name)
    return ProposedChange(
        visit=visit,
        old_technician_id=entry["from_technician_id"],
        old_starts_at=_instant(entry["from_starts_at"]),
        technician_id=entry["to_technician_id"],
        starts_at=_instant(entry["to_starts_at"]),
        kept=entry["promise_kept"],
        overtaken=name in parts.gone or (name in parts.moves and part is None),
        part=part,
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True)
class Column:
    """A plan among those that are compared; None is the day as it is."""

    proposal: Proposal | None
    kept: int
    driving: timedelta
    overtime: timedelta
    unassigned: int
    gap: timedelta
    moved: int = 0

    @property
    def goal(self) -> Goal | None:
        """What it cares for most."""
        return Goal(self.proposal.goal) if self.proposal else None


@dataclass(frozen=True)
class Comparison:
    """The day as it is and what could become of it, side by side."""

    promised: int
    columns: tuple[Column, ...]

    def best(self, figure: str) -> frozenset[int]:
        """The plans that are best in a figure, counted from 1; none where all are alike."""
        sign = -1 if figure == "kept" else 1
        values = {place: sign * getattr(column, figure) for place, column in enumerate(self.columns) if place}
        least = [place for place, value in values.items() if value == min(values.values())]
        return frozenset(least) if len(least) < len(values) else frozenset()


def comparison_of(session: Session, proposal_ids: Sequence[int]) -> Comparison:
    """The plans of one search that wait."""
    query = select(Proposal).where(Proposal.id.in_(proposal_ids)).order_by(Proposal.id)
    found = session.scalars(query).all()
    columns = (_column(None, found[0].summary, "before"), *(_column(one, one.summary) for one in found))
    return Comparison(int(found[0].summary["promised"]), columns)


def _column(proposal: Proposal | None, summary: Mapping[str, Any], when: str = "after") -> Column:
    def length(name: str) -> timedelta:
        return timedelta(seconds=int(summary.get(f"{name}_{when}_s", 0)))

    kept = summary["promises_kept"] if proposal else summary.get("promises_kept_before", 0)
    return Column(
        proposal=proposal,
        kept=int(kept),
        driving=length("driving"),
        overtime=length("overtime"),
        unassigned=int(summary[f"unassigned_{when}"]),
        gap=length("fairness"),
        moved=int(summary.get("moved", 0)) if proposal else 0,
    )
