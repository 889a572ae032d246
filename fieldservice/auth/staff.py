"""Who is signed in, what that lets them see, and how they sign in and out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, cast

import structlog
from flask import Flask, Response, abort, current_app, g, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from flask_security import LoginForm, current_user, login_user
from flask_security.forms import EmailValidation
from flask_security.views import login as security_login
from flask_security.views import logout as security_logout
from sqlalchemy.orm import Session
from wtforms import EmailField, Field, PasswordField
from wtforms.validators import InputRequired, Length

from fieldservice import clock
from fieldservice.auth import limits, passwords, sessions
from fieldservice.auth.accounts import Account, account_of, find_account
from fieldservice.models import AuditEntry, User, UserRole
from fieldservice.web import services

HOMES = "STAFF_HOMES"
UNSENT = "unsent"  # the cookie by which a phone says that something of a technician waits on it
_TOKEN = "login_token"
_LABEL_LENGTH = 80

log = structlog.get_logger()

type View = Callable[..., ResponseReturnValue]


@dataclass(frozen=True)
class Actor:
    """The person who asks for something."""

    id: int
    name: str
    role: UserRole
    technician_id: int | None
    kind: str = "user"

    @property
    def label(self) -> str:
        """How histories name the person, such as `user:3 Dana`."""
        return f"{self.kind}:{self.id} {self.name}"[:_LABEL_LENGTH]


def actor() -> Actor:
    """The signed-in person; answers 401 when there is none."""
    account = _account()
    if account is None:
        abort(401)
    return _actor_of(account)


def is_admin() -> bool:
    """Whether an administrator is signed in: what a page shows to them alone."""
    account = _account()
    return account is not None and account.role == UserRole.ADMIN


def require(*roles: UserRole) -> Callable[[View], View]:
    """Let only these roles see a view, or everybody who is signed in when none is named.

    Others get 403. Nobody signed in: a page leads to the sign-in and back, everything else gets 401.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            account = _account()
            if account is None:
                return _ask_to_sign_in()
            if roles and account.role not in roles:
                log.warning("refused", actor=_actor_of(account).label, endpoint=request.endpoint)
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorate


def _account() -> Account | None:
    return cast(Account, current_user._get_current_object()) if current_user.is_authenticated else None


def _actor_of(account: Account) -> Actor:
    return Actor(account.id, account.name, account.role, account.technician_id)


def _ask_to_sign_in() -> ResponseReturnValue:
    # A script that refreshes a part of a page must not get the sign-in page in its place.
    opens_page = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if request.method not in ("GET", "HEAD") or not opens_page or "HX-Request" in request.headers:
        abort(401)
    here = request.full_path if request.query_string else request.path
    return redirect(url_for("security.login", next=here))


def is_local(target: str) -> bool:
    """Whether an address is a path on this site, whatever a browser makes of odd slashes."""
    return (
        target.startswith("/")
        and not target.startswith("//")
        and "\\" not in target
        and target.isascii()
        and target.isprintable()
    )


def _destination(account: Account) -> str:
    wanted = request.values.get("next", "")
    return wanted if is_local(wanted) else url_for(current_app.config[HOMES][account.role])


class SignInForm(LoginForm):
    """Address and password; every refusal is worded the same."""

    email = EmailField(
        lazy_gettext("E-mail address"),
        validators=[InputRequired(), Length(max=254), EmailValidation(verify=False)],
    )
    password = PasswordField(
        lazy_gettext("Password"), validators=[InputRequired(), Length(max=passwords.LONGEST)]
    )
    remember = None

    def validate_next(self, field: Field) -> None:
        """Accept anything: `login` itself leads nowhere but to paths of this site."""

    def validate(self, **kwargs: Any) -> bool:
        """Check the sign-in; of a refusal only one sentence remains."""
        if super().validate(**kwargs):
            return True
        for field in self:
            field.errors = []
        self.form_errors = [lazy_gettext("That e-mail address and password do not belong to an account.")]
        return False


@limits.LOGIN_ADDRESS
@limits.LOGIN_ACCOUNT
def login() -> ResponseReturnValue:
    """The sign-in page, which leads back to where it was asked for; a refusal is logged without content."""
    if request.is_json:
        abort(415)
    account = _account()
    if account is None:
        page = make_response(security_login())
        account = _account()
        if account is None:
            if request.method == "POST":
                log.warning("sign-in refused", address=request.remote_addr)
                page.status_code = 422
            return page
    return redirect(_destination(account), code=303)


def login_mark() -> str:
    """By what the browser of this sign-in is known: a hash that opens nothing."""
    token = session.get(_TOKEN)
    return sessions.hash_of(token) if isinstance(token, str) else ""


def sign_in(user_id: int) -> None:
    """Sign in whoever has just proved in another way than with a password who they are."""
    with services().db.reading() as reading:
        account = account_of(reading.get_one(User, user_id), None)
    login_user(account)


def logout() -> Response:
    """End the session here and on the server, and have the browser forget what it kept of the pages."""
    if request.is_json:
        abort(415)
    response = make_response(security_logout())
    # What a phone could not send yet is in its storage, sealed: the sign-in page takes the rest away.
    unsent = bool(request.cookies.get(UNSENT))
    response.headers["Clear-Site-Data"] = '"cache"' if unsent else '"cache", "storage"'
    return response


def load_account(uniquifier: str) -> Account | None:
    """The account of this request's session, if the server still knows and accepts the session."""
    token = session.get(_TOKEN)
    if not isinstance(token, str):
        return None
    now = clock.now()
    db = services().db
    with db.reading() as reading:
        found = sessions.find(reading, token, now=now)
        if found is None or found.user.fs_uniquifier != uniquifier:
            return None
        account = find_account(reading, User.id == found.user_id)
    if found.last_seen_at <= now - sessions.TOUCH_EVERY:
        db.run(lambda writing: sessions.touch(writing, token, now=now))
    return account


def begin_session(_app: Flask, user: Account, **_: Any) -> None:
    """Give a fresh sign-in its own session on the server, and a CSRF token that nobody has seen before."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
    now = clock.now()

    def work(writing: Session) -> str:
        writing.add(_audited(user, "signed_in", now))
        return sessions.start(writing, user.id, now=now, user_agent=request.user_agent.string)

    session[_TOKEN] = services().db.run(work)
    session.permanent = True


def end_session(_app: Flask, user: Account, **_: Any) -> None:
    """End the session on the server, so that a kept cookie opens nothing."""
    token, now = session.pop(_TOKEN, None), clock.now()
    session.permanent = False

    def work(writing: Session) -> None:
        sessions.end(writing, token, now=now)
        writing.add(_audited(user, "signed_out", now))

    if isinstance(token, str):
        services().db.run(work)


def _audited(account: Account, action: str, now: datetime) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=_actor_of(account).label,
        action=action,
        subject_kind="user",
        subject_id=account.id,
        detail={},
    )
