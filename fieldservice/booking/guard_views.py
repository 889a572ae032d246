"""The page of a visitor from where abuse was seen: a puzzle for their browser, or a code by message."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import StringField

from fieldservice import clock, web
from fieldservice.auth import abuse, codes, limits, puzzles, visitors
from fieldservice.auth.abuse import Level
from fieldservice.auth.visitors import Asked
from fieldservice.booking import drafts, guard
from fieldservice.booking.after_forms import CodeForm
from fieldservice.booking.drafts import Draft
from fieldservice.booking.pages import gettext
from fieldservice.booking.returning_forms import ReturningForm, reach_in
from fieldservice.models import CodePurpose

bp = Blueprint("guard", __name__)


class PuzzleForm(FlaskForm):  # type: ignore[misc]
    """What the browser found."""

    solution = StringField()


@bp.get("/book/<token>/guard")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """What has to be done; who has nothing to do goes on."""
    return _show(token, _reach_form())


@bp.post("/book/<token>/guard")
@limits.FORM
def solve(token: str) -> ResponseReturnValue:
    """Take the solution of the puzzle, once."""
    now, form = clock.now(), PuzzleForm()

    def work(session: Session) -> ResponseReturnValue:
        draft = drafts.find(session, token, now=now, lock=True)
        secret_key = web.services().settings.secret_key
        puzzles.require_solved(session, form.solution.data or "", token, secret_key=secret_key, now=now)
        draft.row.passed = max(draft.row.passed, Level.PUZZLE)
        return redirect(url_for("booking.confirm", token=token), 303)

    try:
        return web.once(work, now=now, scope=token)
    except puzzles.PuzzleWrong:
        return _show(token, _reach_form(), wrong=True)


@bp.post("/book/<token>/guard/code")
@limits.BOOKING
def send_code(token: str) -> ResponseReturnValue:
    """Send a code to whatever address the visitor reads."""
    now, form, settings = clock.now(), _reach_form(), web.services().settings
    if not form.validate():
        return _show(token, form)

    def work(session: Session) -> ResponseReturnValue:
        draft = drafts.find(session, token, now=now, lock=True)
        asked = Asked(purpose=CodePurpose.GUARD, draft_id=draft.row.id, locale=settings.locale)
        to = reach_in(form["known"].data, settings.country)
        code = visitors.send(session, to, asked, secret_key=settings.secret_key, now=now)
        return redirect(url_for(".enter", token=token, code=code.token), 303)

    return web.once(work, now=now, scope=token)


@bp.get("/book/<token>/guard/<code>")
@limits.LOOKUP
def enter(token: str, code: str) -> str:
    """Where the code is entered."""
    now, form = clock.now(), CodeForm(formdata=None)
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        found = visitors.find(session, code, CodePurpose.GUARD)
    if request.args.get("tried") == "wrong":
        form.code.errors = [gettext("This is not the code that we sent last")]
    if not visitors.counts(found, now=now):
        form.code.errors = [gettext("This code does not count any more. Have another one sent")]
    return _code_page(draft, code, form)


@bp.post("/book/<token>/guard/<code>")
@limits.BOOKING
def prove(token: str, code: str) -> ResponseReturnValue:
    """Compare the code."""
    now, form = clock.now(), CodeForm()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        visitors.find(session, code, CodePurpose.GUARD)
    if not form.validate():
        return _code_page(draft, code, form), 422

    def work(session: Session) -> ResponseReturnValue:
        return _prove(session, token, code, form.code.data, now)

    return web.once(work, now=now, scope=token)


def _prove(session: Session, token: str, code: str, typed: str, now: datetime) -> ResponseReturnValue:
    draft = drafts.find(session, token, now=now, lock=True)
    found = visitors.find(session, code, CodePurpose.GUARD, lock=True)
    again = redirect(url_for(".enter", token=token, code=code, tried="wrong"), 303)
    if found.draft_id != draft.row.id:
        raise visitors.CodeUnknown
    try:
        right = visitors.use(found, typed, secret_key=web.services().settings.secret_key, now=now)
    except codes.WrongCode:
        return again
    if not right:
        return again
    draft.row.passed = max(draft.row.passed, Level.CODE)
    return redirect(url_for("booking.confirm", token=token), 303)


def _show(token: str, form: ReturningForm, *, wrong: bool = False) -> ResponseReturnValue:
    now, services = clock.now(), web.services()
    with services.db.reading() as session:
        draft = drafts.find(session, token, now=now)
        level = guard.level(session, draft, now=now)
    if level == Level.NOTHING:
        return redirect(url_for("booking.confirm", token=token), 303)
    if level == Level.REFUSED:
        return render_template("booking/guard_refused.html", holds=False), 429
    puzzle = puzzles.make(token, secret_key=services.settings.secret_key, now=now)
    page = render_template(
        "booking/guard.html",
        draft=draft,
        form=form,
        puzzle=puzzle if level == Level.PUZZLE else None,
        algorithm=puzzles.ALGORITHM,
        wrong=wrong,
    )
    return (page, 422) if wrong or form.errors else page


def _reach_form() -> ReturningForm:
    return ReturningForm.of_country(web.services().settings.country)()


def _code_page(draft: Draft, code: str, form: CodeForm) -> str:
    return render_template("booking/guard_code.html", draft=draft, code=code, form=form)


def _guarded(error: guard.Guarded) -> ResponseReturnValue:
    return redirect(url_for("booking.guard.show", token=error.token), 303)


def _too_many_holds(_error: abuse.TooManyHolds) -> ResponseReturnValue:
    return render_template("booking/guard_refused.html", holds=True), 429


def _code_unknown(_error: visitors.CodeUnknown) -> ResponseReturnValue:
    return render_template("booking/draft_gone.html", expired=False), 404


def _too_many_codes(_error: codes.TooManyCodes) -> ResponseReturnValue:
    return render_template("booking/too_many_codes.html"), 429


def install(booking: Blueprint) -> None:
    """Answer what visitors are refused for on the booking pages, and on the pages inside them."""
    booking.register_error_handler(guard.Guarded, _guarded)
    booking.register_error_handler(abuse.TooManyHolds, _too_many_holds)
    booking.register_error_handler(visitors.CodeUnknown, _code_unknown)
    booking.register_error_handler(codes.TooManyCodes, _too_many_codes)
