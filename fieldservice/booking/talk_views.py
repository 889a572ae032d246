"""The private page's conversation with the office, and the correction of details. A GET changes nothing."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.booking import conversation, details, pages
from fieldservice.booking.after_forms import DetailsForm
from fieldservice.booking.desk import Desk, Opened
from fieldservice.models import Visit

bp = Blueprint("talk", __name__)


def _find(session: Session, token: str, now: datetime) -> Opened:
    visit = links.find_visit(session, token, now=now)
    return visit.conversation, visit.territory.zone


def _write(session: Session, token: str, body: str, now: datetime) -> object:
    return conversation.ask(session, links.find_visit(session, token, now=now), body, now=now)


_VIEWS = ("booking.talk.messages", "booking.talk.new_messages", "booking.talk.ask")
DESK = Desk(_VIEWS, _find, _write, back="booking.visit.show")


@bp.get("/visit/<token>/messages")
@limits.LOOKUP
def messages(token: str) -> ResponseReturnValue:
    """The conversation about the visit."""
    return DESK.show(token)


@bp.get("/visit/<token>/messages/new")
@limits.POLL
def new_messages(token: str) -> ResponseReturnValue:
    """What is new in it."""
    return DESK.news(token)


@bp.post("/visit/<token>/messages")
@limits.FORM
def ask(token: str) -> ResponseReturnValue:
    """Write to the office."""
    return DESK.ask(token)


@bp.get("/visit/<token>/details")
@limits.LOOKUP
def correct(token: str) -> ResponseReturnValue:
    """What is stored about the customer of the visit, to be corrected."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        requester = details.require_correctable(visit)
        known = DetailsForm.known(requester, visit.work_order, visit.site)
        known["phone"] = pages.phone_words(requester.phone)
        form = _details_form(visit, data=known)
        return _details_page(visit, token, form)


@bp.post("/visit/<token>/details")
@limits.FORM
def keep_details(token: str) -> ResponseReturnValue:
    """Store what was corrected and say what it changes."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        details.require_correctable(visit)
        form = _details_form(visit)
        if not form.validate():
            return _details_page(visit, token, form), 422
    return web.once(partial(_correct, token=token, form=form, now=now), now=now, scope=token)


def _correct(session: Session, *, token: str, form: DetailsForm, now: datetime) -> ResponseReturnValue:
    visit = links.find_visit(session, token, now=now)
    wanted = details.Details(
        contact=form.contact, access_notes=form.access_notes.data, problem=form.problem.data
    )
    changed = details.correct(session, visit, wanted, now=now)
    return redirect(url_for("booking.visit.show", token=token, changed=",".join(changed) or "nothing"), 303)


def _details_form(visit: Visit, **values: Any) -> DetailsForm:
    settings = web.services().settings
    return DetailsForm(country=settings.country, calls_back=visit.service.calls_back, **values)


def _details_page(visit: Visit, token: str, form: DetailsForm) -> str:
    return render_template("booking/details.html", visit=visit, token=token, form=form)
