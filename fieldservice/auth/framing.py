"""Pages inside a frame on another site: which they are, who may frame them, what keeps their forms safe.

Everything below `/embed` is the same application without its cookies: the prefix is moved to where a WSGI
server mounts an application, so every address that a page there makes begins with it, too.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf.csrf import CSRFError
from itsdangerous import BadData, URLSafeTimedSerializer

from fieldservice.config import Settings
from fieldservice.web import services

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/embed"
_MARK = "fieldservice.framed"
_FLASHES = "_flashes"  # where Flask's session has the messages for the next page
_SAID, _SAID_FOR_S = "said", 3600
_SAFE = ("GET", "HEAD", "OPTIONS")


class Mount:
    """Serves the application below the prefix as well, and marks what is asked for there."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand the request on."""
        path = environ.get("PATH_INFO", "")
        if path.startswith(f"{PREFIX}/"):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + PREFIX
            environ["PATH_INFO"] = path.removeprefix(PREFIX)
            environ[_MARK] = True
        return self.app(environ, start_response)


class _Sessions(SecureCookieSessionInterface):
    """No session in a frame: nobody is signed in there, and no cookie is read or set."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if not request.environ.get(_MARK):
            return super().open_session(app, request)
        key = str(app.config["SECRET_KEY"]).encode()
        return SecureCookieSession(
            {
                "csrf_token": hmac.new(key, b"forms in a frame", hashlib.sha256).hexdigest(),
                _FLASHES: _heard(app, request),
            }
        )

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not is_framed():
            super().save_session(app, session, response)
        elif response.location and session.get(_FLASHES):
            response.location = _saying(app, response.location, session[_FLASHES])


def _saying(app: Flask, location: str, flashes: Sequence[Any]) -> str:
    """The address of the next page with what it is to say: there is no session to keep it in."""
    parts = urlsplit(location)
    said = _signer(app).dumps([parts.path, flashes])
    return parts._replace(query=f"{parts.query}&{_SAID}={said}".lstrip("&")).geturl()


def _heard(app: Flask, request: Request) -> list[tuple[str, str]]:
    """What the page before had to say, if the address says it as we wrote it, and to this page.

    A form posts to the address that it stands at: there it was said already.
    """
    if request.method not in _SAFE:
        return []
    try:
        path, flashes = _signer(app).loads(request.args.get(_SAID, ""), max_age=_SAID_FOR_S)
    except BadData:
        return []
    return [(kind, text) for kind, text in flashes] if path == PREFIX + request.path else []


def _signer(app: Flask) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(app.config["SECRET_KEY"]), salt="said in a frame")


def install(app: Flask, settings: Settings) -> None:
    """Serve the pages for frames, if any site may frame them."""
    app.jinja_env.globals["framed_by"] = framed_by
    if not settings.framing_origins:
        return
    app.wsgi_app = Mount(app.wsgi_app)  # type: ignore[method-assign]
    app.session_interface = _Sessions()
    app.before_request(_require_own_page)


def is_framed() -> bool:
    """Whether the request is one for a frame."""
    return bool(request.environ.get(_MARK))


def framed_by() -> tuple[str, ...]:
    """The sites that may show this very page; none outside a frame."""
    return services().settings.framing_origins if is_framed() else ()


def is_booking_step() -> bool:
    """Whether the request's address is one of the pages between the catalogue and the confirmation."""
    rule = request.url_rule.rule if request.url_rule else ""
    return rule == "/book" or rule.startswith("/book/")


def _require_own_page() -> None:
    """Only our own pages post here: without cookies the browser's word for that is the Origin header."""
    if not is_framed() or request.method in _SAFE:
        return
    if request.headers.get("Origin") != _origin(request.host_url):
        raise CSRFError("The form comes from another site.")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
