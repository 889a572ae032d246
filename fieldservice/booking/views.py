"""The booking flow from the problem to the confirmation; `address_views` has its second screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.attachments.requests import takes_files
from fieldservice.auth import limits
from fieldservice.booking import (
    address_views,
    approval_views,
    bookable,
    calendar_views,
    chat_views,
    check_views,
    checks,
    data_views,
    drafts,
    edge,
    feedback_views,
    guard,
    guard_views,
    making,
    more_views,
    pages,
    photo_views,
    picking,
    push_views,
    refusals,
    returning_views,
    several_views,
    sites_views,
    summary,
    talk_views,
    terms_pages,
    time_pages,
    track_views,
    visit_views,
    waiting_views,
    widget_views,
)
from fieldservice.booking.check_answers import forget_ended
from fieldservice.booking.drafts import Draft, DraftAnswers
from fieldservice.booking.forms import ContactForm, TimeForm
from fieldservice.booking.offer import Offer
from fieldservice.booking.picking import Picker
from fieldservice.booking.problem_form import ProblemForm
from fieldservice.models import Service, Window
from fieldservice.planning import service as planning

type Windows = Sequence[Window]

bp = Blueprint("booking", __name__)
bp.register_blueprint(address_views.bp)
bp.register_blueprint(check_views.bp)
bp.register_blueprint(approval_views.bp)
bp.register_blueprint(several_views.bp)
bp.register_blueprint(returning_views.bp)
bp.register_blueprint(sites_views.bp)
bp.register_blueprint(guard_views.bp)
bp.register_blueprint(visit_views.bp)
bp.register_blueprint(talk_views.bp)
bp.register_blueprint(chat_views.bp)
bp.register_blueprint(track_views.bp)
bp.register_blueprint(push_views.bp)
bp.register_blueprint(data_views.bp)
bp.register_blueprint(calendar_views.bp)
bp.register_blueprint(feedback_views.bp)
bp.before_request(edge.recall_language)
bp.register_blueprint(widget_views.bp)
bp.register_blueprint(more_views.draft_bp)
bp.register_blueprint(waiting_views.draft_bp)
bp.register_blueprint(photo_views.draft_bp)
refusals.install(bp)
guard_views.install(bp)


@bp.get("/")
def home() -> ResponseReturnValue:
    """Customers begin with a booking."""
    return redirect(url_for(".problem"))


# ---------- Screen 1: the problem ----------


@bp.get("/book")
def problem() -> ResponseReturnValue:
    """What needs fixing; `?service=` picks a card."""
    with web.services().db.reading() as session:
        services = bookable.active_services(session)
    wanted = request.args.get("service", "")
    form = _first_form(services)(data={"service": wanted})
    missing = bool(wanted) and wanted not in {service.code for service in services}
    return _problem_page(form, services, missing=missing)


@bp.get("/book/questions")
@limits.LOOKUP
def questions() -> str:
    """The questions about one service, for when another card is picked."""
    with web.services().db.reading() as session:
        services = bookable.active_services(session)
    form = ProblemForm.for_services(services)(request.args, meta={"csrf": False})
    return render_template("booking/_questions.html", form=form)


@bp.post("/book")
@limits.FORM
@takes_files
def begin() -> ResponseReturnValue:
    """Begin a draft."""
    now = clock.now()
    with web.services().db.reading() as session:
        services = bookable.active_services(session)
    form = _first_form(services)()
    valid = form.validate()
    photo_views.receive_with(form, form.draft.data, valid=valid, now=now)
    if not valid:
        return _problem_page(form, services), 422
    answers = DraftAnswers(**_problem_answers(form)) if form.code else None
    if form.says_known or answers is None:
        return returning_views.send_code(form.says_known, answers, form.draft.data)

    def work(session: Session) -> ResponseReturnValue:
        guard.note_trap(session, now=now)
        network = guard.network()
        draft = drafts.start(session, answers, now=now, token=form.draft.data, network=network)
        after = ".check.show" if form.wants_checks else ".address.show"
        return redirect(url_for(after, token=draft.token), 303)

    return web.once(work, now=now)


@bp.get("/book/<token>")
def change_problem(token: str) -> ResponseReturnValue:
    """The first screen again, with the answers of the draft."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now(), even_call_us=True)
        services = bookable.active_services(session)
    answers, kind = draft.answers, ProblemForm.for_services(services)
    data = {"service": answers.service, "problem": answers.problem}
    data |= kind.data_of(answers.service, answers.questions)
    data["draft"] = token
    tried = pages.said_words(checks.said(draft.way, answers.tried), [draft.service])
    return _problem_page(kind(data=data), services, tried, answers.had)


@bp.post("/book/<token>")
@limits.FORM
@takes_files
def keep_problem(token: str) -> ResponseReturnValue:
    """Store a changed problem."""
    now = clock.now()
    with web.services().db.reading() as session:
        drafts.find(session, token, now=now, even_call_us=True)
        services = bookable.active_services(session)
    form = ProblemForm.for_services(services)()
    form.draft.data = token
    valid = form.validate()
    photo_views.receive_with(form, token, valid=valid, now=now)
    if not valid:
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
    form: ProblemForm,
    services: Sequence[Service],
    tried: Sequence[str] = (),
    had: Sequence[str] = (),
    *,
    missing: bool = False,
) -> str:
    return render_template(
        "booking/problem.html",
        form=form,
        services=services,
        tried=tried,
        token=form.draft.data,
        files=photo_views.files_of_draft(form.draft.data),
        had=had,
        missing=missing,
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
        guard.require_free(session, draft, now=now)
        draft, picker, offer = _offered(session, draft, edge.wanted_day(), now)
        return _time_page(session, draft, picker, TimeForm(), offer, now)


@bp.get("/book/<token>/windows")
@limits.LOOKUP
def windows(token: str) -> ResponseReturnValue:
    """The list of days and windows alone."""
    now = clock.now()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        _draft, picker, offer = _offered(session, draft, edge.wanted_day(), now)
        return render_template(
            "booking/_windows.html", **time_pages.parts(session, picker, TimeForm(), offer, now=now)
        )


def _offered(session: Session, draft: Draft, day: date | None, now: datetime) -> tuple[Draft, Picker, Offer]:
    """What the draft can have. When nobody has time for all services at once, each has a visit of its own."""
    if "apart" in request.args:
        draft = drafts.taken_apart(draft)
    picker = picking.of_draft(session, draft)
    offer = picker.offer(session, day, now)
    if offer.is_nothing and len(draft.legs) < len(draft.wanted):
        return _offered_apart(session, draft, now)
    return draft, picker, offer


def _offered_apart(session: Session, draft: Draft, now: datetime) -> tuple[Draft, Picker, Offer]:
    draft = drafts.taken_apart(draft)
    picker = picking.of_draft(session, draft)
    return draft, picker, picker.offer(session, None, now)


@bp.post("/book/<token>/time")
@limits.BOOKING
def hold(token: str) -> ResponseReturnValue:
    """Reserve the picked windows while the customer fills in the rest."""
    now, form = clock.now(), TimeForm()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        guard.require_free(session, draft, now=now)
        if not form.validate():
            draft, picker, offer = _offered(session, draft, edge.wanted_day(), now)
            return _time_page(session, draft, picker, form, offer, now), 422
        draft = drafts.taken_apart(draft) if "apart" in request.args else draft
        picker = picking.of_draft(session, draft)
        legs = draft.legs[:1] if draft.at_sites else draft.legs
        chosen = form.chosen_all([leg.service.window_length for leg in legs], picker.zone)
        room = picker.room(session, chosen[0], now) if form.needs_room and not picker.then else None
        if room is None and (gone := _gone(session, draft, chosen, now)) is not None:
            return gone, 409
        where = making.where(session, draft, chosen)
    work = partial(making.hold_picked, picker=picker, windows=chosen, room=room, now=now)
    try:
        return edge.once_with_travel(work, where, now=now, scope=token)
    except planning.SlotTaken:
        return _taken(token, chosen, now)


def _gone(session: Session, draft: Draft, windows: Windows, now: datetime) -> str | None:
    """The time page for who asks after the window was taken: they need not queue for the technicians.

    None while it is free, and for a form that was answered before. Several windows are judged when they are
    reserved, for there may be other ways to follow the first than the one that is offered now.
    """
    if draft.wish is None or web.is_answered(session, scope=draft.token) or len(draft.legs) > 1:
        return None
    picker = picking.of_draft(session, draft)
    offer = picker.offer(session, draft.area.local_day(windows[0].starts_at), now)
    if len(windows) == 1 and offer.has(windows[0]):
        return None
    return _time_page(session, draft, picker, TimeForm(formdata=None), offer, now, taken=windows[0])


def _taken(token: str, windows: Windows, now: datetime) -> ResponseReturnValue:
    """The time page again, with what is free now: somebody else was quicker."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        day, form = draft.area.local_day(windows[0].starts_at), TimeForm(formdata=None)
        draft, picker, offer = _offered(session, draft, day, now)
        return _time_page(session, draft, picker, form, offer, now, taken=windows[0]), 409


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
    return render_template(
        "booking/no_windows.html" if offer.is_nothing and not picker.same else "booking/time.html",
        **time_pages.parts(session, picker, form, offer, now=now),
        form=form,
        draft=draft,
        stay=pages.stay_words(draft.service, draft.area.zone, now, length=draft.needs.duration),
        hold_url=picker.address("hold"),
        part=picker.part if draft.at_sites else None,
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
        form = edge.contact_form(draft, data=draft.answers.contact)
        return _confirm_page(draft, form, now)


@bp.post("/book/<token>/confirm")
@limits.BOOKING
def book(token: str) -> ResponseReturnValue:
    """Make the visit."""
    now = clock.now()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        form = edge.contact_form(draft)
        chosen = draft.windows
        if not form.validate():
            return _confirm_page(draft, form, now), 422
        suspect = guard.stops(session, draft, form.requester, now=now)
        where = making.where(session, draft, chosen) if chosen else None
        reserved = draft.row.hold is not None and draft.row.hold.expires_at > now
        gone = None if suspect or not chosen or reserved else _gone(session, draft, chosen, now)
    if suspect:
        _keep_contact(token, form, now)
        return redirect(url_for(".guard.show", token=token), 303)
    if gone is not None:
        _keep_contact(token, form, now)
        return gone, 409
    work = partial(making.make_visits, token=token, form=form, now=now)
    if where is None:
        return web.once(lambda session: work(session, {}), now=now, scope=token)
    try:
        return edge.once_with_travel(work, where, now=now, scope=token)
    except planning.SlotTaken:
        _keep_contact(token, form, now)
        return _taken(token, chosen, now)


def _keep_contact(token: str, form: ContactForm, now: datetime) -> None:
    def work(session: Session) -> None:
        guard.note_trap(session, now=now)
        drafts.keep(drafts.find(session, token, now=now, lock=True), contact=form.typed)

    web.services().db.run(work)


def _confirm_page(draft: Draft, form: ContactForm, now: datetime) -> str:
    return render_template(
        "booking/confirm.html",
        form=form,
        draft=draft,
        rows=summary.summary_rows(draft),
        token=draft.token,
        files=photo_views.files_of_draft(draft.token),
        rule=terms_pages.draft_rule(draft, now=now),
        step=4,
        steps=pages.step_names(),
    )
