"""The switch for notifications on a customer's private page."""

from __future__ import annotations

import json

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from fieldservice import clock, web
from fieldservice.auth import devices, limits, links
from fieldservice.paths import STATIC

bp = Blueprint("push", __name__)


@bp.get("/visit/worker.js")
def worker() -> Response:
    """What shows notifications when no page is open; it keeps no page."""
    assets = web.assets()
    script = (STATIC / "vendor" / assets.manifest.files["visit-worker.js"]).read_text(encoding="utf-8")
    shell = json.dumps({"icon": assets.url("app-192.png")})
    response = Response(f"self.SHELL = {shell};\n{script}", mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.post("/visit/<token>/push")
@limits.FORM
def switch_on(token: str) -> ResponseReturnValue:
    """Notify this browser of what becomes of the visit."""
    return devices.switch_on(now=clock.now(), visit_id=_visit(token))


@bp.post("/visit/<token>/push/off")
@limits.FORM
def switch_off(token: str) -> ResponseReturnValue:
    """Notify this browser no more."""
    return devices.switch_off(visit_id=_visit(token))


def _visit(token: str) -> int:
    with web.services().db.reading() as session:
        return links.find_visit(session, token, now=clock.now()).id
