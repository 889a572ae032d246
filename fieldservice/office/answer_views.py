"""Answers that the company writes beforehand, in the browser: a list, and a page for each."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.language import name_of
from fieldservice.message_words import placeholder_words
from fieldservice.models import CannedAnswer, UserRole
from fieldservice.notify.texts import IN_ANSWERS
from fieldservice.office import answers, texts
from fieldservice.office.answer_forms import CannedForm
from fieldservice.office.forms import OfficeForm

bp = Blueprint("answers", __name__)

admin = auth.require(UserRole.ADMIN)


@bp.get("")
@admin
def show() -> ResponseReturnValue:
    """Every answer."""
    with web.services().db.reading() as session:
        return render_template(
            "office/answers.html", answers=answers.all_answers(session), language_name=name_of
        )


@bp.route("/new", methods=["GET", "POST"])
@admin
def new() -> ResponseReturnValue:
    """Write one more."""
    form = CannedForm()
    if request.method != "POST":
        form.language.data = texts.own_language(web.services().settings.locale)
        return _page(form, 0)
    return _written(form, 0)


@bp.route("/<int:answer_id>", methods=["GET", "POST"])
@admin
def one(answer_id: int) -> ResponseReturnValue:
    """Change one."""
    with web.services().db.reading() as session:
        found = session.get(CannedAnswer, answer_id) or abort(404)
    if request.method != "POST":
        return _page(CannedForm(obj=found), answer_id)
    return _written(CannedForm(), answer_id)


@bp.post("/<int:answer_id>/remove")
@admin
def remove(answer_id: int) -> ResponseReturnValue:
    """Take one away."""
    if not OfficeForm().validate():
        abort(422)

    def work(session: Session) -> ResponseReturnValue:
        found = session.get(CannedAnswer, answer_id, with_for_update=True) or abort(404)
        answers.remove(session, found, now=clock.now(), actor=auth.actor().label)
        flash(_("Removed. What was sent with it stays."))
        return redirect(url(".show"), 303)

    return web.once(work, now=clock.now(), scope=f"user:{auth.actor().id}")


def _written(form: CannedForm, answer_id: int) -> ResponseReturnValue:
    if not form.validate():
        return _page(form, answer_id), 422
    now, scope = clock.now(), f"user:{auth.actor().id}"
    try:
        return web.once(partial(_write, form=form, answer_id=answer_id, now=now), now=now, scope=scope)
    except texts.Overtaken:
        form.form_errors.append(_("Somebody changed this text meanwhile. Look at it again, then save yours"))
    except answers.TitleTaken:
        form.title.errors = [_("Another answer in this language is called so")]
    return _page(form, answer_id), 409


def _write(session: Session, *, form: CannedForm, answer_id: int, now: datetime) -> ResponseReturnValue:
    found = session.get(CannedAnswer, answer_id) or abort(404) if answer_id else CannedAnswer()
    words = {name: form[name].data for name in ("language", "title", "body")}
    answers.write(session, found, **words, version=form.seen, now=now, actor=auth.actor().label)
    flash(_("Saved. Whoever answers can use it from now on."))
    return redirect(url(".show"), 303)


def _page(form: CannedForm, answer_id: int) -> str:
    placeholders = {each: placeholder_words(each) for each in sorted(IN_ANSWERS)}
    return render_template("office/answer.html", form=form, answer_id=answer_id, placeholders=placeholders)
