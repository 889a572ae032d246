"""How did it go? The link in a message shows the page; only a tap on it rates."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.attachments.report import has_report
from fieldservice.auth import limits, links
from fieldservice.booking import feedback, refusals, talk_pages
from fieldservice.booking.after_forms import FeedbackForm, RatingForm
from fieldservice.booking.pages import gettext
from fieldservice.models import FeedbackKind, Visit

bp = Blueprint("feedback", __name__)


@bp.get("/visit/<token>/feedback")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """The stars, and below them what was said or can be said."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        feedback.require_over(visit)
        return _page(session, visit, token, _words_form(visit), now)


@bp.post("/visit/<token>/feedback")
@limits.FORM
def rate(token: str) -> ResponseReturnValue:
    """Keep the stars."""
    now, form = clock.now(), RatingForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        feedback.require_over(visit)
        if not form.validate():
            return _page(session, visit, token, form, now), 422
    work = partial(_rate, token=token, rating=int(form.rating.data), now=now)
    return web.once(work, now=now, scope=token)


def _rate(session: Session, *, token: str, rating: int, now: datetime) -> ResponseReturnValue:
    feedback.rate(session, links.find_visit(session, token, now=now), rating, now=now)
    return redirect(url_for(".show", token=token, _anchor="words"), 303)


@bp.post("/visit/<token>/feedback/words")
@limits.FORM
def say(token: str) -> ResponseReturnValue:
    """Keep the words; a complaint becomes a task."""
    now, form = clock.now(), FeedbackForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        feedback.require_over(visit)
        if not form.validate():
            return _page(session, visit, token, form, now), 422
    work = partial(_say, token=token, words=_words(form), now=now)
    return web.once(work, now=now, scope=token)


def _say(session: Session, *, token: str, words: feedback.Words, now: datetime) -> ResponseReturnValue:
    within = timedelta(hours=web.services().settings.complaint_hours)
    visit = links.find_visit(session, token, now=now)
    feedback.say(session, visit, words, answer_within=within, now=now)
    return redirect(url_for(".show", token=token, said="yes"), 303)


def _words(form: FeedbackForm) -> feedback.Words:
    return feedback.Words(
        points=list(form.points.data or ()),
        body=form.body.data,
        kind=FeedbackKind(form.kind.data or FeedbackKind.NEITHER),
    )


def _words_form(visit: Visit) -> FeedbackForm:
    said = visit.feedback
    if said is None:
        return FeedbackForm(formdata=None)
    return FeedbackForm(formdata=None, data={"points": said.points, "body": said.body, "kind": said.kind})


def _page(session: Session, visit: Visit, token: str, form: FeedbackForm | RatingForm, now: datetime) -> str:
    task, zone = feedback.open_complaint(session, visit), visit.territory.zone
    rating = visit.feedback.rating if visit.feedback else 0
    return render_template(
        "booking/feedback.html",
        visit=visit,
        token=token,
        form=form,
        words_form=form if isinstance(form, FeedbackForm) else _words_form(visit),
        rating=rating,
        has_report=has_report(session, visit),
        stars=star_words(),
        said=request.args.get("said") == "yes" and rating > 0,
        answered_by=talk_pages.moment_words(task.due_at, zone, now) if task and task.due_at else "",
    )


def star_words() -> list[str]:
    """What each number of stars means, from 1 to 5."""
    return [gettext("very bad"), gettext("bad"), gettext("okay"), gettext("good"), gettext("very good")]


def _not_over(_error: feedback.NotOver) -> ResponseReturnValue:
    why = gettext("You can tell us how it went once your visit was made.")
    return refusals.refused(why, heading=gettext("Tell us after the visit"))


def _not_rated(_error: feedback.NotRated) -> ResponseReturnValue:
    return refusals.refused(gettext("Please choose the stars first."), heading=gettext("How did it go?"))


bp.register_error_handler(feedback.NotOver, _not_over)
bp.register_error_handler(feedback.NotRated, _not_rated)
