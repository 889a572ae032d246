"""The installable app: its manifest and service worker, and what the phone keeps without a signal."""

from __future__ import annotations

import base64
import hashlib
import json

from flask import Blueprint, Response, jsonify, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf

from fieldservice import auth, clock, web
from fieldservice.attachments import serving
from fieldservice.field import offline, service
from fieldservice.models import Attachment, UserRole
from fieldservice.models.push import is_notified
from fieldservice.paths import STATIC

bp = Blueprint("offline", __name__)
_ALWAYS = ("field.route", "field.days.week", "field.days.me", "field.time.week", "field.time.wish")
_OF_OTHER_FACES = (
    "visit-worker.",
    "visit-push.",
    "board.",
    "booking.",
    "frame.",
    "guard",
    "widget.",
    "phone-worker.",
    "app-",
    "DejaVu",
)


@bp.get("/app.webmanifest")
def manifest() -> Response:
    """How the app is installed on the home screen."""
    icon = web.assets().url
    company = web.services().settings.company_name
    response = jsonify(
        id="/day/",
        name=f"{company} – {_('My day')}",
        short_name=_("My day"),
        lang=str(get_locale()).replace("_", "-"),
        start_url=url_for("field.route"),
        scope=url_for("field.route"),
        display="standalone",
        background_color="#F4F6F3",
        theme_color="#0B5B4B",
        icons=[
            {"src": icon("app-192.png"), "sizes": "192x192", "type": "image/png"},
            {"src": icon("app-512.png"), "sizes": "512x512", "type": "image/png"},
            {"src": icon("app-maskable.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
        ],
    )
    response.mimetype = "application/manifest+json"
    return response


@bp.get("/worker.js")
def worker() -> Response:
    """The service worker, with a line that names the files of this version before it."""
    assets = web.assets()
    names = [name for name in assets.manifest.files if not name.startswith(_OF_OTHER_FACES)]
    files = sorted({*map(assets.url, names), url_for(".no_signal")})
    script = (STATIC / "vendor" / assets.manifest.files["phone-worker.js"]).read_text(encoding="utf-8")
    version = hashlib.sha256(json.dumps(sorted(assets.manifest.files.items())).encode()).hexdigest()[:12]
    shell = json.dumps({"version": version, "files": files, "icon": assets.url("app-192.png")})
    response = Response(f"self.SHELL = {shell};\n{script}", mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/no-signal")
def no_signal() -> str:
    """What opens without a signal when a page is not on the phone; it says nothing personal."""
    return render_template("field/no_signal.html")


@bp.get("/phone.json")
@auth.require(UserRole.TECHNICIAN)
def phone() -> Response:
    """Who is signed in, for the outbox: their key, a token for forms, and the server's time."""
    user_id, now = auth.actor().id, clock.now()
    key = offline.outbox_key(web.services().settings.secret_key, user_id)
    with web.services().db.reading() as session:
        notified = is_notified(session, auth.login_mark())
    return jsonify(
        user=user_id,
        key=base64.b64encode(key).decode(),
        csrf=generate_csrf(),
        now=now.isoformat(),
        notified=notified,
        push_key=web.services().channels.push.public_key,
    )


@bp.get("/offline.json")
@auth.require(UserRole.TECHNICIAN)
def kept() -> ResponseReturnValue:
    """What to keep of the day: pages that are fetched anew each time, files that do not change."""
    now, tables = clock.now(), web.services().tables
    with web.services().db.reading() as session:
        technician = service.technician_of(session, auth.actor().technician_id)
        today = technician.territory.local_day(now)
        day = service.phone_day(session, technician, today, tables=tables, now=now)
        shown = ("field.visit", "field.closing.sign")
        pages = [url_for(page, visit_id=visit.id) for visit in offline.visits_of(day) for page in shown]
        files = [address for file in offline.files_of(day) for address in _addresses(file)]
    return jsonify(
        user=auth.actor().id,
        pages=[*map(url_for, _ALWAYS), url_for("field.time.day", on=today), *pages],
        files=files,
    )


def _addresses(file: Attachment) -> list[str]:
    whole = url_for("field.attachment", attachment_id=file.id)
    small = url_for("field.attachment", attachment_id=file.id, size=serving.SMALL)
    return [small, whole] if file.is_photo else [whole]
