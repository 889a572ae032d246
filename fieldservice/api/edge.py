"""What the API's views share: who asks, what they may do, answers that are remembered, pages, ETags."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import wraps
from typing import Any, cast

from flask import Response, g, json, request
from flask_smorest import Blueprint
from marshmallow import Schema
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from fieldservice import clock, web
from fieldservice.api import problems, tokens
from fieldservice.api.problems import Refused
from fieldservice.api.tokens import Scope
from fieldservice.auth import limits
from fieldservice.booking import manage
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import AuditEntry, Visit
from fieldservice.planning.travel import with_travel

type Tables = Mapping[date, TravelTable]
type View = Callable[..., Any]

_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "The same request with the same key has the same answer for a week and is done once.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 255},
}
_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The ETag that was read: 412 when somebody changed it since.",
    "schema": {"type": "string", "maxLength": 200},
}


@dataclass(frozen=True)
class Caller:
    """The program that asks."""

    token_id: int
    name: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """The program in histories."""
        return f"api:{self.name}"


class ApiBlueprint(Blueprint):  # type: ignore[misc]
    """A blueprint whose operations say their scope, schemas and headers at one place."""

    def operation(
        self,
        method: str,
        rule: str,
        scope: Scope,
        out: type[Schema],
        *,
        status: int = 200,
        query: type[Schema] | None = None,
        body: type[Schema] | None = None,
        matched: bool = False,
    ) -> Callable[[View], View]:
        """Register a view for callers with the scope; query, then body are its positional arguments.

        A POST needs an Idempotency-Key; one that is `matched` an If-Match, too.
        """
        headers = ([_KEY] if method == "POST" else []) + ([_MATCH] if matched else [])

        def decorate(view: View) -> View:
            checked = self.arguments(body(), location="json")(view) if body else view
            checked = self.arguments(query(), location="query")(checked) if query else checked
            checked = self.response(status, out)(checked)
            described = {"operationId": view.__name__, "security": [{"token": [scope.value]}]}
            if headers:
                described["parameters"] = headers
            self.route(rule, methods=[method])(self.doc(**described)(_guarded(scope, checked)))
            return view

        return decorate


def _guarded(scope: Scope, view: View) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        require(scope)
        return view(*args, **kwargs)

    guarded.required_scope = scope  # type: ignore[attr-defined]
    return guarded


def require(scope: Scope) -> None:
    """Let a caller with the scope through; 401 for nobody, 403 for somebody else."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    with web.services().db.reading() as session:
        row = tokens.find(session, token, now=clock.now()) if kind.lower() == "bearer" else None
    if row is None:
        raise Refused(401, "no_token", "Send a token that works: Authorization: Bearer fs_…")
    g.caller = Caller(row.id, row.name, frozenset(row.scopes.split()))
    if scope not in g.caller.scopes:
        raise Refused(403, "no_scope", f"The token lacks the scope {scope}.")


def caller() -> Caller:
    """The program that asks; `require` has let it in."""
    return cast(Caller, g.caller)


def token_key() -> str:
    """Whose requests are counted: a token's, or an address's without any."""
    given = request.headers.get("Authorization", "")
    return hashlib.sha256(given.encode("utf-8", "replace")).hexdigest() if given else limits.client()


def answer(
    out: type[Schema], value: Any, *, status: int = 200, tag: str = "", location: str = ""
) -> Response:
    """A value as JSON."""
    response = Response(json.dumps(out().dump(value)), status=status, content_type="application/json")
    if tag:
        response.set_etag(tag)
    if location:
        response.headers["Location"] = location
    return response


def fresh(response: Response) -> Response:
    """The answer to a reading, 304 when the caller has it already."""
    response.make_conditional(request)
    return response


def once(work: Callable[[Session], Response]) -> Response:
    """A POST's work in one transaction; the same request again has the same answer and changes nothing."""
    return web.once(work, now=clock.now(), scope=_scope())


def remembered() -> Response | None:
    """The answer that this POST had before, whatever has changed in the world since."""
    with web.services().db.reading() as session:
        known = web.is_answered(session, scope=_scope())
    return once(_nothing_new) if known else None


def _nothing_new(_session: Session) -> Response:
    raise Refused(409, "overtaken", "The answer was forgotten just now; try again.")


def _scope() -> str:
    return f"api:{caller().token_id}"


def once_with_tables(
    territory_id: int,
    days: Iterable[date],
    places: Sequence[Coordinates],
    work: Callable[[Session, Tables], Response],
) -> Response:
    """`once` for work that changes routes; it is given the travel tables of their days."""
    services = web.services()
    return with_travel(
        services.db,
        services.tables,
        territory_id,
        days,
        places,
        now=clock.now(),
        work=lambda tables: once(lambda session: work(session, tables)),
    )


def page(
    session: Session, query: Select[Any], key: InstrumentedAttribute[int], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Rows after the cursor in the order of their key, and the cursor of what comes then."""
    limit = asked["limit"]
    rows = session.scalars(query.where(key > asked["cursor"]).order_by(key).limit(limit + 1)).all()
    shown = list(rows[:limit])
    return {"items": shown, "next": shown[-1].id if len(rows) > limit else None}


def tag_of(visit: Visit) -> str:
    """Changes with the visit, with its place in the plan, and with what cancelling costs at this time."""
    stop, fee = visit.stop, manage.cancel_fee(visit, now=clock.now())
    place = f"{stop.technician_id}-{stop.starts_at.timestamp():.0f}" if stop is not None else ""
    return f"{visit.id}-{visit.version}-{place}{'-late' if fee else ''}"


def require_match(visit: Visit) -> None:
    """Refuse a change of what the caller has not seen: 428 without If-Match, 412 with another one."""
    if not request.if_match:
        raise Refused(428, "no_if_match", "Send If-Match with the ETag of the visit.")
    if not request.if_match.contains(tag_of(visit)):
        raise Refused(412, "changed", "Somebody changed the visit since it was read; read it again.")


def found[Row](row: Row | None) -> Row:
    """The row; 404 for none."""
    if row is None:
        raise Refused(404, "not_found", "There is nothing at this address.")
    return row


def audit(session: Session, action: str, kind: str, subject_id: int) -> None:
    """Keep that this program did something."""
    actor = caller().actor
    session.add(
        AuditEntry(at=clock.now(), actor=actor, action=action, subject_kind=kind, subject_id=subject_id)
    )


bp = ApiBlueprint(
    "api", __name__, url_prefix="/api/v1", description="Everything that another program may do."
)
problems.install_on(bp)
limits.limiter.shared_limit(limits.configured("LIMIT_API"), scope="api token", key_func=token_key)(bp)
limits.limiter.shared_limit(limits.configured("LIMIT_API_ADDRESS"), scope="api address")(bp)
