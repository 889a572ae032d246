"""Further services of the same booking: added one by one, and taken off again."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import Length

from fieldservice import clock, web
from fieldservice.auth import limits
from fieldservice.booking import drafts, pages
from fieldservice.booking.drafts import AlsoAnswers, Draft
from fieldservice.booking.problem_form import ProblemForm
from fieldservice.booking.several import MOST, Wanted
from fieldservice.models import Service
from fieldservice.typed import Readable, tidy

bp = Blueprint("several", __name__)


class RemoveForm(FlaskForm):  # type: ignore[misc]
    """Which further service is taken off."""

    service = StringField(_("Service"), filters=[tidy], validators=[Length(max=40), Readable()])


@bp.get("/book/<token>/services")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """What is booked so far, and what else there is."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now())
        services = drafts.addable_services(session, draft)
    return _page(draft, ProblemForm.for_services(services)(formdata=None), services)


@bp.post("/book/<token>/services")
@limits.FORM
def add(token: str) -> ResponseReturnValue:
    """One more service; the window is picked anew, for the work takes longer."""
    now = clock.now()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        services = drafts.addable_services(session, draft)
    form = ProblemForm.for_services(services)()
    if not form.validate() or not _can_be_added(draft, form, services):
        return _page(draft, form, services), 422
    more = AlsoAnswers(service=form.code, questions=form.answers_of(form.code), problem=form.problem.data)

    def work(session: Session) -> ResponseReturnValue:
        found = drafts.find(session, token, now=now, lock=True)
        others = [each for each in found.answers.also if each.service != more.service]
        drafts.keep(found, also=(*others, more)[-(MOST - 1) :])
        return redirect(url_for("booking.confirm", token=token), 303)

    return web.once(work, now=now, scope=token)


@bp.post("/book/<token>/services/remove")
@limits.FORM
def remove(token: str) -> ResponseReturnValue:
    """One service less."""
    now, form = clock.now(), RemoveForm()
    form.validate()  # what names no service of the draft takes nothing off

    def work(session: Session) -> ResponseReturnValue:
        found = drafts.find(session, token, now=now, lock=True)
        left = tuple(each for each in found.answers.also if each.service != form.service.data)
        drafts.keep(found, also=left)
        return redirect(url_for(".show", token=token), 303)

    return web.once(work, now=now, scope=token)


def _can_be_added(draft: Draft, form: ProblemForm, services: Sequence[Service]) -> bool:
    """Whether the service can be booked here after its answers; otherwise the form says what to do."""
    if len(draft.wanted) >= MOST:
        form.form_errors.append(_("One booking has at most %(most)d services", most=MOST))
        return False
    chosen = next(service for service in services if service.code == form.code)
    found = Wanted(chosen, form.answers_of(form.code)).found
    if found.unanswered:  # whoever asks for first checks here gets none, and skips no question with it
        form.form_errors.append(_("Answer the questions that are not optional"))
    if found.call_us is not None:
        phone = web.services().settings.company_phone
        form.form_errors.append(found.call_us)
        form.form_errors.append(_("This cannot be booked online. Please call %(phone)s", phone=phone))
    return not found.unanswered and found.call_us is None


def _page(draft: Draft, form: ProblemForm, services: Sequence[Service]) -> str:
    return render_template(
        "booking/services.html",
        draft=draft,
        form=form,
        services=services if len(draft.wanted) < MOST else [],
        most=MOST,
        step=1,
        steps=pages.step_names(),
    )
