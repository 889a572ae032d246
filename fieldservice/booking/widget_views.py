"""The booking on another site: the script that puts it there, and what leads out of its frame."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, render_template, request, send_file
from flask.typing import ResponseReturnValue

from fieldservice import clock, web
from fieldservice.assets import Assets
from fieldservice.auth import framing, links
from fieldservice.paths import STATIC

bp = Blueprint("widget", __name__)

_INSIDE = frozenset({"root.tiles", "static", "booking.home"})
"""What the booking's steps need beside themselves."""


@bp.get("/widget.js")
def script() -> Response:
    """The script of the one line that other sites write; any site may load it, which shows nothing yet."""
    if not web.services().settings.framing_origins:
        abort(404)
    built = Assets(STATIC / "vendor").manifest.files["widget.js"]
    response = send_file(
        STATIC / "vendor" / built, mimetype="text/javascript", conditional=True, max_age=3600
    )
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def install(app: Flask) -> None:
    """Keep everything but the booking's steps out of frames."""
    app.before_request(_stay_inside)


def _stay_inside() -> ResponseReturnValue | None:
    """What belongs to the whole window is opened there, by a link: no site frames a private page."""
    if not framing.is_framed() or request.url_rule is None:
        return None
    if framing.is_booking_step() or request.endpoint in _INSIDE:
        return None
    if request.method not in ("GET", "HEAD"):
        abort(404)
    if request.endpoint == "booking.visit.booked":
        return _booked((request.view_args or {})["token"])
    outside = request.full_path if request.query_string else request.path
    return render_template("booking/leave_frame.html", outside=outside)


def _booked(token: str) -> str:
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=clock.now())
        return render_template("booking/booked_in_frame.html", visit=visit, outside=request.path)
