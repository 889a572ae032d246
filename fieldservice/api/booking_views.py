"""A booking, through the same service as the pages: what is offered can be kept."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from flask import Response, url_for
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.api import edge, visits
from fieldservice.api.catalogue_views import service_of
from fieldservice.api.edge import Tables, bp
from fieldservice.api.problems import Refused
from fieldservice.api.schemas import BookingSchema, VisitSchema
from fieldservice.api.tokens import Scope
from fieldservice.booking import intake, places, service
from fieldservice.booking.given import Contact, SiteAnswers
from fieldservice.booking.new_visits import company_of
from fieldservice.geo.types import Coordinates
from fieldservice.models import QuestionKind, Service, Visit, Window
from fieldservice.planning.improve import improve_later
from fieldservice.planning.rows import place_of
from fieldservice.typed import Phone, is_readable

_LONGEST_ANSWER = 2000
_GREATEST = 10**9


@bp.operation("POST", "/bookings", Scope.BOOKINGS_WRITE, VisitSchema, status=201, body=BookingSchema)
def book(asked: dict[str, Any]) -> Response:
    """Book a visit: promise its window, or leave the time to the office."""
    if (before := edge.remembered()) is not None:
        return before
    site, window = _located(_site(asked["site"])), asked["window"]
    asked["requester"]["phone"] = _number(asked["requester"]["phone"])
    with web.services().db.reading() as session:
        chosen = service_of(session, asked["service"])
        if chosen.calls_back and not asked["requester"]["phone"]:
            raise Refused(422, "invalid", "See errors.", {"requester": {"phone": ["We call this number."]}})
        asked["answers"] = _checked(chosen, asked["answers"])
        territory = places.territory_of(session, site)
        place = place_of(chosen, territory, site.coordinates) if territory else None
    if territory is None:
        raise Refused(422, "outside_area", "No territory serves this place.")
    work = partial(_book, asked, site, territory.id)
    if window is None:
        return edge.once(lambda session: work(session, {}))
    if place is None:
        words = "The address was not found: send coordinates, or no window and the office finds both."
        raise Refused(422, "address_not_found", words)
    on = territory.local_day(window["starts_at"])
    return edge.once_with_tables(territory.id, [on], [place], work)


def _book(
    asked: dict[str, Any], site: SiteAnswers, territory_id: int, session: Session, tables: Tables
) -> Response:
    now, settings = clock.now(), web.services().settings
    territory = places.territory_of(session, site)
    if territory is None or territory.id != territory_id:
        raise Refused(409, "overtaken", "The territories were changed meanwhile; try again.")
    requester = Contact(**asked["requester"])
    answers = service.Answers(
        service=service_of(session, asked["service"]),
        territory=territory,
        site=site,
        window=Window(**asked["window"]) if asked["window"] else None,
        requester=requester,
        problem=asked["problem"],
        questions=asked["answers"],
        source="api",
        locale=service.spoken_by(session, requester) or settings.locale,
    )
    visit = _visit(session, answers, tables)
    edge.audit(session, "booked", "visit", visit.id)
    session.flush()
    session.refresh(visit)
    location = url_for("api.visit", visit_id=visit.id)
    content = visits.as_json(visit, now=now)
    return edge.answer(VisitSchema, content, status=201, tag=edge.tag_of(visit), location=location)


def _visit(session: Session, answers: service.Answers, tables: Tables) -> Visit:
    now, company = clock.now(), company_of(web.services().settings)
    if answers.window is None:
        return service.request(session, answers, company=company, now=now)
    visit = service.book(session, answers, company=company, tables=tables, now=now)
    improve_later(session, visit, now=now)
    return visit


def _site(given: dict[str, Any]) -> SiteAnswers:
    values = dict(given)
    lat, lon = values.pop("latitude"), values.pop("longitude")
    site = SiteAnswers(country=web.services().settings.country, **values)
    if lat is None:
        return site
    return replace(site, coordinates=Coordinates(lat, lon), match="pin", provider="api")


def _located(site: SiteAnswers) -> SiteAnswers:
    """The site at the place of its address, where that is certain; asked for before any transaction."""
    if site.coordinates is not None:
        return site
    address = web.services().geocoding.locate(site.one_line)
    return places.at(site, address) if address is not None and address.certain else site


def _number(typed: str) -> str:
    number = Phone(web.services().settings.country).parse(typed) if typed else ""
    if number is None:
        raise Refused(422, "invalid", "See errors.", {"requester": {"phone": ["No such number."]}})
    return number


def _checked(chosen: Service, given: dict[str, Any]) -> dict[str, Any]:
    """The answers to the service's questions, if each fits its question and none is missing."""
    errors = {code: ["Not an answer to this question."] for code, value in given.items() if not _plain(value)}
    plain = {code: value for code, value in given.items() if code not in errors}
    findings = intake.evaluate(chosen.intake_questions, plain)
    said = {each["code"] for each in findings.said}
    errors |= {code: ["Not an answer to a question of the service."] for code in plain if code not in said}
    photos = {each.code for each in chosen.intake_questions if each.kind == QuestionKind.PHOTO}
    errors |= {code: ["Answer this question."] for code in findings.unanswered if code not in photos}
    if errors:
        raise Refused(422, "invalid", "See errors: each names a field and its fault.", {"answers": errors})
    return plain


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= 50 and all(isinstance(each, str) and _plain(each) for each in value)
    if isinstance(value, str):
        return len(value) <= _LONGEST_ANSWER and is_readable(value, lines=True)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _GREATEST
