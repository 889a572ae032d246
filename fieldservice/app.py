"""The only place where the parts of the product are joined."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from flask import Blueprint, Flask, Response, abort, render_template, request, send_file
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from fieldservice import auth, clock, company, counted, language, metrics, readiness, schema, web
from fieldservice.api import setup as api
from fieldservice.assets import Assets
from fieldservice.attachments import words as file_words
from fieldservice.attachments.requests import UploadRequest, make_room
from fieldservice.booking import widget_views
from fieldservice.booking.phone_views import bp as phone
from fieldservice.booking.views import bp as booking
from fieldservice.config import Settings
from fieldservice.db import Database, is_overlap
from fieldservice.dispatch.views import bp as dispatch
from fieldservice.field.views import bp as field
from fieldservice.files import FileStore
from fieldservice.geo.geocoding import open_geocoding
from fieldservice.geo.manifest import MapDamaged, MapMissing, load_manifest
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.travel import open_travel_times
from fieldservice.kept_secret import kept_secret
from fieldservice.messages.views import bp as hooks
from fieldservice.messages.voice_views import bp as voice
from fieldservice.models import UserRole
from fieldservice.notify import open_channels, words
from fieldservice.office import pages as office
from fieldservice.paths import STATIC, TEMPLATES
from fieldservice.planning.problem import StaleTravel
from fieldservice.web import Services

MAX_BODY = 1024 * 1024
_STAFF_HOMES = {
    UserRole.ADMIN: "dispatch.today",
    UserRole.DISPATCHER: "dispatch.today",
    UserRole.TECHNICIAN: "field.route",
}
_PAGES = (400, 403, 404, 405, 409, 410, 413, 429, 500, 503)

root = Blueprint("root", __name__)
log = structlog.get_logger()


def make_services(settings: Settings) -> Services:
    """Open everything that the product works with, for this process alone."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings = replace(settings, secret_key=settings.secret_key or kept_secret(settings.data_dir))
    travel = open_travel_times(settings.map_path, factor=settings.travel_time_factor)
    return Services(
        settings=settings,
        db=Database(settings.sqlalchemy_url),
        travel=travel,
        tables=TravelTables(travel),
        geocoding=open_geocoding(settings, now=clock.now),
        channels=open_channels(settings),
        files=FileStore(settings.files_path),
    )


def create_app(settings: Settings, services: Services | None = None) -> Flask:
    """The web application; `services` are made from the settings unless given."""
    services = services or make_services(settings)
    app = Flask("fieldservice", template_folder=str(TEMPLATES), static_folder=str(STATIC))
    app.config.update(
        SECRET_KEY=services.settings.secret_key,
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        MAX_FORM_PARTS=200,
        BABEL_DEFAULT_LOCALE=settings.locale,
        BABEL_DEFAULT_TIMEZONE="UTC",
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
    )
    app.extensions["fieldservice"] = services
    metrics.install(app)
    app.request_class = UploadRequest
    app.url_value_preprocessor(make_room)
    app.url_map.converters.update(web.CONVERTERS)
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    language.install(app)
    app.extensions["assets"] = assets = Assets(STATIC / "vendor")
    assets.install(app.jinja_env)
    app.context_processor(web.template_helpers)
    app.jinja_env.globals["file_words"] = file_words
    app.jinja_env.filters["answered"] = web.answer_words
    app.jinja_env.filters["phone"] = partial(words.phone_words, country=settings.country)
    company.install(app)
    auth.install(app, services, homes=_STAFF_HOMES)
    widget_views.install(app)
    for code in _PAGES:
        app.register_error_handler(code, _error_page)
    app.register_error_handler(web.BadKey, lambda _: (render_template("errors/csrf.html"), 400))
    for overtaken in (web.KeyReused, StaleTravel, StaleDataError):
        app.register_error_handler(overtaken, _overtaken)
    app.register_error_handler(DBAPIError, _refused_by_database)
    app.register_blueprint(root)
    app.register_blueprint(booking)
    app.register_blueprint(dispatch, url_prefix="/board")
    app.register_blueprint(phone, url_prefix="/board/phone")
    app.register_blueprint(field, url_prefix="/day")
    office.install(app)
    for signed in (hooks, voice):  # who calls has no session; a signature proves who it is
        app.register_blueprint(signed)
        app.extensions["csrf"].exempt(signed)
    api.install(app)
    return app


@root.get("/healthz")
def healthz() -> tuple[dict[str, str], int]:
    """Say whether this process can do its work: the database answers and has the right schema."""
    engine = web.services().db.engine
    try:
        with web.services().db.reading() as session:
            session.execute(text("SELECT 1"))
        ready = schema.is_current(engine)
    except Exception as error:  # noqa: BLE001  a health check answers whatever is broken
        log.warning("not healthy", error=str(error))
        return {"status": "no database"}, 503
    return ({"status": "ok"}, 200) if ready else ({"status": "database schema is not current"}, 503)


@root.get("/readyz")
def readyz() -> tuple[dict[str, Any], int]:
    """Say whether this process may be sent traffic, and which parts forbid it."""
    failing = readiness.failing_parts(web.services(), now=clock.now())
    return ({"status": "not ready", "failing": failing}, 503) if failing else ({"status": "ready"}, 200)


@root.get("/metrics")
def metrics_text() -> Response:
    """The figures for Prometheus; for everybody else there is nothing here."""
    services = web.services()
    if not metrics.may_read(request, services.settings.metrics_token):
        abort(404)
    return Response(metrics.exposition(services, now=clock.now()), content_type=CONTENT_TYPE_PLAIN_0_0_4)


@root.get("/tiles/<name>.pmtiles")
def tiles(name: str) -> Response:
    """The base map; the browser asks for the ranges that it shows. The name changes with the map."""
    folder = web.services().settings.map_path
    try:
        manifest = load_manifest(folder)
    except (MapMissing, MapDamaged):
        abort(404)
    if name != manifest.data_set:
        abort(404)
    path = (folder / manifest.tiles.file).resolve()
    return send_file(path, mimetype="application/octet-stream", conditional=True, max_age=86_400)


def _error_page(error: Exception) -> tuple[str, int]:
    code = error.code or 500 if isinstance(error, HTTPException) else 500
    known = (TEMPLATES / "errors" / f"{code}.html").is_file()
    return render_template(f"errors/{code if known else 404}.html", error=error), code


def _overtaken(_error: Exception) -> tuple[str, int]:
    counted.conflicts.labels("overtaken").inc()
    return render_template("errors/409.html"), 409


def _refused_by_database(error: DBAPIError) -> tuple[str, int]:
    """Two stops at once are a race that was lost; a database that does not answer may do so in a minute."""
    if is_overlap(error):
        return _overtaken(error)
    if not isinstance(error, OperationalError):
        raise error
    log.error("the database does not answer", error=type(error.orig).__name__)
    return render_template("errors/503.html"), 503
