"""The windows that the office offers to a customer: a GET shows them, one tap takes one."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import HiddenField
from wtforms.validators import AnyOf, InputRequired

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.booking import edge, manage
from fieldservice.booking.edge import Tables
from fieldservice.booking.service import CUSTOMER, link_until
from fieldservice.models import Visit, WindowOffer
from fieldservice.planning import asking
from fieldservice.planning import service as planning
from fieldservice.planning.improve import improve_later
from fieldservice.typed import WholeNumber

bp = Blueprint("choice", __name__)

NONE = "none"


class ChoiceForm(FlaskForm):  # type: ignore[misc]
    """Which of the windows, by its number, or none of them."""

    offer = WholeNumber(validators=[InputRequired(_("The offer is missing"))])
    answer = HiddenField(validators=[AnyOf(["0", "1", NONE], message=_("Choose one of these"))])


@bp.get("/visit/<token>/choose")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """The windows that are reserved for the customer now."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        return _page(visit, token, ChoiceForm(), _offer(session, visit, now))


@bp.post("/visit/<token>/choose")
@limits.BOOKING
def answer(token: str) -> ResponseReturnValue:
    """Take one of them, or none."""
    now, form = clock.now(), ChoiceForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        if web.is_answered(session, scope=token):
            return web.once(lambda _: "", now=now, scope=token)
        offer = _offer(session, visit, now)
        if not form.validate() or (form.answer.data != NONE and int(form.answer.data) >= len(offer.windows)):
            return _page(visit, token, form, offer), 422
        wish = planning.ask_of(visit)
        days = asking.days_of(visit, offer)
        where = edge.Where(visit.territory_id, days, [wish.place] if wish else [])
    try:
        return edge.once_with_travel(partial(_answer, token, form, now), where, now=now, scope=token)
    except planning.SlotTaken:
        raise asking.OfferOver from None


def _answer(
    token: str, form: ChoiceForm, now: datetime, session: Session, tables: Tables
) -> ResponseReturnValue:
    visit = links.find_visit(session, token, now=now)
    manage.lock(session, visit)
    if form.answer.data == NONE:
        asking.decline(session, visit, form.offer.data, tables=tables, now=now)
    else:
        number = int(form.answer.data)
        asking.take(session, visit, form.offer.data, number, tables=tables, now=now, actor=CUSTOMER)
        improve_later(session, visit, now=now)
        for link in visit.links:
            link.expires_at = max(link.expires_at, link_until(visit, now=now))
    return redirect(url_for("booking.visit.show", token=token), 303)


def _offer(session: Session, visit: Visit, now: datetime) -> WindowOffer:
    found = asking.open_offer(session, visit, now=now)
    if found is None:
        raise asking.OfferOver
    return found


def _page(visit: Visit, token: str, form: ChoiceForm, offer: WindowOffer) -> str:
    zone = visit.territory.zone
    return render_template(
        "booking/choose.html",
        visit=visit,
        token=token,
        form=form,
        offer=offer,
        zone=zone,
        until=web.clock_time(offer.expires_at, zone),
    )


@bp.errorhandler(asking.OfferOver)
def _over(_: asking.OfferOver) -> ResponseReturnValue:
    token = (request.view_args or {})["token"]
    return render_template("booking/choose_over.html", token=token), 410
