"""The page on which the office decides about work that was done while the plan changed."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, redirect, render_template, send_file
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge, kept
from fieldservice.dispatch.edge import staff
from fieldservice.dispatch.running_forms import KeptDecisionForm
from fieldservice.files import FileMissing
from fieldservice.models import KeptDecision, KeptWork

bp = Blueprint("kept", __name__)


@bp.get("/visits/<int:visit_id>/kept")
@staff
def show(visit_id: int) -> ResponseReturnValue:
    """What the phone sent, what the plan says, and the choice between them."""
    with web.services().db.reading() as session:
        return _page(session, visit_id)


@bp.post("/visits/<int:visit_id>/kept/<int:kept_id>")
@staff
def decide(visit_id: int, kept_id: int) -> ResponseReturnValue:
    """Decide about one thing that was kept."""
    now, form = clock.now(), KeptDecisionForm()
    if not form.validate():
        with web.services().db.reading() as session:
            return _page(session, visit_id), 422
    chosen, actor = KeptDecision(form.decision.data), auth.actor()

    def work(session: Session) -> ResponseReturnValue:
        row = _row(session, visit_id, kept_id)
        kept.decide(session, row, chosen, user_id=actor.id, now=now, actor=actor.label)
        flash(_("Noted in the visit’s history."))
        return redirect(url(".show", visit_id=visit_id), 303)

    return edge.once(work)


@bp.get("/visits/<int:visit_id>/kept/<int:kept_id>/file")
@staff
def file(visit_id: int, kept_id: int) -> Response:
    """The photo or signature that came along, as a download."""
    with web.services().db.reading() as session:
        row = _row(session, visit_id, kept_id)
        try:
            path = web.services().files.path(row.file_key or "")
        except FileMissing:
            abort(404)
        name = row.file_name or f"{row.item_id}.bin"
        return send_file(path, "application/octet-stream", as_attachment=True, download_name=name)


@bp.errorhandler(kept.AlreadyDecided)
def _already(_error: kept.AlreadyDecided) -> ResponseReturnValue:
    return render_template("errors/409.html"), 409


def _row(session: Session, visit_id: int, kept_id: int) -> KeptWork:
    row = session.get(KeptWork, kept_id)
    return row if row is not None and row.visit_id == visit_id else abort(404)


def _page(session: Session, visit_id: int) -> str:
    visit = edge.visit_of(session, visit_id)
    rows = kept.of_visit(session, visit)
    return render_template(
        "board/kept.html",
        visit=visit,
        rows=rows,
        zone=visit.territory.zone,
        on=edge.shown_on(session, visit),
        would_enter=kept.would_enter,
        decisions=KeptDecision,
    )
