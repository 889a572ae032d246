"""The phone menu's addresses, which a provider asks while somebody calls; its signature proves who asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Blueprint, abort, request
from flask import Response as Answer
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits
from fieldservice.messages.signatures import is_signed_as_twilio
from fieldservice.messages.twiml import Response
from fieldservice.messages.voice import CALL_ME, CONFIRM, HOW_LATE, PERSON, Caller, Menu
from fieldservice.typed import Phone

bp = Blueprint("voice", __name__)

_LONGEST_NAME = 64


@bp.post("/hooks/voice")
@limits.POLL
def call() -> ResponseReturnValue:
    """Somebody calls."""
    return _speak(lambda _session, menu: menu.greet())


@bp.post("/hooks/voice/key")
@limits.POLL
def key() -> ResponseReturnValue:
    """Somebody pressed a key, or none. Nothing that is written in the address is more than a count."""
    pressed, tries = request.form.get("Digits", ""), web.row_of(request.args.get("tries", "")) or 0
    return _speak(partial(_pressed, pressed=pressed, tries=tries, last="last" in request.args))


@bp.post("/hooks/voice/number")
@limits.POLL
def number() -> ResponseReturnValue:
    """Somebody whose number is hidden typed one, or 0 for a person."""
    typed, tries = request.form.get("Digits", ""), web.row_of(request.args.get("tries", "")) or 0
    phone = Phone(web.services().settings.country).parse(typed[:40]) or ""
    if typed == PERSON:
        return _speak(lambda _session, menu: menu.person())
    return _speak(lambda session, menu: menu.call_back_on(session, phone, tries=tries))


def _pressed(session: Session, menu: Menu, *, pressed: str, tries: int, last: bool) -> Response:
    if pressed == PERSON:
        return menu.person()
    if last:
        return menu.goodbye()
    if pressed == CONFIRM:
        return menu.confirm(session)
    if pressed == CALL_ME:
        return menu.call_back(session)
    if pressed == HOW_LATE:
        return menu.how_late(session, web.services().tables)
    return menu.again(tries)


type Speak = Callable[[Session, Menu], Response]


def _speak(answer: Speak) -> ResponseReturnValue:
    caller, services = _caller(), web.services()

    def work(session: Session) -> bytes:
        menu = Menu.of(session, caller, services.settings, now=clock.now())
        return answer(session, menu).xml()

    try:
        content = services.db.run(work)
    except IntegrityError:  # the same key was reported twice at once: whoever is second finds the first
        content = services.db.run(work)
    return Answer(content, content_type="text/xml; charset=utf-8")


def _caller() -> Caller:
    """Who calls, if the provider with the secret asks: 404 without a secret, 403 unsigned, 400 incomplete."""
    settings = web.services().settings
    if not settings.voice_secret:
        abort(404)
    asked = request.full_path.removesuffix("?")
    url, form = settings.public_url.rstrip("/") + asked, request.form.to_dict()
    if not is_signed_as_twilio(settings.voice_secret, url, dict(request.headers), form):
        abort(403)
    name, ours = form.get("CallSid", ""), form.get("Direction", "").startswith("outbound")
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        abort(400)
    phone = Phone(settings.country).parse(form.get("To" if ours else "From", "")[:40])
    return Caller(call=name, phone=phone or "")
