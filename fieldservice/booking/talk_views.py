"""The private page's conversation with the office, and the correction of details. A GET changes nothing."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.booking import conversation, details, pages, refusals, talk_pages
from fieldservice.booking.after_forms import DetailsForm, MessageForm
from fieldservice.models import Visit

bp = Blueprint("talk", __name__)


@bp.get("/visit/<token>/messages")
@limits.LOOKUP
def messages(token: str) -> ResponseReturnValue:
    """The conversation, who answers and when."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        return _messages_page(visit, token, MessageForm(), now)


@bp.get("/visit/<token>/messages/new")
@limits.POLL
def new_messages(token: str) -> ResponseReturnValue:
    """The list of messages alone; 204 when there is nothing after the one that is named."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        thread = talk_pages.thread_of(visit, now=now)
    if thread.last == (web.row_of(request.args.get("after", "")) or 0):
        return "", 204
    return render_template("booking/_thread.html", thread=thread, token=token, news=True)


@bp.post("/visit/<token>/messages")
@limits.FORM
def ask(token: str) -> ResponseReturnValue:
    """Send a message to the office."""
    now, form = clock.now(), MessageForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        if not form.validate():
            return _messages_page(visit, token, form, now), 422
    try:
        return web.once(partial(_ask, token=token, body=form.body.data, now=now), now=now, scope=token)
    except conversation.TooManyMessages:
        return refusals.refused(talk_pages.too_many_words(), 429)


def _ask(session: Session, *, token: str, body: str, now: datetime) -> ResponseReturnValue:
    conversation.ask(session, links.find_visit(session, token, now=now), body, now=now)
    return redirect(url_for(".messages", token=token, _anchor="write"), 303)


def _messages_page(visit: Visit, token: str, form: MessageForm, now: datetime) -> str:
    return render_template(
        "booking/messages.html",
        visit=visit,
        token=token,
        form=form,
        thread=talk_pages.thread_of(visit, now=now),
        answers=talk_pages.answer_words(visit.territory.zone, now=now),
    )


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
        form = DetailsForm(data=known, country=web.services().settings.country)
        return _details_page(visit, token, form)


@bp.post("/visit/<token>/details")
@limits.FORM
def keep_details(token: str) -> ResponseReturnValue:
    """Store what was corrected and say what it changes."""
    now, form = clock.now(), DetailsForm(country=web.services().settings.country)
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        details.require_correctable(visit)
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


def _details_page(visit: Visit, token: str, form: DetailsForm) -> str:
    return render_template("booking/details.html", visit=visit, token=token, form=form)
