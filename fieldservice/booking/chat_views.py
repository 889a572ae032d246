"""Writing with the office before anything is booked: whoever has the booking's token, and nobody else."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits
from fieldservice.booking import chat, conversation, drafts, guard, refusals, talk_pages
from fieldservice.booking.after_forms import MessageForm
from fieldservice.booking.photo_views import draft_token
from fieldservice.language import current
from fieldservice.models.answers import zone_before_a_visit

bp = Blueprint("chat", __name__)


@bp.get("/book/<token>/chat")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """The conversation, who answers and when; on a page of its own, beside the form."""
    now = clock.now()
    with web.services().db.reading() as session:
        return _page(session, token, MessageForm(), now)


@bp.get("/book/<token>/chat/new")
@limits.POLL
def new_messages(token: str) -> ResponseReturnValue:
    """The list of messages alone; 204 when there is nothing after the one that is named."""
    now = clock.now()
    with web.services().db.reading() as session:
        thread = _thread(session, token, now)
    if thread.last == (web.row_of(request.args.get("after", "")) or 0):
        return "", 204
    return render_template(
        "booking/_thread.html", thread=thread, token=token, news=True, news_at="booking.chat.new_messages"
    )


@bp.post("/book/<token>/chat")
@limits.FORM
def ask(token: str) -> ResponseReturnValue:
    """Send a message to the office."""
    now, form = clock.now(), MessageForm()
    with web.services().db.reading() as session:
        _thread(session, token, now)
        if not form.validate():
            return _page(session, token, form, now), 422
    try:
        return web.once(partial(_ask, token=token, body=form.body.data, now=now), now=now, scope=token)
    except conversation.TooManyMessages:
        return refusals.refused(talk_pages.too_many_words(), 429)


def _ask(session: Session, *, token: str, body: str, now: datetime) -> ResponseReturnValue:
    draft_token(session, token, now=now)
    try:
        about = drafts.find(session, token, now=now, even_call_us=True).answers.service
    except drafts.DraftUnknown:
        about = request.args.get("service", "")
    chat.ask(session, token, body, service=about, locale=current(), network=guard.network(), now=now)
    return redirect(url_for(".show", token=token, _anchor="write"), 303)


def _thread(session: Session, token: str, now: datetime) -> talk_pages.Thread:
    draft_token(session, token, now=now, lock=False)
    guest = chat.open_guest(session, token, now=now)
    talk = guest.conversation if guest is not None else None
    return talk_pages.thread_in(talk, zone_before_a_visit(session), now=now)


def _page(session: Session, token: str, form: MessageForm, now: datetime) -> str:
    return render_template(
        "booking/chat.html",
        token=token,
        form=form,
        thread=_thread(session, token, now),
        answers=talk_pages.answer_words(zone_before_a_visit(session), now=now),
        news_at="booking.chat.new_messages",
    )
