"""Proposals: what a search found, kept until a dispatcher accepts it, all or in parts, or discards it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.geo.types import TravelTable
from fieldservice.models import Job, Plan, PlanChange, Proposal, Territory, Window
from fieldservice.planning.adoption import Adoption, store_changed
from fieldservice.planning.improve import Found
from fieldservice.planning.notices import tell_changed
from fieldservice.planning.parts import Part, Parts, merged, visits_in
from fieldservice.planning.problem import Day, StaleTravel, build
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import lock_territory
from fieldservice.planning.store import ensure_plan


class ProposalClosed(Exception):
    """The proposal was accepted or discarded before."""


def open_ones(plan_id: int) -> Select[Proposal]:
    """The proposals of a day that nobody has decided, in the order in which they were asked for."""
    return select(Proposal).where(Proposal.plan_id == plan_id, Proposal.state == "open").order_by(Proposal.id)


def store_proposal(
    session: Session,
    found: Found,
    *,
    job: Job,
    seconds: float,
    now: datetime,
    choices: Mapping[int, Sequence[Window]] | None = None,
) -> Proposal:
    """Keep a found plan for a dispatcher to decide; open proposals of other searches of the day are closed.

    `choices` are the windows that customers are offered whose visits the plan leaves out.
    """
    plan = ensure_plan(session, found.day.rows.territory, found.day.rows.on)
    for older in session.scalars(open_ones(plan.id).where(Proposal.job_id.is_distinct_from(job.id))):
        older.state, older.decided_at = "replaced", now
    proposal = Proposal(
        plan_id=plan.id,
        job_id=job.id,
        goal=found.aim.goal,
        state="open",
        based_on=found.based_on(),
        routes=found.orders(),
        summary={
            **found.summary(seconds=seconds),
            "causes": job.payload.get("causes", []),
            "choices": {
                str(key): [[window.starts_at.isoformat(), window.ends_at.isoformat()] for window in windows]
                for key, windows in (choices or {}).items()
            },
        },
        created_at=now,
    )
    session.add(proposal)
    session.flush()
    return proposal


class PartGone(Exception):
    """These changes can no longer be made together: somebody changed the day meanwhile."""


@dataclass(frozen=True)
class By:
    """Who decides, when, with which travel times, and how near a visit has to be to stay where it is."""

    tables: Mapping[date, TravelTable]
    now: datetime
    actor: str
    user_id: int | None
    freeze: timedelta = timedelta(0)


def accept_proposal(session: Session, proposal: Proposal, by: By) -> Adoption:
    """Adopt what still holds of a proposal, and tell the customers whom it concerns.

    Where somebody changed the day meanwhile, what still can be done is done where the plan gets better by it.
    Nothing that begins within `by.freeze` moves. Raises ProposalClosed, StaleTravel.
    """
    plan = _locked(session, proposal)
    day = _day(session, plan, by)
    parts = parts_of(day, proposal)
    made, left = parts.rest()
    left_out = visits_in(parts.visits_of(left))
    adoption = Adoption(None, frozenset(), left_out)
    if made:
        adoption = replace(_make(session, proposal, day, merged(made), by, whole=True), left_out=left_out)
    _close(session, proposal, "accepted", by.now, by.user_id)
    return adoption


def accept_part(session: Session, proposal: Proposal, names: Collection[str], by: By) -> Adoption:
    """Make some changes of a proposal, checked on the day as it is now; the others wait.

    What it was compared with is closed. Raises ProposalClosed, PartGone, StaleTravel.
    """
    plan = _locked(session, proposal)
    day = _day(session, plan, by)
    part = parts_of(day, proposal).together(names)
    if part is None:
        raise PartGone
    adoption = _make(session, proposal, day, part, by, whole=False)
    _decided(session, proposal, plan, by)
    return adoption


def skip_part(session: Session, proposal: Proposal, names: Collection[str], by: By) -> None:
    """Leave some changes of a proposal out; the others wait. Raises ProposalClosed, StaleTravel."""
    plan = _locked(session, proposal)
    day = _day(session, plan, by)
    wanted = frozenset(names) & parts_of(day, proposal).open
    skipped = sorted({*proposal.summary.get("skipped", ()), *wanted})
    proposal.summary = {**proposal.summary, "skipped": skipped}
    _decided(session, proposal, plan, by)


def parts_of(day: Day, proposal: Proposal) -> Parts:
    """What is left of a proposal on a day."""
    summary = proposal.summary
    was = {entry["visit_id"]: entry["from_technician_id"] for entry in summary["changes"]}
    versions = proposal.based_on["visits"]
    return Parts(day, proposal.routes, was, versions, skipped=summary.get("skipped", ()))


def routes_then(
    session: Session, day: Day, proposal_id: int, *, freeze: timedelta
) -> tuple[scheduler.Route, ...]:
    """The routes that would change if all that can still be made of a proposal were."""
    parts = parts_of(build(day.rows, day.table, freeze=freeze), session.get_one(Proposal, proposal_id))
    return merged(parts.rest()[0]).routes


def _locked(session: Session, proposal: Proposal) -> Plan:
    plan = session.get_one(Plan, proposal.plan_id)
    lock_territory(session, session.get_one(Territory, plan.territory_id))
    session.refresh(proposal)
    if proposal.state != "open":
        raise ProposalClosed
    return plan


def _day(session: Session, plan: Plan, by: By) -> Day:
    if plan.on not in by.tables:
        raise StaleTravel
    rows = load_day(session, session.get_one(Territory, plan.territory_id), plan.on, now=by.now)
    return build(rows, by.tables[plan.on], freeze=by.freeze)


def _make(session: Session, proposal: Proposal, day: Day, part: Part, by: By, *, whole: bool) -> Adoption:
    """Store changes of a proposal; what caused it comes back only when all of it is taken back."""
    plan = session.get_one(Plan, proposal.plan_id)
    adoption = store_changed(session, plan, day, part.routes, now=by.now, actor=by.actor)
    assert adoption.change is not None
    told = tell_changed(session, adoption.before, choices_in(proposal), now=by.now)
    causes = proposal.summary.get("causes", [])
    freed = {name: pin for cause in causes for name, pin in cause["pins"].items()}
    pins = freed if whole else {name: pin for name, pin in freed.items() if name in part.names}
    _explain(adoption.change, causes if whole else [], pins, told=len(told))
    return adoption


def _decided(session: Session, proposal: Proposal, plan: Plan, by: By) -> None:
    """Close what was decided in all its parts, and what it was compared with."""
    proposal.decisions += 1
    session.flush()
    if parts_of(_day(session, plan, by), proposal).open:
        _close_rivals(session, proposal, by.now)
    else:
        _close(session, proposal, "accepted", by.now, by.user_id)


def _close(session: Session, proposal: Proposal, state: str, now: datetime, user_id: int | None) -> None:
    proposal.state, proposal.decided_at, proposal.decided_by_id = state, now, user_id
    _close_rivals(session, proposal, now)


def _close_rivals(session: Session, proposal: Proposal, now: datetime) -> None:
    for rival in session.scalars(open_ones(proposal.plan_id).where(Proposal.id != proposal.id)):
        rival.state, rival.decided_at = "replaced", now


def _explain(
    change: PlanChange, causes: Sequence[dict[str, Any]], pins: Mapping[str, Any], *, told: int
) -> None:
    """Keep with a change what caused it, and the pins that were freed for it: they come back with it."""
    change.summary = {**change.summary, "causes": list(causes), "told": told}
    change.before = {**change.before, "pins": {**change.before["pins"], **pins}}
    change.after = {**change.after, "pins": {**change.after["pins"], **dict.fromkeys(pins)}}


def choices_in(proposal: Proposal) -> dict[int, tuple[Window, ...]]:
    """The windows that the customers of left-out visits are offered when the proposal is accepted."""
    stored = proposal.summary.get("choices", {})
    return {
        int(key): tuple(Window(*map(datetime.fromisoformat, each)) for each in windows)
        for key, windows in stored.items()
    }


def discard_proposal(session: Session, proposal: Proposal, *, now: datetime, user_id: int | None) -> None:
    """Close a proposal, and what it is compared with; nothing of them happens. Raises ProposalClosed."""
    _locked(session, proposal)
    _close(session, proposal, "discarded", now, user_id)
