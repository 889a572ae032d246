"""Service plans for the office: list, begin, change one date, those that follow or all, renew, end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, plan_words, web
from fieldservice.dispatch import edge, plan_list
from fieldservice.dispatch.edge import staff
from fieldservice.dispatch.plan_forms import (
    ChangeForm,
    EndForm,
    LaterForm,
    NewPlanForm,
    RenewForm,
    SkipForm,
)
from fieldservice.models import AuditEntry, Occurrence, Service, ServicePlan, Site, Territory
from fieldservice.planning import service_plans
from fieldservice.typed import tidy

bp = Blueprint("plans", __name__)

_LONGEST_SEARCH = 120

type Change = Callable[[Session, ServicePlan], None]


@bp.get("/plans")
@staff
def show() -> ResponseReturnValue:
    """The plans, what is due next first."""
    now, text, ended = clock.now(), _search(), request.args.get("ended") == "yes"
    with web.services().db.reading() as session:
        rows = plan_list.plans(session, text, ended=ended, now=now)
        return render_template("board/plans.html", rows=rows, text=text, ended=ended, most=plan_list.AT_MOST)


def _search() -> str:
    return tidy(request.args.get("q", "")).replace("\x00", "")[:_LONGEST_SEARCH]


# ---------- Begin one ----------


@bp.get("/plans/new")
@staff
def new() -> ResponseReturnValue:
    """Find the site, then agree on the terms."""
    with web.services().db.reading() as session:
        site_id = web.row_of(request.args.get("site", ""))
        if site_id:
            return _new_page(session, _site(session, site_id))
        text = _search()
        found = plan_list.sites(session, text) if text else []
        return render_template("board/plan_site.html", text=text, sites=found)


@bp.post("/plans/new")
@staff
def begin() -> ResponseReturnValue:
    """Make the plan and its dates."""
    now = clock.now()
    with web.services().db.reading() as session:
        site = _site(session, web.row_of(request.form.get("site", "")) or 0)
        form = _new_form(session, site)
        today = session.get_one(Territory, site.territory_id).local_day(now)
        valid = form.validate()
        if valid and form.first_on.data < today:
            form.first_on.errors = [_("Choose today or a later day")]
        if not valid or form.first_on.errors:
            return _new_page(session, site, form), 422

    def work(session: Session) -> ResponseReturnValue:
        plan = service_plans.start(
            session,
            form.terms,
            form.likes,
            site=_site(session, site.id),
            service=session.get_one(Service, int(form.service.data)),
            now=now,
        )
        _audit(session, plan, "began", now)
        flash(_("The service plan has begun."))
        return redirect(url(".plan", plan_id=plan.id), 303)

    return edge.once(work)


def _site(session: Session, site_id: int) -> Site:
    site = session.get(Site, site_id)
    if site is None or site.territory_id is None or not site.located:
        abort(404)
    return site


def _new_form(session: Session, site: Site, **start: Any) -> NewPlanForm:
    technicians = plan_list.technicians(session, site.territory_id)
    return NewPlanForm(services=plan_list.services(session), technicians=technicians, **start)


def _new_page(session: Session, site: Site, form: NewPlanForm | None = None) -> str:
    usual = {"every": 1, "unit": "years", "skip_holidays": True, "period_days": 14, "lead_days": 7}
    form = form or _new_form(session, site, formdata=None, data=usual)
    return render_template("board/plan_new.html", site=site, form=form)


# ---------- One plan ----------


@bp.get("/plans/<int:plan_id>")
@staff
def plan(plan_id: int) -> ResponseReturnValue:
    """What is agreed on, and its dates."""
    now = clock.now()
    with web.services().db.reading() as session:
        found = _plan(session, plan_id)
        return render_template(
            "board/plan.html",
            plan=found,
            dates=plan_list.dates(found, now=now),
            renewable=service_plans.may_renew(found, now=now),
            untold=found.told_at is None and service_plans.may_renew(found, now=now),
        )


@bp.route("/plans/<int:plan_id>/change", methods=["GET", "POST"])
@staff
def change(plan_id: int) -> ResponseReturnValue:
    """The terms; `from` is the occurrence from which on others shall hold, without it they do for all.

    A POST shows what a change does; with `step` apply it does it.
    """
    return _change(plan_id) if request.method == "POST" else _edit(plan_id)


def _edit(plan_id: int) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        found = _plan(session, plan_id, running=True)
        known = ChangeForm.known(found) | {"version": found.version}
        start = _start(session, found)
        if start is not None:
            known["first_on"] = start.due_on
        return _change_page(found, start, _change_form(session, found, formdata=None, data=known))


def _change(plan_id: int) -> ResponseReturnValue:
    now = clock.now()
    with web.services().db.reading() as session:
        found = _plan(session, plan_id, running=True)
        form, start = _change_form(session, found), _start(session, found)
        if not form.validate():
            return _change_page(found, start, form), 422
        from_on = service_plans.following(found, start, now=now)
        if request.form.get("step") != "apply":
            preview = service_plans.preview(found, form.terms, from_on, now=now)
            return _change_page(found, start, form, preview)

    def work(session: Session, locked: ServicePlan) -> None:
        if locked.version != form.version.data:
            raise service_plans.NotPossible
        service_plans.prefer(locked, form.likes)
        service_plans.change(session, locked, form.terms, from_on, now=now)

    return _do(plan_id, "changed", work, now, said=_("The plan was changed."))


def _start(session: Session, plan: ServicePlan) -> Occurrence | None:
    """The occurrence from which on a change holds; 404 for one of another plan."""
    wanted = web.row_of(request.args.get("from", ""))
    if wanted is None:
        return None
    found = session.get(Occurrence, wanted)
    if found is None or found.plan_id != plan.id:
        abort(404)
    return found


def _change_form(session: Session, plan: ServicePlan, **start: Any) -> ChangeForm:
    technicians = plan_list.technicians(session, plan.territory_id)
    return ChangeForm(service=plan.work_order.service, technicians=technicians, **start)


def _change_page(
    plan: ServicePlan,
    start: Occurrence | None,
    form: ChangeForm,
    preview: service_plans.Preview | None = None,
) -> str:
    return render_template("board/plan_change.html", plan=plan, start=start, form=form, preview=preview)


@bp.route("/plans/<int:plan_id>/end", methods=["GET", "POST"])
@staff
def end(plan_id: int) -> ResponseReturnValue:
    """Really? Then end the plan."""
    now, form = clock.now(), EndForm()
    if request.method != "POST":
        with web.services().db.reading() as session:
            return _end_page(_plan(session, plan_id, running=True), EndForm(formdata=None))
    if not form.validate():
        with web.services().db.reading() as session:
            return _end_page(_plan(session, plan_id, running=True), form), 422

    def work(_session: Session, locked: ServicePlan) -> None:
        service_plans.end(locked, reason=form.reason.data, now=now, actor=auth.actor().label)

    return _do(plan_id, "ended", work, now, said=_("The plan has ended."))


def _end_page(plan: ServicePlan, form: EndForm) -> str:
    now = clock.now()
    booked = [words for each in plan_list.dates(plan, now=now) if (words := plan_words.booked_words(each))]
    return render_template("board/plan_end.html", plan=plan, form=form, booked=booked)


@bp.post("/plans/<int:plan_id>/renew")
@staff
def renew(plan_id: int) -> ResponseReturnValue:
    """Agree on another term, for a customer who said so."""
    now, form = clock.now(), RenewForm()
    if not form.validate():
        abort(422)

    def work(_session: Session, locked: ServicePlan) -> None:
        service_plans.renew(locked, ends_on=form.ends_on.data, now=now)

    return _do(plan_id, "renewed", work, now, said=_("Another term was agreed on."))


# ---------- One date ----------


@bp.get("/occurrences/<int:occurrence_id>")
@staff
def one(occurrence_id: int) -> ResponseReturnValue:
    """This one, or this one and those that follow."""
    with web.services().db.reading() as session:
        forms = LaterForm(formdata=None), SkipForm(formdata=None)
        return _one_page(_occurrence(session, occurrence_id), *forms)


@bp.post("/occurrences/<int:occurrence_id>/move")
@staff
def move(occurrence_id: int) -> ResponseReturnValue:
    """Let this one be due on another day."""
    now, form = clock.now(), LaterForm()

    def work(occurrence: Occurrence) -> None:
        service_plans.move(occurrence, form.day.data, now=now, actor=auth.actor().label)

    try:
        if form.validate():
            return _do_one(occurrence_id, "moved", work, now, said=_("Moved."))
    except service_plans.BadDay as error:
        form.day.errors = [_days_words(error.first, error.last)]
    with web.services().db.reading() as session:
        return _one_page(_occurrence(session, occurrence_id), form, SkipForm(formdata=None)), 422


@bp.post("/occurrences/<int:occurrence_id>/skip")
@staff
def skip(occurrence_id: int) -> ResponseReturnValue:
    """Leave this one out."""
    now, form = clock.now(), SkipForm()
    if not form.validate():
        with web.services().db.reading() as session:
            return _one_page(_occurrence(session, occurrence_id), LaterForm(formdata=None), form), 422

    def work(occurrence: Occurrence) -> None:
        service_plans.skip(occurrence, reason=form.reason.data, now=now, actor=auth.actor().label)

    return _do_one(occurrence_id, "skipped", work, now, said=_("Skipped."))


def _one_page(occurrence: Occurrence, later: LaterForm, skipping: SkipForm) -> str:
    if not occurrence.open or occurrence.plan.ended_at is not None:
        raise service_plans.NotPossible
    first, last = service_plans.bounds(occurrence, now=clock.now())
    return render_template(
        "board/plan_one.html",
        occurrence=occurrence,
        plan=occurrence.plan,
        later=later,
        skipping=skipping,
        form=later if later.errors else skipping,
        first=first,
        last=last,
    )


def _days_words(first: date, last: date) -> str:
    days = {"first": web.day_words(first, year=True), "last": web.day_words(last, year=True)}
    return str(_("Choose a day from %(first)s to %(last)s", **days))


# ---------- What they share ----------


def _plan(session: Session, plan_id: int, *, running: bool = False) -> ServicePlan:
    found = session.get(ServicePlan, plan_id) or abort(404)
    if running and found.ended_at is not None:
        raise service_plans.NotPossible
    return found


def _occurrence(session: Session, occurrence_id: int) -> Occurrence:
    return session.get(Occurrence, occurrence_id) or abort(404)


def _do(plan_id: int, action: str, work: Change, now: datetime, *, said: str) -> ResponseReturnValue:
    """Change the locked plan, note who did, and lead back to it."""

    def locked(session: Session) -> ResponseReturnValue:
        found = _plan(session, plan_id)
        service_plans.lock(session, found)
        work(session, found)
        _audit(session, found, action, now)
        flash(said)
        return redirect(url(".plan", plan_id=plan_id), 303)

    return edge.once(locked)


def _do_one(
    occurrence_id: int, action: str, work: Callable[[Occurrence], None], now: datetime, *, said: str
) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        plan_id = _occurrence(session, occurrence_id).plan_id

    def change_it(_session: Session, plan: ServicePlan) -> None:
        found = next((each for each in plan.occurrences if each.id == occurrence_id), None)
        if found is None:
            raise service_plans.NotPossible
        work(found)

    return _do(plan_id, action, change_it, now, said=said)


def _audit(session: Session, plan: ServicePlan, action: str, now: datetime) -> None:
    session.add(
        AuditEntry(
            at=now,
            actor=auth.actor().label,
            action=f"plan {action}",
            subject_kind="service_plan",
            subject_id=plan.id,
            detail={},
        )
    )


@bp.context_processor
def _words() -> dict[str, Any]:
    return {
        "rule_words": plan_words.rule_words,
        "period_words": plan_words.period_words,
        "booked_words": plan_words.booked_words,
        "occurrence_tag": plan_words.state_tag,
        "renewal_words": plan_words.renewal_words,
        "likes_words": plan_words.likes_words,
    }


@bp.errorhandler(service_plans.NotPossible)
def _overtaken(_error: Exception) -> ResponseReturnValue:
    return render_template("board/plan_overtaken.html"), 409
