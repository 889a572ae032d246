"""What helps before a visit is booked: first checks, common questions, and the page that says to call."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import StringField
from wtforms.validators import AnyOf

from fieldservice import clock, web
from fieldservice.auth import limits
from fieldservice.booking import bookable, drafts, pages
from fieldservice.booking.check_answers import answer_check
from fieldservice.booking.checks import follow
from fieldservice.booking.drafts import Draft
from fieldservice.booking.problem_form import ProblemForm
from fieldservice.models import Ending, TroubleshootingStep
from fieldservice.models.catalogue import NO, YES

bp = Blueprint("check", __name__)


class CheckForm(FlaskForm):  # type: ignore[misc]
    """One check and its answer, which is one of two buttons."""

    step = StringField()
    answer = StringField(validators=[AnyOf([YES, NO], message=_("Answer with yes or no"))])

    def names_one_of(self, steps: Sequence[TroubleshootingStep]) -> bool:
        """Whether the check still exists, and is answered; otherwise the form says what is wrong."""
        valid: bool = self.validate()
        if self.step.data not in {step.code for step in steps}:
            self.form_errors.append(_("This check has changed meanwhile. Please answer again"))
            return False
        return valid


@bp.get("/book/help")
@limits.LOOKUP
def help_first() -> str:
    """The first checks and common questions of one service, for when another card is picked."""
    with web.services().db.reading() as session:
        services = bookable.active_services(session)
    form = ProblemForm.for_services(services)(request.args, meta={"csrf": False})
    return render_template("booking/_help.html", form=form, services=services)


@bp.get("/book/<token>/try")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """The check that is next, or what the checks came to; `?step=` goes back to one that was answered."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now(), even_call_us=True)
        way = follow(draft.service.first_checks, draft.answers.tried)
    back_to = {step.code: step for step in way.answered}.get(request.args.get("step", ""))
    if step := back_to or way.step:
        return _page(draft, step, CheckForm(formdata=None))
    if way.ending == Ending.SOLVED:
        return render_template("booking/solved.html", draft=draft, **_step())
    return redirect(url_for(_after(draft), token=token))


@bp.post("/book/<token>/try")
@limits.FORM
def answer(token: str) -> ResponseReturnValue:
    """Keep the answer to a check and go on."""
    now, form = clock.now(), CheckForm()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now, even_call_us=True)
        step = follow(draft.service.first_checks, draft.answers.tried).step
    if not form.names_one_of(draft.service.first_checks):
        shown = next((s for s in draft.service.first_checks if s.code == form.step.data), step)
        return (_page(draft, shown, form), 422) if shown else redirect(url_for(".show", token=token), 303)

    def work(session: Session) -> ResponseReturnValue:
        draft = drafts.find(session, token, now=now, lock=True, even_call_us=True)
        answer_check(session, draft, form.step.data, form.answer.data, now=now)
        return redirect(url_for(".show", token=token), 303)

    return web.once(work, now=now, scope=token)


@bp.get("/book/<token>/call")
@limits.LOOKUP
def call(token: str) -> ResponseReturnValue:
    """What to do instead of booking, with the phone number; nothing is booked."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now(), even_call_us=True)
    if draft.call_us is None:
        return redirect(url_for("booking.confirm", token=token))
    return render_template("booking/call.html", draft=draft, asked=draft.found.call_us is not None)


def _after(draft: Draft) -> str:
    """Where a customer goes on whose checks did not help, or were none."""
    if not draft.service.first_checks or draft.found.unanswered:
        return "booking.change_problem"
    return "booking.check.call" if draft.call_us is not None else "booking.address.show"


def _page(draft: Draft, step: TroubleshootingStep, form: CheckForm) -> str:
    answered = [check.code for check in draft.way.answered]
    number = answered.index(step.code) if step.code in answered else len(answered)
    return render_template(
        "booking/check_first.html",
        draft=draft,
        check=step,
        form=form,
        number=number + 1,
        before=answered[number - 1] if number else "",
        **_step(),
    )


def _step() -> dict[str, object]:
    return {"step": 1, "steps": pages.step_names()}
