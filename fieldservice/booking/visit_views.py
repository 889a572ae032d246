"""A customer's private pages of one visit: see it, pick another window, cancel. A GET changes nothing."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.booking import details, edge, manage, pages, talk_pages
from fieldservice.booking.edge import Tables
from fieldservice.booking.forms import CancelForm, TimeForm
from fieldservice.booking.offer import Offer
from fieldservice.models import Role, Visit, Window
from fieldservice.models.facts import facts_of
from fieldservice.notify.calendar import calendar_file
from fieldservice.planning import service as planning
from fieldservice.planning.problem import visit_id

bp = Blueprint("visit", __name__)


@bp.get("/visit/<token>")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """How the visit stands and what can be done about it."""
    now = clock.now()
    with web.services().db.reading() as session:
        return _visit_page(links.find_visit(session, token, now=now), token, now, "booking/visit.html")


@bp.get("/visit/<token>/booked")
@limits.LOOKUP
def booked(token: str) -> ResponseReturnValue:
    """The confirmation: reference, window, what happens next."""
    now = clock.now()
    with web.services().db.reading() as session:
        return _visit_page(links.find_visit(session, token, now=now), token, now, "booking/booked.html")


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
        link = f"{settings.public_url.rstrip('/')}{url_for('.show', token=token)}"
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
        offer = _offer(session, visit, edge.wanted_day(), now)
        return _time_page(visit, token, TimeForm(), offer, now=now)


@bp.get("/visit/<token>/windows")
@limits.LOOKUP
def windows(token: str) -> ResponseReturnValue:
    """The list of days and windows alone."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        manage.require_changeable(visit, now=now)
        choice = _time_choice(visit, token, TimeForm(), _offer(session, visit, edge.wanted_day(), now))
    return render_template("booking/_windows.html", choice=choice)


@bp.post("/visit/<token>/time")
@limits.BOOKING
def reschedule(token: str) -> ResponseReturnValue:
    """Promise the picked window instead of the old one."""
    now, form = clock.now(), TimeForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        manage.require_changeable(visit, now=now)
        if not form.validate():
            offer = _offer(session, visit, edge.wanted_day(), now)
            return _time_page(visit, token, form, offer, now=now), 422
        window, ask = form.chosen(visit.service.window_length), planning.ask_of(visit)
        days = [visit.territory.local_day(window.starts_at), *planning.days_of_visit(visit)]
        where = edge.Where(visit.territory_id, days, [ask.place] if ask else [])
    work = partial(_reschedule, token=token, window=window, now=now)
    try:
        return edge.once_with_travel(work, where, now=now, scope=token)
    except planning.SlotTaken:
        return _taken(token, window, now)


def _reschedule(
    session: Session, tables: Tables, *, token: str, window: Window, now: datetime
) -> ResponseReturnValue:
    visit = _locked(session, token, now)
    manage.reschedule(session, visit, window, tables=tables, now=now)
    return redirect(url_for(".show", token=token), 303)


@bp.get("/visit/<token>/cancel")
@limits.LOOKUP
def confirm_cancel(token: str) -> ResponseReturnValue:
    """Really?"""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        manage.require_cancellable(visit, now=now)
        return _visit_page(visit, token, now, "booking/cancel.html", form=CancelForm())


@bp.post("/visit/<token>/cancel")
@limits.BOOKING
def cancel(token: str) -> ResponseReturnValue:
    """End the visit."""
    now, form = clock.now(), CancelForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        where = edge.Where(visit.territory_id, planning.days_of_visit(visit))
        if not form.validate():
            return _visit_page(visit, token, now, "booking/cancel.html", form=form), 422
    work = partial(_cancel, token=token, reason=form.reason.data, now=now)
    if not where.days:
        return web.once(lambda session: work(session, {}), now=now, scope=token)
    return edge.once_with_travel(work, where, now=now, scope=token)


def _cancel(
    session: Session, tables: Tables, *, token: str, reason: str, now: datetime
) -> ResponseReturnValue:
    visit = _locked(session, token, now)
    manage.cancel(session, visit, reason=reason, tables=tables, now=now)
    return redirect(url_for(".show", token=token), 303)


def _locked(session: Session, token: str, now: datetime) -> Visit:
    visit = links.find_visit(session, token, now=now)
    manage.lock(session, visit)
    return visit


def _taken(token: str, window: Window, now: datetime) -> ResponseReturnValue:
    """The time page again, with what is free now: somebody else was quicker."""
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        offer = _offer(session, visit, visit.territory.local_day(window.starts_at), now)
        return _time_page(visit, token, TimeForm(formdata=None), offer, now=now, taken=window), 409


def _offer(session: Session, visit: Visit, wanted: date | None, now: datetime) -> Offer:
    """The windows that can be kept when the visit gives back its own."""
    ask = planning.ask_of(visit)
    if ask is None or visit.window is None:
        raise manage.NotOpen(visit)
    wanted = wanted or visit.territory.local_day(visit.window.starts_at)
    return edge.offer_of(session, ask, wanted=wanted, now=now, without=[visit_id(visit)])


def _time_choice(visit: Visit, token: str, form: TimeForm, offer: Offer) -> pages.TimeChoice:
    return pages.time_choice(
        offer,
        form,
        visit.territory.zone,
        page=lambda day: url_for("booking.visit.time", token=token, day=day.isoformat()),
        fragment=lambda day: url_for("booking.visit.windows", token=token, day=day.isoformat()),
        mine=visit.window,
    )


def _time_page(
    visit: Visit, token: str, form: TimeForm, offer: Offer, *, now: datetime, taken: Window | None = None
) -> str:
    zone = visit.territory.zone
    return render_template(
        "booking/change.html",
        choice=_time_choice(visit, token, form, offer),
        form=form,
        visit=visit,
        token=token,
        stay=pages.stay_words(visit.service, zone, now, length=visit.service_duration),
        taken=web.window_words(taken, zone) if taken else "",
    )


def _visit_page(visit: Visit, token: str, now: datetime, template: str, **values: object) -> str:
    requester = visit.work_order.contact(Role.REQUESTER)
    return render_template(
        template,
        visit=visit,
        token=token,
        reach=pages.reach_words(requester) if requester else "",
        may_change=manage.may(manage.require_changeable, visit, now=now),
        may_cancel=manage.may(manage.require_cancellable, visit, now=now),
        rule=pages.visit_rule(visit, now=now),
        state=pages.state_tag(visit.state),
        history=pages.history(visit),
        said=pages.said_words(visit.work_order.said),
        technician=pages.technician_name(visit),
        correctable=manage.may(_require_correctable, visit, now=now),
        answers=talk_pages.answer_words(visit.territory.zone, now=now),
        changed=talk_pages.changed_words(visit, request.args.get("changed", "")),
        **values,
    )


def _require_correctable(visit: Visit, *, now: datetime) -> None:
    """As `manage.may` asks it; the details of a visit can be corrected at any time before its end."""
    details.require_correctable(visit)
