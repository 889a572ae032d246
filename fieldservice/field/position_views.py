"""The technician's switch for sharing their position, and what their phone sends while it is on."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.auth import limits
from fieldservice.field import position, service
from fieldservice.field.forms import PositionForm, SharingForm
from fieldservice.field.position import Fix
from fieldservice.geo.types import Coordinates
from fieldservice.models import Technician, UserRole

bp = Blueprint("position", __name__)


@bp.post("/sharing")
@auth.require(UserRole.TECHNICIAN)
def switch() -> ResponseReturnValue:
    """Share the position on drives, or stop; then back to where it was asked for."""
    now, form = clock.now(), SharingForm()
    visit_id = web.row_of(form.visit.data or "")
    back = url_for("field.visit", visit_id=visit_id) if visit_id else url_for("field.route")
    if not form.validate():
        flash(_("Nothing was changed: say whether to share your position or not."))
        return redirect(back, 303)

    def work(session: Session) -> ResponseReturnValue:
        position.switch(session, _technician(session), on=form.share.data == "on", now=now)
        return redirect(back, 303)

    return web.once(work, now=now, scope=f"user:{auth.actor().id}")


@bp.post("/visits/<int:visit_id>/position")
@auth.require(UserRole.TECHNICIAN)
@limits.POLL
def keep(visit_id: int) -> ResponseReturnValue:
    """Where the phone is. Sent twice it is the same, so it needs no key; 409 says to send no more."""
    now, form = clock.now(), PositionForm()
    if not form.validate():
        return {"errors": form.errors | {"position": [_("Your position is not shared at this moment.")]}}, 422
    at = Coordinates(form.latitude.data, form.longitude.data)
    fix = Fix(at, now - timedelta(seconds=form.age.data))
    web.services().db.run(
        lambda session: position.keep(session, _technician(session), visit_id, fix, now=now)
    )
    return "", 204


@bp.errorhandler(position.NotShared)
def _not_shared(_error: position.NotShared) -> ResponseReturnValue:
    return {"errors": {"position": [_("Your position is not shared at this moment.")]}}, 409


def allow(response: Response) -> Response:
    """Let the technician's own pages, and no others, ask the phone where it is, and for its camera."""
    if request.method == "GET":
        response.headers["Permissions-Policy"] = (
            "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()"
        )
    return response


def _technician(session: Session) -> Technician:
    return service.technician_of(session, auth.actor().technician_id)
