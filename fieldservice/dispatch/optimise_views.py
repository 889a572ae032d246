"""Better plans: what shall be planned anew, how far the planner is, and what becomes of its proposals."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from fieldservice import auth, clock, web
from fieldservice.dispatch import ahead, edge, pages
from fieldservice.dispatch.day import board_of
from fieldservice.dispatch.edge import Tables, staff
from fieldservice.dispatch.forms import BoardForm
from fieldservice.dispatch.optimise_forms import OptimiseForm, PartForm, What
from fieldservice.models import Job, Plan, Proposal, Territory, Visit
from fieldservice.planning import improve, jobs, proposals
from fieldservice.planning.adoption import Adoption
from fieldservice.planning.rows import plan_of

bp = Blueprint("optimise", __name__)

UNDO = "undo"  # the category of messages beside which the change can be undone


# ---------- Ask for plans ----------


@bp.get("/<day:on>/optimise")
@staff
def choose(on: date) -> ResponseReturnValue:
    """What shall be planned anew and what counts most; the address may fill the form."""
    given = MultiDict(request.args)
    given.setlist("visits", [number for text in given.getlist("visits") for number in text.split(",")])
    given.setdefault("what", What.SELECTED if request.args.get("visits") else What.DAY)
    return _choose(on, OptimiseForm(formdata=given, meta={"csrf": False}))


@bp.post("/<day:on>/optimise")
@staff
def ask(on: date) -> ResponseReturnValue:
    """Ask for better plans; the board shows them when they are there."""
    form = OptimiseForm()
    if not form.validate():
        return abort(422) if form.idempotency_key.errors else (_choose(on, form), 422)
    return edge.once(lambda session: _ask(session, form, on))


def _choose(on: date, form: OptimiseForm) -> str:
    with web.services().db.reading() as session:
        board = board_of(session, edge.day_of(session, edge.territory_of(session), on))
        return render_template("board/optimise.html", form=form, board=board, **pages.frame(board.day))


def _ask(session: Session, form: OptimiseForm, on: date) -> ResponseReturnValue:
    territory, now = edge.territory_of(session), clock.now()
    days = form.days(territory, on, territory.local_day(now))
    plans = [plan for day in days if (plan := plan_of(session, territory, day)) is not None]
    for plan in plans:
        improve.request_proposal(session, plan, now=now, actor=auth.actor().label, asked=form.asked)
    if form.what.data == What.FORTNIGHT:
        return redirect(url("dispatch.optimise.days_ahead"), 303)
    if not plans:
        flash(_("There is nothing to optimize on this day yet."))
    return redirect(url("dispatch.day", on=days[0]), 303)


@bp.post("/jobs/<int:job_id>/cancel")
@staff
def cancel(job_id: int) -> ResponseReturnValue:
    """Stop a search; nothing changes."""
    _require_form()

    def work(session: Session) -> ResponseReturnValue:
        job = session.get(Job, job_id) or abort(404)
        jobs.cancel_job(session, job, now=clock.now())
        flash(_("The search was stopped. Nothing changed."))
        return redirect(url("dispatch.day", on=session.get_one(Plan, job.payload["plan_id"]).on), 303)

    return edge.once(work)


@bp.post("/jobs/<int:job_id>/enough")
@staff
def enough(job_id: int) -> ResponseReturnValue:
    """Stop a search and propose what it has found so far."""
    _require_form()

    def work(session: Session) -> ResponseReturnValue:
        job = session.get(Job, job_id) or abort(404)
        if jobs.use_best(session, job):
            flash(_("The best plan so far is on its way."))
        return redirect(url("dispatch.day", on=session.get_one(Plan, job.payload["plan_id"]).on), 303)

    return edge.once(work)


# ---------- Decide ----------


@bp.post("/proposals/<int:proposal_id>/accept")
@staff
def accept(proposal_id: int) -> ResponseReturnValue:
    """Adopt what still holds of a proposal."""
    _require_form()
    plan = _plan_of(proposal_id)

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        proposal = session.get_one(Proposal, proposal_id)
        _tell_adopted(session, proposals.accept_proposal(session, proposal, _by(tables)))
        return redirect(url("dispatch.day", on=plan.on), 303)

    return edge.with_tables(plan.territory_id, [plan.on], work)


@bp.post("/proposals/<int:proposal_id>/part")
@staff
def part(proposal_id: int) -> ResponseReturnValue:
    """Accept some changes of a proposal, or leave them out; the rest is worked out anew."""
    form = PartForm()
    if not form.validate():
        abort(422)
    plan = _plan_of(proposal_id)

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        proposal = session.get_one(Proposal, proposal_id)
        if form.decision.data == "skip":
            proposals.skip_part(session, proposal, form.names, _by(tables))
        else:
            _tell_adopted(session, proposals.accept_part(session, proposal, form.names, _by(tables)))
        shown = proposal_id if proposal.state == "open" else None
        return redirect(url("dispatch.day", on=plan.on, proposal=shown, _anchor="inspector"), 303)

    return edge.with_tables(plan.territory_id, [plan.on], work)


@bp.post("/proposals/<int:proposal_id>/discard")
@staff
def discard(proposal_id: int) -> ResponseReturnValue:
    """Close a proposal without doing anything of it."""
    _require_form()

    def work(session: Session) -> ResponseReturnValue:
        proposal = session.get(Proposal, proposal_id) or abort(404)
        proposals.discard_proposal(session, proposal, now=clock.now(), user_id=auth.actor().id)
        flash(_("Discarded. Nothing changed."))
        return redirect(url("dispatch.day", on=proposal.plan.on), 303)

    return edge.once(work)


def _plan_of(proposal_id: int) -> Plan:
    with web.services().db.reading() as session:
        return (session.get(Proposal, proposal_id) or abort(404)).plan


def _by(tables: Tables) -> proposals.By:
    freeze = web.services().settings.freeze
    return proposals.By(tables, clock.now(), auth.actor().label, auth.actor().id, freeze)


def _tell_adopted(session: Session, adoption: Adoption) -> None:
    if adoption.change is not None:
        flash(ngettext("%(num)d visit changed.", "%(num)d visits changed.", len(adoption.adopted)), UNDO)
        if told := adoption.change.summary.get("told"):
            flash(ngettext("%(num)d customer is told.", "%(num)d customers are told.", told))
    if adoption.left_out:
        visits = session.scalars(select(Visit).where(Visit.id.in_(adoption.left_out)).order_by(Visit.id))
        names = ", ".join(visit.work_order.customer.name for visit in visits)
        flash(_("Left out, because somebody changed their routes meanwhile: %(names)s.", names=names))


# ---------- The next two weeks ----------


@bp.get("/ahead")
@staff
def days_ahead() -> ResponseReturnValue:
    """The plans of the next two weeks: looked for, found, or nothing to do."""
    with web.services().db.reading() as session:
        territory = edge.territory_of(session)
        days = ahead.days_of(session, territory, now=clock.now())
        return render_template("board/ahead.html", territory=territory, days=days)


@bp.post("/ahead/accept")
@staff
def accept_ahead() -> ResponseReturnValue:
    """Adopt what still holds of the plans of all days, in one transaction."""
    _require_form()
    with web.services().db.reading() as session:
        territory = edge.territory_of(session)
        days = [day.on for day in _ready(session, territory)]

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        for day in _ready(session, session.get_one(Territory, territory.id)):
            if day.proposal is not None and day.on in tables:  # another may be ready by now
                _tell_adopted(session, proposals.accept_proposal(session, day.proposal, _by(tables)))
        return redirect(url("dispatch.optimise.days_ahead"), 303)

    return edge.with_tables(territory.id, days, work)


@bp.post("/ahead/discard")
@staff
def discard_ahead() -> ResponseReturnValue:
    """Stop the searches and close the plans of all days; nothing changes."""
    _require_form()

    def work(session: Session) -> ResponseReturnValue:
        ahead.discard(session, edge.territory_of(session), now=clock.now(), user_id=auth.actor().id)
        flash(_("Discarded. Nothing changed."))
        return redirect(url("dispatch.optimise.days_ahead"), 303)

    return edge.once(work)


def _ready(session: Session, territory: Territory) -> list[ahead.DayAhead]:
    return [day for day in ahead.days_of(session, territory, now=clock.now()) if day.proposal]


def _require_form() -> None:
    """Refuse a POST without the fields that every change carries."""
    if not BoardForm().validate():
        abort(422)
