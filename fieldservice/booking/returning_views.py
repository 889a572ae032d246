"""I have booked before: an address, the code that was sent to it, the saved sites. A GET changes nothing."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, language, web
from fieldservice.attachments import service as attachments
from fieldservice.auth import codes, limits, visitors
from fieldservice.auth.visitors import Reach
from fieldservice.booking import again, drafts, guard, pages, returning
from fieldservice.booking.after_forms import CodeForm
from fieldservice.booking.drafts import Draft, DraftAnswers
from fieldservice.booking.pages import gettext
from fieldservice.booking.returning_forms import ReturningForm, SavedSiteForm, reach_in
from fieldservice.models import CodePurpose, Site

bp = Blueprint("returning", __name__)


@bp.get("/book/returning")
def start() -> str:
    """Who are you? Also the way to another code."""
    return _start_page(_form())


@bp.post("/book/returning")
@limits.BOOKING
def ask() -> ResponseReturnValue:
    """Send a code, if the address is known; the answer is the same when it is not."""
    form = _form()
    if not form.validate():
        return _start_page(form), 422
    return send_code(form["known"].data, None)


def send_code(typed: str, answers: DraftAnswers | None, token: str = "") -> ResponseReturnValue:
    """Send a code to what was typed and keep what was answered already, in a draft with this token."""
    now, settings = clock.now(), web.services().settings
    to = reach_in(typed, settings.country)
    return web.once(partial(_send, to=to, answers=answers, token=token, now=now), now=now)


def _send(
    session: Session, *, to: Reach, answers: DraftAnswers | None, token: str, now: datetime
) -> ResponseReturnValue:
    settings = web.services().settings
    guard.note_trap(session, now=now)
    draft = None
    if answers is None and token and attachments.of_owner(session, token):
        answers = DraftAnswers(service="")  # photos were chosen and no service: the draft keeps them
    if answers is not None:
        draft = drafts.start(session, answers, now=now, token=token, network=guard.network())
    session.flush()
    code = returning.ask(
        session, to, draft, locale=language.locale(), secret_key=settings.secret_key, now=now
    )
    return redirect(url_for("booking.returning.show", code=code.token), 303)


@bp.get("/book/returning/<code>")
@limits.LOOKUP
def show(code: str) -> str:
    """Where the code is entered; it says the same whether or not one was sent."""
    with web.services().db.reading() as session:
        found = visitors.find(session, code, CodePurpose.RETURNING)
        form = CodeForm(formdata=None)
        if request.args.get("tried") == "wrong":
            form.code.errors = [gettext("This is not the code that we sent last")]
        if not visitors.counts(found, now=clock.now()):
            form.code.errors = [gettext("This code does not count any more. Have another one sent")]
        return _code_page(code, form)


@bp.post("/book/returning/<code>")
@limits.BOOKING
def prove(code: str) -> ResponseReturnValue:
    """Compare the code; then the booking begins with all that is known."""
    now, form = clock.now(), CodeForm()
    with web.services().db.reading() as session:
        visitors.find(session, code, CodePurpose.RETURNING)
    if not form.validate():
        return _code_page(code, form), 422
    return web.once(partial(_prove, token=code, typed=form.code.data, now=now), now=now, scope=code)


def _prove(session: Session, *, token: str, typed: str, now: datetime) -> ResponseReturnValue:
    code = visitors.find(session, token, CodePurpose.RETURNING, lock=True)
    orders = returning.orders_of(session, code)
    secret_key = web.services().settings.secret_key
    try:
        right = visitors.use(code, typed, secret_key=secret_key, now=now)
    except codes.WrongCode:
        return redirect(url_for("booking.returning.show", code=token), 303)
    if not right or not orders:
        return redirect(url_for("booking.returning.show", code=token, tried="wrong"), 303)
    asked = returning.has_picked(session, code)
    draft = returning.resume(session, code, orders, now=now, network=guard.network())
    return redirect(url_for("booking.confirm" if asked else "booking.change_problem", token=draft.token), 303)


@bp.get("/book/<token>/sites")
def sites(token: str) -> ResponseReturnValue:
    """Which of your addresses?"""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now())
        saved = returning.saved_sites(session, draft.answers)
    if not saved:
        return redirect(url_for("booking.address.show", token=token))
    chosen = next((site for site in saved if draft.answers.site == again.site_answers(site)), saved[0])
    return _sites_page(draft, saved, SavedSiteForm.for_sites(saved)(data={"site": str(chosen.id)}))


@bp.post("/book/<token>/sites")
@limits.FORM
def keep_site(token: str) -> ResponseReturnValue:
    """Go to one of the customer's addresses."""
    now = clock.now()
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=now)
        saved = returning.saved_sites(session, draft.answers)
    form = SavedSiteForm.for_sites(saved)()
    if not form.validate():
        return _sites_page(draft, saved, form), 422
    chosen = next(site for site in saved if str(site.id) == form["site"].data)

    def work(session: Session) -> ResponseReturnValue:
        draft = drafts.find(session, token, now=now, lock=True)
        inside = returning.keep_site(session, draft, session.get_one(Site, chosen.id))
        ahead = "booking.confirm" if inside else "booking.address.outside"
        return redirect(url_for(ahead, token=token), 303)

    return web.once(work, now=now, scope=token)


def _form() -> ReturningForm:
    return ReturningForm.of_country(web.services().settings.country)()


def _start_page(form: ReturningForm) -> str:
    return render_template("booking/returning.html", form=form)


def _code_page(code: str, form: CodeForm) -> str:
    return render_template("booking/returning_code.html", form=form, code=code)


def _sites_page(draft: Draft, saved: list[Site], form: SavedSiteForm) -> str:
    return render_template(
        "booking/sites.html", draft=draft, saved=saved, form=form, step=2, steps=pages.step_names()
    )
