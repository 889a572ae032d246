"""A customer's service plan behind the private link of one of its visits. A GET changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from fieldservice import clock, plan_words, web
from fieldservice.auth import limits, links
from fieldservice.booking import manage, plan_pages, refusals
from fieldservice.booking.pages import gettext
from fieldservice.booking.plan_forms import EndPlanForm, LaterForm, PreferencesForm, RenewForm, SkipForm
from fieldservice.booking.service import CUSTOMER
from fieldservice.models import Occurrence, ServicePlan, Technician, Visit
from fieldservice.planning import service as planning
from fieldservice.planning import service_plans

bp = Blueprint("plan", __name__)

type Change = Callable[[Session, ServicePlan, Visit], None]


@bp.get("/visit/<token>/plan")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """What comes when, preferences, the end of the term."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        plan = _plan_of(visit)
        form = PreferencesForm(formdata=None, data=PreferencesForm.known(plan))
        return _page(session, visit, plan, token, form, now)


@bp.post("/visit/<token>/plan")
@limits.FORM
def prefer(token: str) -> ResponseReturnValue:
    """Keep what the customer prefers."""
    now, form = clock.now(), PreferencesForm()
    if not form.validate():
        with web.services().db.reading() as session:
            visit = links.find_visit(session, token, now=now)
            return _page(session, visit, _plan_of(visit), token, form, now), 422

    def work(session: Session, plan: ServicePlan, visit: Visit) -> None:
        known = _known(session, visit, plan)
        service_plans.prefer(plan, form.likes(known.id if known else None))

    return _change(token, work, now, said="preferences")


@bp.get("/visit/<token>/plan/<int:occurrence_id>")
@limits.LOOKUP
def one(token: str, occurrence_id: int) -> ResponseReturnValue:
    """One date: skip it or move it."""
    with web.services().db.reading() as session:
        forms = SkipForm(formdata=None), LaterForm(formdata=None)
        return _one_page(session, token, occurrence_id, *forms, now=clock.now())


@bp.post("/visit/<token>/plan/<int:occurrence_id>/skip")
@limits.FORM
def skip(token: str, occurrence_id: int) -> ResponseReturnValue:
    """Leave one out."""
    now, form = clock.now(), SkipForm()
    if not form.validate():
        with web.services().db.reading() as session:
            return _one_page(session, token, occurrence_id, form, LaterForm(formdata=None), now=now), 422

    def work(_session: Session, plan: ServicePlan, _visit: Visit) -> None:
        occurrence = _occurrence(plan, occurrence_id)
        service_plans.skip(occurrence, reason=form.reason.data, now=now, actor=CUSTOMER)

    return _change(token, work, now, said="skipped")


@bp.post("/visit/<token>/plan/<int:occurrence_id>/move")
@limits.FORM
def move(token: str, occurrence_id: int) -> ResponseReturnValue:
    """Let one be due on another day."""
    now, form = clock.now(), LaterForm()

    def work(_session: Session, plan: ServicePlan, _visit: Visit) -> None:
        service_plans.move(_occurrence(plan, occurrence_id), form.day.data, now=now, actor=CUSTOMER)

    try:
        if form.validate():
            return _change(token, work, now, said="moved")
    except service_plans.BadDay as error:
        form.day.errors = [plan_pages.bad_day_words(error)]
    with web.services().db.reading() as session:
        return _one_page(session, token, occurrence_id, SkipForm(formdata=None), form, now=now), 422


@bp.get("/visit/<token>/plan/end")
@limits.LOOKUP
def confirm_end(token: str) -> ResponseReturnValue:
    """Really?"""
    with web.services().db.reading() as session:
        return _end_page(session, token, EndPlanForm(formdata=None))


@bp.post("/visit/<token>/plan/end")
@limits.FORM
def end(token: str) -> ResponseReturnValue:
    """End the plan; what is booked stays booked."""
    now, form = clock.now(), EndPlanForm()
    if not form.validate():
        with web.services().db.reading() as session:
            return _end_page(session, token, form), 422

    def work(_session: Session, plan: ServicePlan, _visit: Visit) -> None:
        service_plans.end(plan, reason=form.reason.data, now=now, actor=CUSTOMER)

    return _change(token, work, now, said="ended")


@bp.post("/visit/<token>/plan/renew")
@limits.FORM
def renew(token: str) -> ResponseReturnValue:
    """Agree on another term."""
    now, form = clock.now(), RenewForm()
    ends_on = web.day_of(form.ends_on.data or "") if form.validate() else None

    def work(_session: Session, plan: ServicePlan, _visit: Visit) -> None:
        if ends_on is None or not service_plans.may_renew(plan, now=now):
            raise service_plans.NotPossible
        service_plans.renew(plan, ends_on=ends_on, now=now)

    return _change(token, work, now, said="renewed")


def _change(token: str, work: Change, now: datetime, *, said: str) -> ResponseReturnValue:
    """Change the locked plan and lead back to its page, which says what was done."""

    def locked(session: Session) -> ResponseReturnValue:
        visit = links.find_visit(session, token, now=now)
        plan = _plan_of(visit)
        service_plans.lock(session, plan)
        work(session, plan, visit)
        return redirect(url_for("booking.visit.plan.show", token=token, changed=said), 303)

    return web.once(locked, now=now, scope=token)


def _plan_of(visit: Visit) -> ServicePlan:
    plan = visit.work_order.service_plan
    if plan is None:
        raise NotFound
    return plan


def _occurrence(plan: ServicePlan, occurrence_id: int) -> Occurrence:
    """One of this very plan."""
    found = next((each for each in plan.occurrences if each.id == occurrence_id), None)
    if found is None:
        raise NotFound
    return found


def _known(session: Session, visit: Visit, plan: ServicePlan) -> Technician | None:
    """Who came before or is preferred already, as far as they can still come."""
    ask = planning.ask_of(visit)
    came = manage.known_technician_id(visit)
    wanted = plan.preferred_technician_id if plan.preferred_technician_id is not None else came
    return manage.available(session, wanted, ask) if ask is not None else None


def _page(
    session: Session, visit: Visit, plan: ServicePlan, token: str, form: FlaskForm, now: datetime
) -> str:
    known = _known(session, visit, plan)
    return render_template(
        "booking/plan.html",
        visit=visit,
        token=token,
        form=form,
        page=plan_pages.plan_page(plan, visit, technician=known.name if known else "", now=now),
        changed=_changed_words(request.args.get("changed", "")),
    )


def _changed_words(what: str) -> str:
    return {
        "preferences": gettext("Saved. Your next invitations follow it."),
        "skipped": gettext("Skipped. We come again the next time."),
        "moved": gettext("Moved. We write to you when it is due."),
        "ended": gettext("Your service plan has ended. What is booked stays booked."),
        "renewed": gettext("Thank you. Your service plan goes on."),
    }.get(what, "")


def _one_page(
    session: Session, token: str, occurrence_id: int, form: FlaskForm, later: LaterForm, *, now: datetime
) -> str:
    plan = _plan_of(links.find_visit(session, token, now=now))
    occurrence = _occurrence(plan, occurrence_id)
    if not occurrence.open or plan.ended_at is not None:
        raise service_plans.NotPossible
    first, last = service_plans.bounds(occurrence, now=now)
    return render_template(
        "booking/plan_one.html",
        token=token,
        plan=plan,
        occurrence_id=occurrence_id,
        period=plan_words.period_words(occurrence),
        form=later if later.errors else form,
        skip_form=form,
        later=later,
        first=first,
        last=last,
    )


def _end_page(session: Session, token: str, form: EndPlanForm) -> str:
    now = clock.now()
    plan = _plan_of(links.find_visit(session, token, now=now))
    if plan.ended_at is not None:
        raise service_plans.NotPossible
    booked = [words for each in plan_pages.coming(plan, now) if (words := plan_words.booked_words(each))]
    return render_template("booking/plan_end.html", token=token, plan=plan, form=form, booked=booked)


@bp.errorhandler(service_plans.NotPossible)
def _not_possible(_: service_plans.NotPossible) -> ResponseReturnValue:
    return refusals.refused(gettext("This was decided already, or your service plan has ended."))
