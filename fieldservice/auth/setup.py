"""Joins sign-in, CSRF protection, rate limits and headers to an application."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Flask, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import user_logged_out  # type: ignore[import-untyped]
from flask_security import Security, user_authenticated
from flask_wtf.csrf import CSRFError, CSRFProtect

from fieldservice.auth import framing, headers, limits, sessions, staff
from fieldservice.auth.accounts import AccountStore
from fieldservice.auth.links import LinkExpired, LinkUnknown
from fieldservice.config import Settings
from fieldservice.models import UserRole
from fieldservice.web import Services


def install(app: Flask, services: Services, *, homes: Mapping[UserRole, str]) -> None:
    """Protect the application; `homes` are the endpoints where each role begins after the sign-in."""
    app.config.update(_configuration(services.settings), **{staff.HOMES: homes})
    headers.install(app, services.settings)
    framing.install(app, services.settings)
    limits.install(app, services.settings)
    CSRFProtect(app)
    _install_sign_in(app, services)
    app.jinja_env.globals["is_admin"] = staff.is_admin
    app.register_error_handler(CSRFError, _csrf_page)
    app.register_error_handler(401, _sign_in_page)
    app.register_error_handler(LinkUnknown, lambda _: (render_template("errors/404.html"), 404))
    app.register_error_handler(LinkExpired, lambda _: (render_template("errors/410.html"), 410))


def _configuration(settings: Settings) -> dict[str, Any]:
    https = settings.public_url.startswith("https://")
    return {
        "SESSION_COOKIE_NAME": "__Host-fieldservice" if https else "fieldservice",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": sessions.LONGEST,
        "SESSION_PROTECTION": None,  # a phone changes its address all day; our sessions end on the server
        "WTF_CSRF_TIME_LIMIT": None,  # a board stays open all day; the token ends with the session
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_SINGLE_HASH": {"argon2"},
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_FLASH_MESSAGES": False,
        "SECURITY_STATIC_FOLDER": None,
        "SECURITY_FRESHNESS": timedelta(seconds=-1),  # no view that asks for the password again
        "SECURITY_CLI_USERS_NAME": None,
        "SECURITY_CLI_ROLES_NAME": None,
        "SECURITY_POST_LOGOUT_VIEW": "security.login",
    }


def _install_sign_in(app: Flask, services: Services) -> None:
    security = Security(app, AccountStore(services.db), login_form=staff.SignInForm)
    security.want_json(lambda _: False)
    security.login_manager.user_loader(staff.load_account)
    # Tokens in headers and addresses would be sessions that the server cannot end.
    security.login_manager.request_loader(lambda _: None)
    # Both would read the account from the database for pages that need none, error pages among them.
    security.principal.identity_loaders.clear()
    app.template_context_processors[None] = [
        processor
        for processor in app.template_context_processors[None]
        if processor.__module__ != "flask_login.utils"
    ]
    app.view_functions["security.login"] = staff.login
    app.view_functions["security.logout"] = staff.logout
    user_authenticated.connect(staff.begin_session, app)
    user_logged_out.connect(staff.end_session, app)


def _csrf_page(_: CSRFError) -> ResponseReturnValue:
    return render_template("errors/csrf.html"), 400


def _sign_in_page(_: Exception) -> ResponseReturnValue:
    response = make_response(render_template("errors/401.html"), 401)
    if "HX-Request" in request.headers:
        response.headers["HX-Redirect"] = url_for("security.login")
    return response
