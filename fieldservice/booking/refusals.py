"""What customers are answered when a draft or a visit cannot be had, or something can no longer be done."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fieldservice import web
from fieldservice.booking import chat, drafts, edge, manage, pages
from fieldservice.models import Visit


def install(bp: Blueprint) -> None:
    """Answer the refusals of the blueprint's pages, and of the pages inside it, in words."""
    bp.register_error_handler(manage.TooLate, _too_late)
    bp.register_error_handler(manage.OutOfOrder, _out_of_order)
    bp.register_error_handler(manage.NotOpen, _not_open)
    bp.register_error_handler(drafts.DraftIncomplete, _go_back)
    bp.register_error_handler(drafts.CallUsNow, _call_us)
    bp.register_error_handler(drafts.AlreadyBooked, _go_on)
    bp.register_error_handler(chat.WithAVisit, _with_a_visit)
    bp.register_error_handler(drafts.DraftUnknown, _draft_unknown)
    bp.register_error_handler(drafts.DraftExpired, _draft_expired)


def _go_back(error: drafts.DraftIncomplete) -> ResponseReturnValue:
    endpoint = {
        "problem": "booking.change_problem",
        "address": "booking.address.show",
        "time": "booking.time",
    }[error.step]
    return redirect(url_for(endpoint, token=error.token), 303)


def _call_us(error: drafts.CallUsNow) -> ResponseReturnValue:
    return redirect(url_for("booking.check.call", token=error.token), 303)


def _go_on(error: drafts.AlreadyBooked) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        return redirect(edge.visit_url("booked", session.get_one(Visit, error.visit_id)), 303)


def _draft_unknown(_: drafts.DraftUnknown) -> ResponseReturnValue:
    return render_template("booking/draft_gone.html", expired=False), 404


def _draft_expired(_: drafts.DraftExpired) -> ResponseReturnValue:
    return render_template("booking/draft_gone.html", expired=True), 410


def _with_a_visit(_: chat.WithAVisit) -> ResponseReturnValue:
    return render_template("booking/with_a_visit.html"), 410


def _too_late(error: manage.TooLate) -> ResponseReturnValue:
    return refused(pages.too_late_words(error.deadline, error.zone))


def _not_open(error: manage.NotOpen) -> ResponseReturnValue:
    return refused(pages.not_open_words(error.state))


def _out_of_order(_: manage.OutOfOrder) -> ResponseReturnValue:
    return refused(
        pages.gettext(
            "Your visits come one after the other, and this time would change their order. "
            "Pick another time, or change the other visit first."
        )
    )


def refused(
    why: str, status: int = 409, *, back: str | None = None, heading: str = ""
) -> ResponseReturnValue:
    """The page that says why, with the phone number and the way back to the visit, unless there is none."""
    if back is None:
        back = url_for("booking.visit.show", token=(request.view_args or {})["token"])
    heading = heading or pages.gettext("Please call us")
    return render_template("booking/refused.html", why=why, back=back, heading=heading), status
