"""What gateways and mail servers hand over. Nobody is signed in; a signature proves who calls."""

from __future__ import annotations

import hmac
from datetime import datetime
from functools import partial

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits
from fieldservice.messages.inbound import Received, receive
from fieldservice.messages.mail_in import LARGEST_MAIL, take_in
from fieldservice.messages.signatures import is_signed, is_signed_as_twilio
from fieldservice.notify.social import SocialChannel, SocialText, social_channels
from fieldservice.typed import Phone

bp = Blueprint("hooks", __name__)

_LONGEST_KEY = 120
_LONGEST_BODY = 5000


@bp.post("/hooks/sms")
@limits.POLL
def sms() -> ResponseReturnValue:
    """Take in a text: JSON with `id`, `from`, `text`, or a form with `MessageSid`, `From`, `Body`."""
    received = _read()
    outcome = _take(received)
    if request.is_json:
        return jsonify({"outcome": outcome})
    return Response("<Response/>", content_type="text/xml")


@bp.get("/hooks/social/<name>")
@limits.POLL
def prove_social(name: str) -> ResponseReturnValue:
    """A provider asks whether this address is ours: who knows the token gets the challenge back."""
    asked, token = request.args.get("hub.challenge", ""), _social(name).verify_token
    given = request.args.get("hub.verify_token", "")
    if not token or not hmac.compare_digest(token.encode(), given.encode()):
        abort(403)
    return Response(asked[:_LONGEST_KEY], content_type="text/plain")


@bp.post("/hooks/social/<name>")
@limits.POLL
def social(name: str) -> ResponseReturnValue:
    """Take in what people wrote on a social channel: the provider's JSON, signed in its own header."""
    channel = _social(name)
    if not channel.is_signed(request.headers.get(channel.header, ""), request.get_data()):
        abort(403)
    payload = request.get_json(silent=True)
    if payload is None:
        abort(400)
    return jsonify({"outcomes": [_take(_said_on(channel, text)) for text in channel.messages(payload)]})


@bp.post("/hooks/email")
@limits.POLL
def email() -> ResponseReturnValue:
    """Take in an e-mail as it came over the wire: the body is the e-mail, and the headers sign it."""
    services = web.services()
    secret = services.settings.mail_secret
    if not secret:
        abort(404)
    request.max_content_length = LARGEST_MAIL
    if not is_signed(secret, dict(request.headers), raw := request.get_data(), now=clock.now()):
        abort(403)
    outcome = take_in(raw, services.db, services.files, services.settings, now=clock.now())
    return jsonify({"outcome": outcome})


def _social(name: str) -> SocialChannel:
    return social_channels(web.services().settings.social_channels).get(name) or abort(404)


def _said_on(channel: SocialChannel, text: SocialText) -> Received:
    """A number comes without its +, as the channels have it."""
    phone = None
    if channel.sender_is_phone:
        phone = Phone(web.services().settings.country).parse(f"+{text.sender.lstrip('+')}")
    return Received(
        provider_key=text.key,
        sender=text.sender,
        body=text.text[:_LONGEST_BODY],
        phone=phone or "",
        channel=channel.name,
        person=text.person,
    )


def _take(received: Received) -> str:
    work = partial(_outcome, received=received, now=clock.now())
    try:
        return web.services().db.run(work)
    except IntegrityError:
        # The same text was reported twice at once: whoever is second finds the first.
        return web.services().db.run(work)


def _outcome(session: Session, *, received: Received, now: datetime) -> str:
    return receive(session, received, locale=web.services().settings.locale, now=now).outcome


def _read() -> Received:
    """The text, if a gateway with the secret sent it: 404 without a secret, 403 unsigned, 400 incomplete."""
    settings = web.services().settings
    secret = settings.sms_secret
    if not secret:
        abort(404)
    if request.is_json:
        if not is_signed(secret, dict(request.headers), request.get_data(), now=clock.now()):
            abort(403)
        content = request.get_json(silent=True)
        content = content if isinstance(content, dict) else {}
        names = ("id", "from", "text")
    else:
        content, names = request.form.to_dict(), ("MessageSid", "From", "Body")
        url = settings.public_url.rstrip("/") + request.path
        if not is_signed_as_twilio(secret, url, dict(request.headers), content):
            abort(403)
    values = [content.get(name) for name in names]
    key, sender, body = (value if isinstance(value, str) else "" for value in values)
    phone = Phone(settings.country).parse(sender)
    if not key or len(key) > _LONGEST_KEY or phone is None or "\x00" in key + body:
        abort(400)
    return Received(provider_key=key, sender=phone, body=body[:_LONGEST_BODY], phone=phone)
