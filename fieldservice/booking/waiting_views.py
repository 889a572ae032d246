"""The waiting list's pages: joining before a booking and after it, an offer, an area that is not served."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, language, web
from fieldservice.auth import limits, links
from fieldservice.booking import approvals, area, drafts, edge, guard, manage, orders, pages, service, waiting
from fieldservice.booking.drafts import Draft
from fieldservice.booking.edge import Tables
from fieldservice.booking.forms import ContactForm
from fieldservice.booking.waiting_forms import OfferForm, WaitForm, WishForm
from fieldservice.models import Visit, WaitingOffer
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning import service as planning

draft_bp = Blueprint("waiting", __name__)
visit_bp = Blueprint("waiting", __name__)


# ---------- Outside the area ----------


@draft_bp.post("/book/<token>/outside")
@limits.FORM
def wish(token: str) -> ResponseReturnValue:
    """Remember that somebody wants us to come where they live."""
    now, form = clock.now(), WishForm()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
    if not form.validate():
        return _outside_page(draft, form), 422

    def work(session: Session) -> ResponseReturnValue:
        found, locale = drafts.find(session, token, now=now, lock=True), language.locale()
        area.wish_for_area(session, form.address, found.service, _site(found), locale=locale, now=now)
        return redirect(url_for("booking.address.outside", token=token, noted="1"), 303)

    return web.once(work, now=now, scope=token)


def _outside_page(draft: Draft, form: WishForm) -> str:
    steps = {"step": 2, "steps": pages.step_names()}
    return render_template("booking/outside.html", site=_site(draft), draft=draft, form=form, **steps)


def _site(draft: Draft) -> drafts.SiteAnswers:
    if draft.answers.site is None:
        raise drafts.DraftIncomplete(draft.token, "address")
    return draft.answers.site


# ---------- Before a booking ----------


@draft_bp.get("/book/<token>/waiting")
@limits.LOOKUP
def ask(token: str) -> ResponseReturnValue:
    """Who waits, and how they can be told."""
    now = clock.now()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        guard.require_free(session, draft, now=now)
    form = edge.contact_form(draft, data=draft.answers.contact)
    return _join_page(draft, form)


@draft_bp.post("/book/<token>/waiting")
@limits.BOOKING
def join(token: str) -> ResponseReturnValue:
    """Make the visit without a window, and put it on the list."""
    now = clock.now()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        guard.require_free(session, draft, now=now)
        form = edge.contact_form(draft)
        if not form.validate():
            return _join_page(draft, form), 422
        free = waiting.free_for(session, draft.wish, tables=web.services().tables, now=now)

    def work(session: Session) -> ResponseReturnValue:
        found = drafts.find(session, token, now=now, lock=True)
        answers = edge.answers_of(found, form, [])
        visit = orders.request_all(session, answers, company=edge.company(), now=now)[0]
        waiting.join(session, visit, free=free, now=now)
        service.confirm(found.row, visit)
        return redirect(edge.visit_url("booked", visit), 303)

    return web.once(work, now=now, scope=token)


def _join_page(draft: Draft, form: ContactForm) -> str:
    steps = {"step": 3, "steps": pages.step_names()}
    return render_template("booking/waiting.html", draft=draft, form=form, **steps)


# ---------- After it ----------


@visit_bp.get("/visit/<token>/earlier")
@limits.LOOKUP
def earlier(token: str) -> ResponseReturnValue:
    """What the waiting list is, and whether the visit is on it. Raises NotOpen, TooLate."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = _waitable(session, token, now)
        return _earlier_page(session, visit, token, WaitForm())


@visit_bp.post("/visit/<token>/earlier")
@limits.FORM
def wait(token: str) -> ResponseReturnValue:
    """Join or leave."""
    now, form = clock.now(), WaitForm()
    with web.services().db.reading() as session:
        visit = _waitable(session, token, now)
        if not form.validate():
            return _earlier_page(session, visit, token, form), 422
        free = waiting.free_windows(session, visit, tables=web.services().tables, now=now)

    def work(session: Session) -> ResponseReturnValue:
        found = _waitable(session, token, now)
        manage.lock(session, found)
        if form.wait.data == "yes":
            waiting.join(session, found, free=free, now=now)
        else:
            waiting.leave(session, found)
        return redirect(url_for("booking.visit.waiting.earlier", token=token), 303)

    return web.once(work, now=now, scope=token)


def _waitable(session: Session, token: str, now: datetime) -> Visit:
    visit = links.find_visit(session, token, now=now)
    waits = approvals.pending(session, visit, now=now) is not None
    if visit.state not in PLANNABLE or planning.ask_of(visit) is None or waits:
        raise manage.NotOpen(visit)
    if visit.window is not None:
        manage.require_changeable(visit, now=now)
    return visit


def _earlier_page(session: Session, visit: Visit, token: str, form: WaitForm) -> str:
    minutes = web.services().settings.offer_minutes
    return render_template(
        "booking/earlier.html",
        visit=visit,
        token=token,
        form=form,
        waits=waiting.is_waiting(session, visit),
        minutes=minutes,
    )


# ---------- An offer: a GET shows it, a POST answers it ----------


@visit_bp.get("/visit/<token>/offer")
@limits.LOOKUP
def offer(token: str) -> ResponseReturnValue:
    """The window that is reserved for the customer now."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        return _offer_page(visit, token, OfferForm(), waiting.open_offer(session, visit, now=now))


@visit_bp.post("/visit/<token>/offer")
@limits.BOOKING
def answer(token: str) -> ResponseReturnValue:
    """Take it, or leave it to the next in line."""
    now, form = clock.now(), OfferForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        if web.is_answered(session, scope=token):
            return web.once(lambda _: "", now=now, scope=token)
        found = waiting.open_offer(session, visit, now=now)
        if not form.validate():
            return _offer_page(visit, token, form, found), 422
        day, wish = visit.territory.local_day(found.window_starts_at), planning.ask_of(visit)
        days = [day, *planning.days_of_visit(visit)]
        where = edge.Where(visit.territory_id, days, [wish.place] if wish else [])
    act: Callable[..., None] = waiting.take if form.answer.data == "take" else waiting.decline

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        mine = links.find_visit(session, token, now=now)
        manage.lock(session, mine)
        act(session, mine, form.offer_id, tables=tables, now=now)
        return redirect(url_for("booking.visit.show", token=token), 303)

    try:
        return edge.once_with_travel(work, where, now=now, scope=token)
    except planning.SlotTaken:
        raise waiting.OfferOver from None


def _offer_page(visit: Visit, token: str, form: OfferForm, found: WaitingOffer) -> str:
    zone = visit.territory.zone
    return render_template(
        "booking/offer.html",
        visit=visit,
        token=token,
        form=form,
        offer=found,
        window=waiting.window_of(found),
        zone=zone,
        until=web.clock_time(found.expires_at, zone),
    )


@visit_bp.errorhandler(waiting.OfferOver)
def _over(_: waiting.OfferOver) -> ResponseReturnValue:
    return render_template("booking/offer_over.html", token=(request.view_args or {})["token"]), 410
