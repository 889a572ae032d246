"""Writing with the office before anything is booked: whoever has the booking's token, and nobody else."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice.auth import limits
from fieldservice.booking import chat, drafts, guard
from fieldservice.booking.desk import Desk, Opened
from fieldservice.booking.photo_views import draft_token
from fieldservice.language import current
from fieldservice.models.answers import zone_before_a_visit

bp = Blueprint("chat", __name__)


def _find(session: Session, token: str, now: datetime) -> Opened:
    draft_token(session, token, now=now, lock=False)
    guest = chat.open_guest(session, token, now=now)
    return guest.conversation if guest is not None else None, zone_before_a_visit(session)


def _write(session: Session, token: str, body: str, now: datetime) -> object:
    draft_token(session, token, now=now)
    try:
        about = drafts.find(session, token, now=now, even_call_us=True).answers.service
    except drafts.DraftUnknown:
        about = request.args.get("service", "")
    who = {"service": about, "locale": current(), "network": guard.network()}
    return chat.ask(session, token, body, **who, now=now)


DESK = Desk(("booking.chat.show", "booking.chat.new_messages", "booking.chat.ask"), _find, _write)


@bp.get("/book/<token>/chat")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """The conversation; on a page of its own, beside the form."""
    return DESK.show(token)


@bp.get("/book/<token>/chat/new")
@limits.POLL
def new_messages(token: str) -> ResponseReturnValue:
    """What is new in it."""
    return DESK.news(token)


@bp.post("/book/<token>/chat")
@limits.FORM
def ask(token: str) -> ResponseReturnValue:
    """Write to the office."""
    return DESK.ask(token)
