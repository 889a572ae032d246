"""A customer's private pages of one visit: see it, pick another window, cancel. A GET changes nothing."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, language, web
from fieldservice.attachments.report import has_report
from fieldservice.auth import limits, links
from fieldservice.booking import (
    again,
    approval_pages,
    choice_views,
    details,
    edge,
    guard,
    manage,
    more_views,
    pages,
    photo_views,
    picking,
    plan_pages,
    plan_views,
    talk_pages,
    terms_pages,
    time_pages,
    together_pages,
    waiting,
    waiting_views,
)
from fieldservice.booking.edge import Tables
from fieldservice.booking.forms import CancelForm, TimeForm
from fieldservice.booking.offer import Offer
from fieldservice.booking.picking import Picker
from fieldservice.models import CustomerKind, Role, Visit, Window
from fieldservice.models.facts import facts_of
from fieldservice.models.visit import ENDED, PLANNABLE
from fieldservice.notify.calendar import calendar_file
from fieldservice.planning import service as planning
from fieldservice.planning.repair import Room

bp = Blueprint("visit", __name__)
bp.register_blueprint(more_views.visit_bp)
bp.register_blueprint(waiting_views.visit_bp)
bp.register_blueprint(choice_views.bp)
bp.register_blueprint(photo_views.visit_bp)
bp.register_blueprint(plan_views.bp)


@bp.get("/visit/<token>")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """How the visit stands and what can be done about it."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        return _visit_page(visit, token, now, "booking/visit.html", **_around(session, visit, now))


@bp.post("/visit/<token>/again")
@limits.FORM
def book_again(token: str) -> ResponseReturnValue:
    """A new booking with what is known from this one."""
    now = clock.now()

    def work(session: Session) -> ResponseReturnValue:
        visit = links.find_visit(session, token, now=now)
        draft = again.begin(session, visit, now=now, network=guard.network())
        # the draft has no customer yet whose language its pages could know
        spoken = language.current()
        return redirect(url_for("booking.change_problem", token=draft.token, lang=spoken), 303)

    return web.once(work, now=now, scope=token)


@bp.get("/visit/<token>/booked")
@limits.LOOKUP
def booked(token: str) -> ResponseReturnValue:
    """The confirmation: reference, window, what happens next."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        return _visit_page(visit, token, now, "booking/booked.html", **_around(session, visit, now))


@bp.get("/visit/<token>/calendar.ics")
@limits.LOOKUP
def calendar(token: str) -> ResponseReturnValue:
    """The visit as a calendar file."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        if visit.window is None:
            raise manage.NotOpen(visit)
        settings = web.services().settings
        link = f"{settings.public_url.rstrip('/')}{url_for('.show', token=token, lang=None)}"
        content = calendar_file(facts_of(visit, settings, link=link), written_at=now)
    headers = {"Content-Disposition": f'attachment; filename="{visit.reference}.ics"'}
    return Response(content, content_type="text/calendar; charset=utf-8", headers=headers)


@bp.get("/visit/<token>/time")
@limits.LOOKUP
def time(token: str) -> ResponseReturnValue:
    """Other windows; the present one is marked."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        manage.require_changeable(visit, now=now)
        picker = picking.of_visit(session, visit, token)
        return _time_page(session, visit, picker, TimeForm(), _offer(session, picker, now), now)


@bp.get("/visit/<token>/windows")
@limits.LOOKUP
def windows(token: str) -> ResponseReturnValue:
    """The list of days and windows alone."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        manage.require_changeable(visit, now=now)
        picker = picking.of_visit(session, visit, token)
        found = time_pages.parts(session, picker, TimeForm(), _offer(session, picker, now), now=now)
    return render_template("booking/_windows.html", **found)


@bp.post("/visit/<token>/time")
@limits.BOOKING
def reschedule(token: str) -> ResponseReturnValue:
    """Promise the picked window instead of the old one."""
    now, form = clock.now(), TimeForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        manage.require_changeable(visit, now=now)
        picker = picking.of_visit(session, visit, token)
        if not form.validate():
            return _time_page(session, visit, picker, form, _offer(session, picker, now), now), 422
        window = form.chosen(visit.service.window_length, picker.zone)
        if not picker.allows(visit.territory.local_day(window.starts_at)):
            return _taken(token, window, now)
        room = picker.room(session, window, now) if form.needs_room else None
        days = [visit.territory.local_day(window.starts_at), *planning.days_of_visit(visit)]
        where = edge.Where(visit.territory_id, days, [picker.ask.place])
    work = partial(_reschedule, picker=picker, window=window, room=room, now=now)
    try:
        return edge.once_with_travel(work, where, now=now, scope=token)
    except planning.SlotTaken:
        return _taken(token, window, now)


def _reschedule(
    session: Session, tables: Tables, *, picker: Picker, window: Window, room: Room | None, now: datetime
) -> ResponseReturnValue:
    visit, whom = _locked(session, picker.token, now), picker.technician_id
    first = visit.window is None
    if picker.known is not None and (whom is not None or not first):
        visit.preferred_technician_id = whom
    manage.reschedule(session, visit, window, tables=tables, now=now, room=room, technician_id=whom)
    return redirect(url_for(".booked" if first else ".show", token=picker.token), 303)


@bp.get("/visit/<token>/cancel")
@limits.LOOKUP
def confirm_cancel(token: str) -> ResponseReturnValue:
    """Really?"""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        manage.require_cancellable(visit, now=now)
        return _cancel_page(visit, token, CancelForm(), now)


@bp.post("/visit/<token>/cancel")
@limits.BOOKING
def cancel(token: str) -> ResponseReturnValue:
    """End the visit."""
    now, form = clock.now(), CancelForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        where = edge.Where(visit.territory_id, planning.days_of_visit(visit))
        if not form.validate():
            return _cancel_page(visit, token, form, now), 422
    work = partial(_cancel, token=token, form=form, now=now)
    if not where.days:
        return web.once(lambda session: work(session, {}), now=now, scope=token)
    try:
        return edge.once_with_travel(work, where, now=now, scope=token)
    except manage.Costs:
        return _costs_now(token, form, now)


def _cancel_page(
    visit: Visit, token: str, form: CancelForm, now: datetime, *, costs_now: bool = False
) -> str:
    """Cancelling with what it costs; the form takes along what was seen."""
    terms, fee = terms_pages.cancel_words(visit, now=now)
    form.fee.data = fee
    words = {"terms": terms, "fee": fee, "costs_now": costs_now}
    return _visit_page(visit, token, now, "booking/cancel.html", form=form, **words)


def _costs_now(token: str, form: CancelForm, now: datetime) -> ResponseReturnValue:
    """The page again: it was free when it was opened, or cost something else."""
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        return _cancel_page(visit, token, form, now, costs_now=True), 409


def _cancel(
    session: Session, tables: Tables, *, token: str, form: CancelForm, now: datetime
) -> ResponseReturnValue:
    visit, agreed = _locked(session, token, now), form.fee.data or ""
    manage.cancel(session, visit, reason=form.reason.data, tables=tables, now=now, agreed=agreed)
    return redirect(url_for(".show", token=token), 303)


def _locked(session: Session, token: str, now: datetime) -> Visit:
    visit = links.find_visit(session, token, now=now)
    manage.lock(session, visit)
    return visit


def _taken(token: str, window: Window, now: datetime) -> ResponseReturnValue:
    """The time page again, with what is free now: somebody else was quicker."""
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        picker = picking.of_visit(session, visit, token)
        offer = picker.offer(session, visit.territory.local_day(window.starts_at), now)
        form = TimeForm(formdata=None)
        return _time_page(session, visit, picker, form, offer, now, taken=window), 409


def _offer(session: Session, picker: Picker, now: datetime) -> Offer:
    """The windows of the day that is asked for; without one, of that of the promised window."""
    wanted = edge.wanted_day()
    if wanted is None and picker.mine is not None:
        wanted = picker.wish.territory.local_day(picker.mine.starts_at)
    return picker.offer(session, wanted, now)


def _time_page(
    session: Session,
    visit: Visit,
    picker: Picker,
    form: TimeForm,
    offer: Offer,
    now: datetime,
    *,
    taken: Window | None = None,
) -> str:
    return render_template(
        "booking/change.html",
        **time_pages.parts(session, picker, form, offer, now=now),
        form=form,
        visit=visit,
        token=picker.token,
        stay=pages.stay_words(visit.service, picker.zone, now, length=visit.service_duration),
        taken=web.window_words(taken, picker.zone) if taken else "",
        due=plan_pages.due_words(picker.due) if picker.due else "",
        mine=pages.mine_words(offer, picker.mine, picker.zone),
    )


def _around(session: Session, visit: Visit, now: datetime) -> dict[str, object]:
    """Whether the customer waits for another time, and what else was booked with the visit."""
    approval, customer = approval_pages.waiting(session, visit, now), visit.work_order.customer
    return {
        "waits": waiting.is_waiting(session, visit),
        "has_sites": customer.kind != CustomerKind.PRIVATE or len(customer.sites) > 1,
        "together": together_pages.lines(session, visit, waiting=approval is not None),
        "approval": approval,
        "has_report": has_report(session, visit),
        "push_key": web.services().channels.push.public_key,
    }


def _visit_page(visit: Visit, token: str, now: datetime, template: str, **values: object) -> str:
    requester, invited = visit.work_order.contact(Role.REQUESTER), manage.is_invited(visit, now=now)
    return render_template(
        template,
        visit=visit,
        token=token,
        reach=pages.reach_words(requester) if requester else "",
        may_change=manage.may(manage.require_changeable, visit, now=now),
        may_cancel=manage.may(manage.require_cancellable, visit, now=now),
        rule=terms_pages.visit_rule(visit, now=now),
        state=pages.state_tag(visit.state) if not invited else pages.invited_tag(),
        history=pages.history(visit),
        said=pages.said_words(visit.work_order.said, visit.work_order.services),
        files=pages.files_words(visit),
        coming=pages.coming_words(visit),
        correctable=manage.may(_require_correctable, visit, now=now),
        answers=talk_pages.answer_words(visit.territory.zone, now=now),
        changed=talk_pages.changed_words(visit, request.args.get("changed", "")),
        ended=visit.state in ENDED,
        plannable=visit.state in PLANNABLE,
        plan=plan_pages.row_words(visit, now=now),
        invited=invited,
        **values,
    )


def _require_correctable(visit: Visit, *, now: datetime) -> None:
    """As `manage.may` asks it; the details of a visit can be corrected at any time before its end."""
    details.require_correctable(visit)
