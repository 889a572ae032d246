"""What a private page answers when something can no longer be done."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from fieldservice.booking import manage, pages


def install(bp: Blueprint) -> None:
    """Answer the refusals of the blueprint's pages, and of the pages inside it, in words."""
    bp.register_error_handler(manage.TooLate, _too_late)
    bp.register_error_handler(manage.NotOpen, _not_open)


def _too_late(error: manage.TooLate) -> ResponseReturnValue:
    return refused(pages.too_late_words(error.deadline, error.zone))


def _not_open(error: manage.NotOpen) -> ResponseReturnValue:
    return refused(pages.not_open_words(error.state))


def refused(why: str, status: int = 409) -> ResponseReturnValue:
    """The page that says why, with the way back to the visit and the phone number."""
    token = (request.view_args or {})["token"]
    return render_template("booking/refused.html", why=why, token=token), status
