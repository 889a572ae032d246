"""Every refusal as problem+json (RFC 9457): a sentence and a code, never a page and never a trace."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from flask import Blueprint, Flask, Response, json, request
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from fieldservice import web
from fieldservice.booking import manage
from fieldservice.booking import service as booking
from fieldservice.db import is_overlap
from fieldservice.planning import changes, judge, proposals
from fieldservice.planning import service as planning
from fieldservice.planning.problem import StaleTravel

PREFIX = "/api/"
CONTENT_TYPE = "application/problem+json"
_CODES = (400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 422, 429, 500, 503)
log = structlog.get_logger()

_REFUSALS: dict[type[Exception], tuple[int, str, str]] = {
    web.BadKey: (400, "idempotency_key", "Send an Idempotency-Key of 8 to 255 printable characters."),
    web.KeyReused: (422, "key_reused", "This Idempotency-Key came with another request before."),
    RecursionError: (400, "bad_request", "The JSON is nested too deeply."),
    StaleTravel: (409, "overtaken", "Somebody changed this meanwhile; read it again."),
    StaleDataError: (409, "overtaken", "Somebody changed this meanwhile; read it again."),
    changes.StalePlan: (409, "stale_plan", "The plan has another version by now; read it again."),
    changes.NotPlannable: (409, "not_plannable", "The visit has begun or ended, or its site is not located."),
    booking.NotOnline: (409, "call_us", "After these answers nothing may be booked without a person."),
    manage.NotOpen: (409, "not_open", "The visit has no window yet, has begun or has ended."),
    manage.OutOfOrder: (409, "out_of_order", "The window would change the order of linked visits."),
    manage.Costs: (409, "costs", "Cancelling costs something by now; send the `fee` of the visit to agree."),
    manage.TooLate: (409, "too_late", "The cut-off for this change has passed."),
    planning.SlotTaken: (409, "slot_taken", "Nobody can keep this window any more; ask for slots again."),
    proposals.ProposalClosed: (409, "closed", "The proposal was decided before."),
}


class Refused(Exception):
    """A request that is refused; `errors` are texts by the names of fields."""

    def __init__(self, status: int, code: str, detail: str, errors: Any = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.errors = status, code, errors


def problem(status: int, code: str, detail: str, **more: Any) -> Response:
    """A refusal; `more` are further members of the document."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    return Response(json.dumps(content), status=status, content_type=CONTENT_TYPE)


def install(app: Flask) -> None:
    """Answer addresses below /api/ that lead nowhere, too; nothing else of the application changes."""

    @app.before_request
    def no_such_address() -> Response | None:
        error = request.routing_exception
        if error is None or not request.path.startswith(PREFIX):
            return None
        if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
            return _http(error)
        return problem(404, "not_found", "There is nothing at this address.")


def install_on(bp: Blueprint) -> None:
    """Answer what goes wrong in the blueprint's views."""
    for code in _CODES:  # each by itself: for a code, the application's own pages would come first
        bp.register_error_handler(code, _http)
    bp.register_error_handler(HTTPException, _http)
    bp.register_error_handler(Refused, _refused)
    for kind, (status, name, detail) in _REFUSALS.items():
        bp.register_error_handler(kind, _always(status, name, detail))
    bp.register_error_handler(judge.RuleBroken, _broken)
    bp.register_error_handler(changes.NeedsConfirmation, _unconfirmed)
    bp.register_error_handler(DBAPIError, _database)


def _always(status: int, code: str, detail: str) -> Any:
    return lambda _error: problem(status, code, detail)


def _http(error: Exception) -> Response:
    """An HTTP error; what was found wrong with arguments is said field by field."""
    status = error.code or 500 if isinstance(error, HTTPException) else 500
    data = getattr(error, "data", None) or {}
    messages = data.get("messages")
    code = "invalid" if messages else HTTPStatus(status).phrase.lower().replace(" ", "_")
    detail = "See errors: each names a field and its fault." if messages else _detail(error, status)
    response = problem(status, code, detail, **({"errors": messages} if messages else {}))
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name.lower() not in ("content-type", "content-length"):
                response.headers[name] = value
    return response


def _detail(error: Exception, status: int) -> str:
    if status >= 500 or not isinstance(error, HTTPException):
        return "Something went wrong on our side; it was logged."
    return error.description or HTTPStatus(status).phrase


def _refused(error: Refused) -> Response:
    more = {"errors": error.errors} if error.errors else {}
    response = problem(error.status, error.code, str(error), **more)
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _broken(error: judge.RuleBroken) -> Response:
    return problem(422, "rule_broken", str(error), violations=[each.rule for each in error.violations])


def _unconfirmed(error: changes.NeedsConfirmation) -> Response:
    broken = [each.rule for each in error.judgement.soft]
    return problem(422, "needs_confirmation", str(error), violations=broken)


def _database(error: DBAPIError) -> Response:
    if is_overlap(error):
        return problem(409, "overtaken", "Somebody changed this meanwhile; read it again.")
    if not isinstance(error, OperationalError):
        raise error
    log.error("the database does not answer", error=type(error.orig).__name__)
    return problem(503, "no_database", "Try again in a minute.")
