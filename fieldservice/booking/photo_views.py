"""Photos and documents of a booking that is being made, and of a visit behind its private link.

Adding needs no key: the same file sent twice is kept once. A GET changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime
from functools import partial

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.attachments import service as attachments
from fieldservice.attachments import serving, uploads
from fieldservice.attachments.report import has_report
from fieldservice.attachments.report import send as send_report
from fieldservice.attachments.requests import takes_files
from fieldservice.attachments.service import Label
from fieldservice.auth import limits, links
from fieldservice.booking import bookable, drafts, manage
from fieldservice.booking.problem_form import ProblemForm
from fieldservice.booking.service import CUSTOMER
from fieldservice.models import Attachment, Visit, VisitState
from fieldservice.models.visit import ENDED, PLANNABLE

draft_bp = Blueprint("photos", __name__)
visit_bp = Blueprint("photos", __name__)
REFUSED = "files"
"""The category of messages about files that were not added."""


# ---------- Of a booking that is being made ----------


def receive_with(form: ProblemForm, token: str, *, valid: bool, now: datetime) -> None:
    """Keep the files that came with the first screen's form, and take away those that are ticked.

    Those of a form with mistakes are kept, too: a browser cannot send files again by itself, as it can ticks.
    What is not kept is said on the page that comes next.
    """
    gone = set(filter(None, request.form.getlist("drop", type=web.row_of)))
    if gone and valid:
        web.services().db.run(lambda session: _drop(session, token, gone, now=now))
    labels = form.file_labels()
    for why in uploads.receive(partial(draft_token, token=token, now=now), labels, actor=CUSTOMER, now=now):
        flash(why, REFUSED)


def files_of_draft(token: str) -> Sequence[Attachment]:
    """The files of a draft, whether it has begun or not."""
    with web.services().db.reading() as session:
        return attachments.of_owner(session, token)


@draft_bp.post("/book/<token>/photos")
@limits.FORM
@takes_files
def add(token: str) -> ResponseReturnValue:
    """Keep files while the form is being filled in; the list of all of them."""
    now = clock.now()
    with web.services().db.reading() as session:
        services = bookable.active_services(session)
    labels = ProblemForm.for_services(services).file_labels()
    owner = partial(draft_token, token=token, now=now)
    web.services().db.run(owner)  # a token that is none is refused before a file is looked at
    return _list(token, uploads.receive(owner, labels, actor=CUSTOMER, now=now))


@draft_bp.post("/book/<token>/photos/<int:attachment_id>/remove")
@limits.FORM
def remove(token: str, attachment_id: int) -> ResponseReturnValue:
    """Take a file away; the list of those that are left."""
    now = clock.now()
    if not web.services().db.run(lambda session: _drop(session, token, {attachment_id}, now=now)):
        abort(404)
    return _list(token, [])


@draft_bp.get("/book/<token>/photos/<int:attachment_id>")
@limits.POLL
def file(token: str, attachment_id: int) -> Response:
    """One file; `?size=small` is the small picture of a photo."""
    with web.services().db.reading() as session:
        owner = draft_token(session, token, now=clock.now(), lock=False)
        return _send(attachments.find(session, owner, attachment_id))


def draft_token(session: Session, token: str, *, now: datetime, lock: bool = True) -> str:
    """The token of a draft that can be changed, and that of one that has not begun.

    Raises DraftUnknown, DraftExpired, and AlreadyBooked.
    """
    try:
        drafts.find(session, token, now=now, lock=lock, even_call_us=True)
    except drafts.DraftUnknown:
        if not drafts.is_token(token):
            raise
    return token


def _drop(session: Session, token: str, numbers: set[int], *, now: datetime) -> int:
    owner = draft_token(session, token, now=now)
    gone = [found for found in attachments.of_owner(session, owner) if found.id in numbers]
    attachments.remove(session, web.services().files, gone)
    return len(gone)


def _list(token: str, refused: Sequence[str]) -> str:
    return render_template("booking/_photos.html", files=files_of_draft(token), token=token, refused=refused)


# ---------- Of a visit ----------


@visit_bp.get("/visit/<token>/photos")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """What the customer sent, and the way to add or remove."""
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=clock.now())
        return render_template(
            "booking/photos.html",
            visit=visit,
            token=token,
            files=_own(session, visit),
            addable=visit.state not in ENDED,
            removable=visit.state in PLANNABLE,
        )


@visit_bp.post("/visit/<token>/photos", endpoint="add")
@limits.FORM
@takes_files
def add_to_visit(token: str) -> ResponseReturnValue:
    """Add files until the visit is over."""
    now = clock.now()
    owner = partial(_open_visit, token=token, states=frozenset(VisitState) - ENDED, now=now)
    web.services().db.run(owner)
    for why in uploads.receive(owner, {uploads.FIELD: Label(name="")}, actor=CUSTOMER, now=now):
        flash(why, REFUSED)
    return redirect(url_for(".show", token=token), 303)


@visit_bp.post("/visit/<token>/photos/<int:attachment_id>/remove", endpoint="remove")
@limits.FORM
def remove_from_visit(token: str, attachment_id: int) -> ResponseReturnValue:
    """Take one of the customer's own files away, until the technician sets off."""
    now = clock.now()

    def work(session: Session) -> ResponseReturnValue:
        visit = _open_visit(session, token=token, states=PLANNABLE, now=now)
        gone = [found for found in _own(session, visit) if found.id == attachment_id]
        if not gone:
            abort(404)
        attachments.remove(session, web.services().files, gone)
        return redirect(url_for(".show", token=token), 303)

    return web.once(work, now=now, scope=token)


@visit_bp.get("/visit/<token>/photos/<int:attachment_id>", endpoint="file")
@limits.POLL
def file_of_visit(token: str, attachment_id: int) -> Response:
    """One of the customer's own files; `?size=small` is the small picture of a photo."""
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=clock.now())
        own = (found for found in _own(session, visit) if found.id == attachment_id)
        return _send(next(own, None))


@visit_bp.get("/visit/<token>/report.pdf")
@limits.LOOKUP
def report(token: str) -> Response:
    """What the technician wrote down at the visit, with who signed; 404 before the visit is done."""
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=clock.now())
        if not has_report(session, visit):
            abort(404)
        return send_report(session, visit)


def _open_visit(session: Session, token: str, states: Set[VisitState], now: datetime) -> Visit:
    """The visit while it is in one of the states. Locks it. Raises NotOpen."""
    visit = links.find_visit(session, token, now=now)
    session.refresh(visit, with_for_update={"of": Visit})
    if visit.state not in states:
        raise manage.NotOpen(visit)
    return visit


def _own(session: Session, visit: Visit) -> list[Attachment]:
    return [found for found in attachments.of_owner(session, visit) if found.actor == CUSTOMER]


def _send(attachment: Attachment | None) -> Response:
    if attachment is None or attachment.harmful:
        abort(404)
    return serving.send(attachment, small=request.args.get("size") == serving.SMALL)
