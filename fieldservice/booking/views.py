"""The booking flow from the problem to the confirmation; `address_views` has its second screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits
from fieldservice.booking import (
    address_views,
    calendar_views,
    check_views,
    checks,
    data_views,
    drafts,
    edge,
    feedback_views,
    more_views,
    pages,
    picking,
    refusals,
    returning_views,
    service,
    talk_views,
    time_pages,
    track_views,
    visit_views,
    waiting_views,
)
from fieldservice.booking.check_answers import forget_ended
from fieldservice.booking.drafts import Draft, DraftAnswers
from fieldservice.booking.edge import Tables
from fieldservice.booking.forms import ContactForm, TimeForm
from fieldservice.booking.offer import Offer
from fieldservice.booking.picking import Picker
from fieldservice.booking.problem_form import ProblemForm
from fieldservice.models import Hold, Service, Window
from fieldservice.planning import repair
from fieldservice.planning import service as planning
from fieldservice.planning.improve import improve_later
from fieldservice.planning.repair import Room

bp = Blueprint("booking", __name__)
bp.register_blueprint(address_views.bp)
bp.register_blueprint(check_views.bp)
bp.register_blueprint(returning_views.bp)
bp.register_blueprint(visit_views.bp)
bp.register_blueprint(talk_views.bp)
bp.register_blueprint(track_views.bp)
bp.register_blueprint(data_views.bp)
bp.register_blueprint(calendar_views.bp)
bp.register_blueprint(feedback_views.bp)
bp.register_blueprint(more_views.draft_bp)
bp.register_blueprint(waiting_views.draft_bp)
refusals.install(bp)


@bp.get("/")
def home() -> ResponseReturnValue:
    """Customers begin with a booking."""
    return redirect(url_for(".problem"))


# ---------- Screen 1: the problem ----------


@bp.get("/book")
def problem() -> ResponseReturnValue:
    """What needs fixing; `?service=` picks a card."""
    with web.services().db.reading() as session:
        services = drafts.active_services(session)
    form = _first_form(services)(data={"service": request.args.get("service")})
    return _problem_page(form, services)


@bp.get("/book/questions")
@limits.LOOKUP
def questions() -> str:
    """The questions about one service, for when another card is picked."""
    with web.services().db.reading() as session:
        services = drafts.active_services(session)
    form = ProblemForm.for_services(services)(request.args, meta={"csrf": False})
    return render_template("booking/_questions.html", form=form)


@bp.post("/book")
@limits.FORM
def begin() -> ResponseReturnValue:
    """Begin a draft."""
    now = clock.now()
    with web.services().db.reading() as session:
        services = drafts.active_services(session)
    form = _first_form(services)()
    if not form.validate():
        return _problem_page(form, services), 422
    answers = DraftAnswers(**_problem_answers(form)) if form.code else None
    if form.says_known or answers is None:
        return returning_views.send_code(form.says_known, answers)

    def work(session: Session) -> ResponseReturnValue:
        draft = drafts.start(session, answers, now=now)
        after = ".check.show" if form.wants_checks else ".address.show"
        return redirect(url_for(after, token=draft.token), 303)

    return web.once(work, now=now)


@bp.get("/book/<token>")
def change_problem(token: str) -> ResponseReturnValue:
    """The first screen again, with the answers of the draft."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now(), even_call_us=True)
        services = drafts.active_services(session)
    answers, kind = draft.answers, ProblemForm.for_services(services)
    data = {"service": answers.service, "problem": answers.problem}
    data |= kind.data_of(answers.service, answers.questions)
    tried = pages.said_words(checks.said(draft.way, answers.tried))
    return _problem_page(kind(data=data), services, tried, answers.had)


@bp.post("/book/<token>")
@limits.FORM
def keep_problem(token: str) -> ResponseReturnValue:
    """Store a changed problem."""
    now = clock.now()
    with web.services().db.reading() as session:
        drafts.find(session, token, now=now, even_call_us=True)
        services = drafts.active_services(session)
    form = ProblemForm.for_services(services)()
    if not form.validate():
        return _problem_page(form, services), 422

    def work(session: Session) -> ResponseReturnValue:
        draft = drafts.find(session, token, now=now, lock=True, even_call_us=True)
        again = forget_ended(draft) if form.wants_checks else {}
        drafts.keep(draft, **_problem_answers(form), **again)
        return redirect(url_for(".check.show" if form.wants_checks else ".confirm", token=token), 303)

    return web.once(work, now=now, scope=token)


def _first_form(services: Sequence[Service]) -> type[ProblemForm]:
    return ProblemForm.for_services(services, known_in=web.services().settings.country)


def _problem_page(
    form: ProblemForm, services: Sequence[Service], tried: Sequence[str] = (), had: Sequence[str] = ()
) -> str:
    return render_template(
        "booking/problem.html",
        form=form,
        services=services,
        tried=tried,
        had=had,
        step=1,
        steps=pages.step_names(),
    )


def _problem_answers(form: ProblemForm) -> dict[str, Any]:
    return {
        "service": form.code,
        "questions": form.answers_of(form.code),
        "problem": form.problem.data,
    }


# ---------- Screen 3: the arrival time ----------


@bp.get("/book/<token>/time")
@limits.LOOKUP
def time(token: str) -> ResponseReturnValue:
    """Which windows can be kept."""
    now = clock.now()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        if draft.wish is None:
            return redirect(url_for(".confirm", token=token))
        picker = picking.of_draft(session, draft)
        return _time_page(
            session, draft, picker, TimeForm(), picker.offer(session, edge.wanted_day(), now), now
        )


@bp.get("/book/<token>/windows")
@limits.LOOKUP
def windows(token: str) -> ResponseReturnValue:
    """The list of days and windows alone."""
    now = clock.now()
    with web.services().db.reading() as session:
        picker = picking.of_draft(session, drafts.find(session, token, now=now))
        offer = picker.offer(session, edge.wanted_day(), now)
        return render_template(
            "booking/_windows.html", **time_pages.parts(session, picker, TimeForm(), offer, now=now)
        )


@bp.post("/book/<token>/time")
@limits.BOOKING
def hold(token: str) -> ResponseReturnValue:
    """Reserve the picked window while the customer fills in the rest."""
    now, form = clock.now(), TimeForm()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        picker = picking.of_draft(session, draft)
        if not form.validate():
            offer = picker.offer(session, edge.wanted_day(), now)
            return _time_page(session, draft, picker, form, offer, now), 422
        window = form.chosen(draft.service.window_length, picker.zone)
        room = picker.room(session, window, now) if form.needs_room else None
        if room is None and (gone := _gone(session, draft, window, now)) is not None:
            return gone, 409
        where = _where(session, draft, window)
    work = partial(_hold, picker=picker, window=window, room=room, now=now)
    try:
        return edge.once_with_travel(work, where, now=now, scope=token)
    except planning.SlotTaken:
        return _taken(token, window, now)


def _hold(
    session: Session, tables: Tables, *, picker: Picker, window: Window, room: Room | None, now: datetime
) -> ResponseReturnValue:
    draft = drafts.find(session, picker.token, now=now, lock=True)
    if draft.wish is not None:
        ask = draft.wish.of(picker.technician_id)
        until = now + timedelta(minutes=web.services().settings.hold_minutes)
        if room is None:
            planning.hold_slot(session, draft.row, ask, window, tables=tables, now=now, until=until)
        else:
            repair.hold_room(session, draft.row, ask, room, tables=tables, now=now, until=until)
        drafts.keep(draft, window=window, same_technician=ask.only_technician_id is not None)
    return redirect(url_for(".confirm", token=draft.token), 303)


def _where(session: Session, draft: Draft, window: Window) -> edge.Where:
    """The days that booking the window changes: its own, and that of what the draft has reserved."""
    held = session.scalar(select(Hold).where(Hold.draft_id == draft.row.id))
    days = [draft.area.local_day(window.starts_at), *planning.days_of_hold(held, draft.area)]
    return edge.Where(draft.area.id, days, [draft.ask.place] if draft.ask else [])


def _gone(session: Session, draft: Draft, window: Window, now: datetime) -> str | None:
    """The time page for who asks after the window was taken: they need not queue for the technicians.

    None while it is free, and for a form that was answered before.
    """
    if draft.wish is None or web.is_answered(session, scope=draft.token):
        return None
    picker = picking.of_draft(session, draft)
    offer = picker.offer(session, draft.area.local_day(window.starts_at), now)
    if offer.has(window):
        return None
    return _time_page(session, draft, picker, TimeForm(formdata=None), offer, now, taken=window)


def _taken(token: str, window: Window, now: datetime) -> ResponseReturnValue:
    """The time page again, with what is free now: somebody else was quicker."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        picker = picking.of_draft(session, draft)
        offer = picker.offer(session, draft.area.local_day(window.starts_at), now)
        return _time_page(session, draft, picker, TimeForm(formdata=None), offer, now, taken=window), 409


def _time_page(
    session: Session,
    draft: Draft,
    picker: Picker,
    form: TimeForm,
    offer: Offer,
    now: datetime,
    *,
    taken: Window | None = None,
) -> str:
    nothing = offer.shown is None and not offer.later and offer.wanted is None and not picker.same
    return render_template(
        "booking/no_windows.html" if nothing else "booking/time.html",
        **time_pages.parts(session, picker, form, offer, now=now),
        form=form,
        draft=draft,
        stay=pages.stay_words(draft.service, draft.area.zone, now, length=draft.needs.duration),
        taken=web.window_words(taken, draft.area.zone) if taken else "",
        step=3,
        steps=pages.step_names(),
    )


# ---------- Screen 4: contact and confirmation ----------


@bp.get("/book/<token>/confirm")
def confirm(token: str) -> ResponseReturnValue:
    """Everything at a glance, and who asks."""
    now = clock.now()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        form = ContactForm(country=web.services().settings.country, data=draft.answers.contact)
        return _confirm_page(draft, form, now)


@bp.post("/book/<token>/confirm")
@limits.BOOKING
def book(token: str) -> ResponseReturnValue:
    """Make the visit."""
    now, form = clock.now(), ContactForm(country=web.services().settings.country)
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        window = draft.window
        if not form.validate():
            return _confirm_page(draft, form, now), 422
        where = _where(session, draft, window) if window else None
        reserved = draft.row.hold is not None and draft.row.hold.expires_at > now
        gone = None if window is None or reserved else _gone(session, draft, window, now)
    if gone is not None:
        _keep_contact(token, form, now)
        return gone, 409
    work = partial(_book, token=token, form=form, now=now)
    if window is None or where is None:
        return web.once(lambda session: work(session, {}), now=now, scope=token)
    try:
        return edge.once_with_travel(work, where, now=now, scope=token)
    except planning.SlotTaken:
        _keep_contact(token, form, now)
        return _taken(token, window, now)


def _book(
    session: Session, tables: Tables, *, token: str, form: ContactForm, now: datetime
) -> ResponseReturnValue:
    draft = drafts.find(session, token, now=now, lock=True)
    answers, company = edge.answers_of(draft, form, draft.window), edge.company()
    if answers.window is None:
        visit = service.request(session, answers, company=company, now=now)
    else:
        visit = service.book(session, answers, company=company, tables=tables, now=now, hold=draft.row.hold)
        improve_later(session, visit, now=now)
    service.confirm(draft.row, visit)
    return redirect(edge.visit_url("booked", visit), 303)


def _keep_contact(token: str, form: ContactForm, now: datetime) -> None:
    def work(session: Session) -> None:
        drafts.keep(drafts.find(session, token, now=now, lock=True), contact=form.typed)

    web.services().db.run(work)


def _confirm_page(draft: Draft, form: ContactForm, now: datetime) -> str:
    return render_template(
        "booking/confirm.html",
        form=form,
        draft=draft,
        rows=pages.summary_rows(draft),
        rule=pages.draft_rule(draft, now=now),
        step=4,
        steps=pages.step_names(),
    )
