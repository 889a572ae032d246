"""The texts of messages in the browser: a list, and a page for each with its preview, test and history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.language import name_of
from fieldservice.message_words import case_words, kind_words, placeholder_words
from fieldservice.models import UserRole
from fieldservice.notify.facts import Company
from fieldservice.notify.rendering import letter, short_text
from fieldservice.notify.texts import CASES, PARTS, Key, allowed, product_text, sample
from fieldservice.notify.translations import languages, locale_in
from fieldservice.office import texts
from fieldservice.office.text_forms import TextForm

bp = Blueprint("texts", __name__)

admin = auth.require(UserRole.ADMIN)


@dataclass(frozen=True)
class Preview:
    """What a customer of one language reads."""

    language: str
    subject: str
    text: str
    own: bool


@bp.get("")
@admin
def show() -> ResponseReturnValue:
    """Every text, and which are the company's own."""
    with web.services().db.reading() as session:
        ours = texts.written_by_us(session)
    return render_template(
        "office/texts.html",
        kinds={kind: [f"{kind}.{case}" for case in cases] or [kind] for kind, cases in CASES.items()},
        channels=list(PARTS),
        languages=languages(),
        language=texts.own_language(web.services().settings.locale),
        ours=ours,
        language_name=name_of,
        kind_words=kind_words,
        case_words=case_words,
    )


@bp.route("/<name>/<channel>/<language>", methods=["GET", "POST"])
@admin
def text(name: str, channel: str, language: str) -> ResponseReturnValue:
    """One text: its parts, what they look like, where a test goes, who changed them."""
    key = (name, channel, language)
    if not texts.is_key(key):
        abort(404)
    settings = web.services().settings
    with web.services().db.reading() as session:
        shown = texts.shown(session, key, settings.locale)
        given = {**shown.words, "version": shown.version} if request.method != "POST" else None
        form = TextForm(key=key, country=settings.country, data=given)
        if request.method != "POST":
            return _page(session, key, form)
        if form.do.data != "reset" and not form.validate():
            return _page(session, key, form), 422
        if form.do.data == "look":
            return _page(session, key, form, looked=True)
    return _changed(key, form)


def _changed(key: Key, form: TextForm) -> ResponseReturnValue:
    """Store the words, go back to the product's own, or send a test."""
    now = clock.now()
    work = _send if form.do.data == "test" else _store
    try:
        return web.once(partial(work, key=key, form=form, now=now), now=now, scope=f"user:{auth.actor().id}")
    except texts.Overtaken:
        form.form_errors.append(_("Somebody changed this text meanwhile. Look at it again, then save yours"))
        with web.services().db.reading() as session:
            form.version.data = texts.shown(session, key, web.services().settings.locale).version
            return _page(session, key, form), 409


def _store(session: Session, *, key: Key, form: TextForm, now: datetime) -> ResponseReturnValue:
    reset = form.do.data == "reset" or form.words == _product(key)
    words = {} if reset else form.words
    texts.write(session, key, words, version=form.seen, now=now, actor=auth.actor().label)
    flash(_("The product’s own text is sent again.") if reset else _("Saved. This text is sent from now on."))
    return redirect(url(".text", name=key[0], channel=key[1], language=key[2]), 303)


def _send(session: Session, *, key: Key, form: TextForm, now: datetime) -> ResponseReturnValue:
    texts.send_test(
        session,
        key,
        form.words,
        form.to.data,
        locale=web.services().settings.locale,
        occasion=form.idempotency_key.data,
        now=now,
    )
    return _page(session, key, form, sent_to=form.to.data)


def _product(key: Key) -> Mapping[str, str]:
    name, channel, language = key
    return product_text(name, channel, locale_in(language, web.services().settings.locale))


def _page(session: Session, key: Key, form: TextForm, **more: Any) -> str:
    name, channel, language = key
    kind, _dot, case = name.partition(".")
    shown = texts.shown(session, key, web.services().settings.locale)
    typed = form.words if all(form.words.values()) else shown.words
    return render_template(
        "office/text.html",
        form=form,
        name=name,
        channel=channel,
        language=language,
        languages=languages(),
        language_name=name_of,
        channels=list(PARTS),
        title=kind_words(kind),
        case=case_words(case) if case else "",
        parts_of_text=PARTS[channel],
        product=_product(key),
        own=shown.own,
        placeholders={each: placeholder_words(each) for each in sorted(allowed(name, channel))},
        previews=[_preview(session, (name, channel, each), typed, language) for each in languages()],
        entries=texts.history(session, key),
        zone=ZoneInfo(texts.zone_of(session)),
        me=auth.actor(),
        **{"looked": False, "sent_to": ""} | more,
    )


def _preview(session: Session, key: Key, typed: Mapping[str, str], edited: str) -> Preview:
    """What is sent in one language; what was typed, in the language that is being edited."""
    name, channel, language = key
    settings = web.services().settings
    company = Company(settings.company_name, settings.company_phone, settings.company_email)
    link = f"{settings.public_url.rstrip('/')}/visit/…"
    zone = ZoneInfo(texts.zone_of(session))
    occasion = sample(name, locale_in(language, settings.locale), company, zone, link=link)
    shown = texts.shown(session, key, settings.locale)
    mine = language == edited
    if shown.own or mine:
        occasion = replace(occasion, own=typed if mine else shown.words)
    if channel == "sms":
        return Preview(language, "", short_text(occasion), shown.own)
    written = letter(occasion)
    return Preview(language, written.subject, written.text.strip(), shown.own)
