"""Optimisation runs: ask for one, see how far it is, accept what it found, stop it. And messages."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.api import edge
from fieldservice.api.edge import Tables, bp, found
from fieldservice.api.problems import Refused
from fieldservice.api.schemas import (
    AcceptSchema,
    AdoptedSchema,
    AskedRunSchema,
    MessagePage,
    MessageQuery,
    NothingSchema,
    RunSchema,
)
from fieldservice.api.tokens import Scope
from fieldservice.models import Job, OutboxMessage, Plan, Proposal, Territory
from fieldservice.planning import improve, jobs, proposals
from fieldservice.planning.rows import plan_of

_KINDS = (improve.PROPOSE, improve.AHEAD)


@bp.operation("POST", "/optimisations", Scope.PLANS_WRITE, RunSchema, status=202, body=AskedRunSchema)
def start_run(asked: dict[str, Any]) -> Response:
    """Ask for a better plan of a day; a search that already runs for it is not started twice."""

    def work(session: Session) -> Response:
        territory = session.get(Territory, asked["territory"])
        plan = plan_of(session, territory, asked["day"]) if territory is not None else None
        if plan is None:
            raise Refused(
                422, "nothing_planned", "There is nothing to plan anew on this day of the territory."
            )
        wanted = improve.Asked((asked["goal"],))
        job = improve.request_proposal(
            session, plan, now=clock.now(), actor=edge.caller().actor, asked=wanted
        )
        location = url_for("api.run", run_id=job.id)
        return edge.answer(RunSchema, _run(session, job), status=202, location=location)

    return edge.once(work)


@bp.operation("GET", "/optimisations/<int:run_id>", Scope.PLANS_READ, RunSchema)
def run(run_id: int) -> dict[str, Any]:
    """How far a search is, and the plans that it found."""
    with web.services().db.reading() as session:
        return _run(session, _job(session, run_id))


def _job(session: Session, run_id: int) -> Job:
    job = found(session.get(Job, run_id))
    return found(job if job.kind in _KINDS else None)


def _run(session: Session, job: Job) -> dict[str, Any]:
    plan = session.get_one(Plan, job.payload["plan_id"])
    made = session.scalars(select(Proposal).where(Proposal.job_id == job.id).order_by(Proposal.id))
    return {
        "id": job.id,
        "territory": plan.territory_id,
        "day": plan.on,
        "state": job.state,
        "progress": job.progress or {},
        "proposals": [_proposal(each) for each in made],
        "created_at": job.created_at,
        "finished_at": job.finished_at,
    }


def _proposal(proposal: Proposal) -> dict[str, Any]:
    summary = proposal.summary
    names = ("driving_before_s", "driving_after_s", "unassigned_before", "unassigned_after")
    return {
        "id": proposal.id,
        "goal": proposal.goal,
        "state": proposal.state,
        "visits_changed": len(summary.get("changes", ())),
        **{name: summary.get(name, 0) for name in names},
    }


@bp.operation(
    "POST", "/optimisations/<int:run_id>/accept", Scope.PLANS_WRITE, AdoptedSchema, body=AcceptSchema
)
def accept_run(asked: dict[str, Any], run_id: int) -> Response:
    """Adopt what still holds of a plan that the search found; its customers are told."""
    with web.services().db.reading() as session:
        job = _job(session, run_id)
        plan = session.get_one(Plan, job.payload["plan_id"])

    def work(session: Session, tables: Tables) -> Response:
        proposal = session.get(Proposal, asked["proposal"])
        if proposal is None or proposal.job_id != run_id:
            raise Refused(422, "invalid", "See errors.", {"proposal": ["Not a plan of this run."]})
        freeze = web.services().settings.freeze
        by = proposals.By(tables, clock.now(), edge.caller().actor, None, freeze)
        done = proposals.accept_proposal(session, proposal, by)
        edge.audit(session, "accepted", "proposal", proposal.id)
        content = {"adopted": sorted(done.adopted), "left_out": sorted(done.left_out)}
        return edge.answer(AdoptedSchema, content)

    return edge.once_with_tables(plan.territory_id, [plan.on], [], work)


@bp.operation("POST", "/optimisations/<int:run_id>/cancel", Scope.PLANS_WRITE, RunSchema, body=NothingSchema)
def cancel_run(_asked: dict[str, Any], run_id: int) -> Response:
    """Stop a search; nothing changes. One that has ended stays as it is."""

    def work(session: Session) -> Response:
        job = _job(session, run_id)
        jobs.cancel_job(session, job, now=clock.now())
        return edge.answer(RunSchema, _run(session, job))

    return edge.once(work)


@bp.operation("GET", "/messages", Scope.MESSAGES_READ, MessagePage, query=MessageQuery)
def messages(query: dict[str, Any]) -> dict[str, Any]:
    """What was or will be sent to customers, without its words."""
    wanted = select(OutboxMessage)
    if "visit" in query:
        wanted = wanted.where(OutboxMessage.visit_id == query["visit"])
    if "state" in query:
        wanted = wanted.where(OutboxMessage.state == query["state"])
    with web.services().db.reading() as session:
        page = edge.page(session, wanted, OutboxMessage.id, query)
        return {**page, "items": [_message(row) for row in page["items"]]}


def _message(row: OutboxMessage) -> dict[str, Any]:
    return {
        "id": row.id,
        "visit": row.visit_id,
        "kind": row.kind,
        "channel": row.channel,
        "recipient": row.recipient,
        "state": row.state,
        "due_at": row.due_at,
        "sent_at": row.sent_at,
    }
