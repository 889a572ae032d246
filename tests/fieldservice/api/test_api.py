"""What the API offers can be kept, is done once, and is refused in words that a program understands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from time_machine import Traveller

from fieldservice.api.tokens import Scope, make_token, revoke
from fieldservice.models import (
    ApiToken,
    Job,
    Place,
    Plan,
    Proposal,
    Service,
    StopKind,
    Technician,
    Visit,
    VisitState,
)
from fieldservice.planning.jobs import Work, run_next_job
from fieldservice.web import Services
from tests.factories import NOW, TODAY, TOMORROW, Company, make_stop, make_visit, make_work_order, window
from tests.fieldservice.api.conftest import Program, booking, first_window

type Make = Callable[..., Program]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _problem(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["code"] == code


def test_a_slot_becomes_a_visit_once(program: Make, company: Company, services: Services) -> None:
    """An offered window is promised; the same request again has the same answer and makes no second visit."""
    shop = program()
    content = booking(company, first_window(shop, company))
    first = shop.post("/bookings", content, key="order-4711")
    again = shop.post("/bookings", content, key="order-4711")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert first.json["state"] == "booked"
    assert first.json["window"] == content["window"] or first.json["window"]["starts_at"]
    with services.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Visit)) == 1
        assert session.scalars(select(Visit)).one().promised
    _problem(shop.post("/bookings", content | {"problem": "Other"}, key="order-4711"), 422, "key_reused")
    read = shop.client.get(first.location, headers=shop.headers())
    assert read.json["reference"] == first.json["reference"]


def test_a_window_that_is_gone_is_refused(program: Make, company: Company, services: Services) -> None:
    """With as many visits as technicians and room in a window, the next booking is 409, and nothing stays."""
    shop = program()
    wanted = first_window(shop, company)
    answers = [shop.post("/bookings", booking(company, wanted)) for _ in range(14)]
    assert answers[0].status_code == 201
    _problem(answers[-1], 409, "slot_taken")
    with services.db.reading() as session:
        kept = session.scalar(select(func.count()).select_from(Visit))
        assert kept == sum(answer.status_code == 201 for answer in answers)


def test_a_customer_is_written_to_in_the_language_they_spoke(
    program: Make, company: Company, services: Services
) -> None:
    """A program does not say it: it is that of their last order, and the company's for somebody new."""
    shop = program()
    first = shop.post("/bookings", booking(company, None))

    def speak(session: Session) -> None:
        order = session.scalars(select(Visit)).one().work_order
        assert order.locale == services.settings.locale
        order.locale = "nl_NL"

    services.db.run(speak)
    again = shop.post("/bookings", booking(company, None), key="another-order")
    assert (first.status_code, again.status_code) == (201, 201)
    with services.db.reading() as session:
        assert [visit.work_order.locale for visit in session.scalars(select(Visit))] == ["nl_NL", "nl_NL"]


def test_who_is_called_gives_a_number(program: Make, company: Company, services: Services) -> None:
    """A remote visit without a link is refused with an e-mail address alone."""
    with services.db.transaction() as session:
        session.get_one(Service, company.service.id).place = Place.REMOTE
    asked = booking(company, None) | {"requester": {"name": "Ada", "email": "ada@example.com"}}
    answer = program().post("/bookings", asked)
    _problem(answer, 422, "invalid")
    assert "phone" in answer.json["errors"]["requester"]


def test_without_a_window_the_office_finds_the_time(program: Make, company: Company) -> None:
    """A booking without a window is a request that waits."""
    made = program().post("/bookings", booking(company, None))
    assert made.status_code == 201
    assert (made.json["state"], made.json["window"]) == ("requested", None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"service": "nothing"}, "service"),
        ({"requester": {"name": "Ada"}}, "requester"),
        ({"requester": {"name": "Ada", "phone": "12"}}, "requester"),
        ({"site": {"address": "1 Light Street", "latitude": 1}}, "site"),
        ({"site": {"address": "1 \x00 Street"}}, "site"),
        ({"window": {"starts_at": "2026-11-24T10:00:00", "ends_at": "2026-11-24T12:00:00Z"}}, "window"),
        ({"answers": {"nothing": "asked"}}, "answers"),
        ({"what": 1}, "what"),
    ],
)
def test_a_fault_is_named(program: Make, company: Company, change: dict[str, Any], field: str) -> None:
    """A booking with a fault is 422 and names the field."""
    answer = program().post("/bookings", booking(company, None) | change)
    _problem(answer, 422, "invalid")
    errors = answer.json["errors"]
    assert field in errors.get("json", errors)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"x"', b"[" * 100_000])
def test_what_is_no_json_is_a_problem(program: Make, company: Company, body: bytes) -> None:
    """Malformed bodies are 4xx and problem+json."""
    shop = program()
    headers = shop.headers() | {"Idempotency-Key": "key-12345", "Content-Type": "application/json"}
    answer = shop.client.post("/api/v1/bookings", data=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.mimetype == "application/problem+json"


def test_refusals_outside_of_views_are_problems(program: Make) -> None:
    """An address that leads nowhere, a method that is none, a missing key: no page is sent."""
    shop = program()
    _problem(shop.get("/nothing"), 404, "not_found")
    _problem(shop.client.delete("/api/v1/visits"), 405, "method_not_allowed")
    _problem(shop.get("/visits", cursor="x"), 422, "invalid")
    _problem(shop.get("/visits/99999999999999"), 404, "not_found")
    answer = shop.client.post("/api/v1/bookings", json={}, headers=shop.headers())
    assert answer.mimetype == "application/problem+json"


def test_lists_come_in_pages(program: Make, company: Company, services: Services) -> None:
    """The cursor leads through all visits, each once."""
    with services.db.transaction() as session:
        made = [make_visit(session).id for _ in range(5)]
    shop, seen, cursor = program(), [], None
    while True:
        page = shop.get("/visits", limit=2, **({"cursor": cursor} if cursor else {})).json
        seen += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == sorted(made)


def test_only_what_was_seen_is_changed(program: Make, company: Company, services: Services) -> None:
    """Without If-Match 428, with an old one 412; with the right one the visit ends under its rules."""
    shop = program()
    visit = shop.post("/bookings", booking(company, first_window(shop, company))).json
    path = f"/visits/{visit['id']}"
    tag = shop.get(path).headers["ETag"]
    _problem(shop.post(f"{path}/cancel", {}), 428, "no_if_match")
    _problem(shop.post(f"{path}/cancel", {}, match='"old"'), 412, "changed")
    not_modified = shop.client.get(f"/api/v1{path}", headers=shop.headers() | {"If-None-Match": tag})
    assert not_modified.status_code == 304
    answer = shop.post(f"{path}/cancel", {"reason": "Sold"}, match=tag)
    if answer.status_code == 409:  # the first window of today is within the cut-off
        _problem(answer, 409, "too_late")
    else:
        assert answer.json["state"] == "cancelled"
    with services.db.reading() as session:
        state = session.get_one(Visit, visit["id"]).state
        assert (state == VisitState.CANCELLED) == (answer.status_code == 200)


def _planned(services: Services, company: Company) -> tuple[Visit, Plan]:
    promised = window(TOMORROW, 10, 12)
    with services.db.transaction() as session:
        visit = make_visit(
            session,
            territory=company.territory,
            work_order=make_work_order(session, service=company.service),
            promised=promised,
            state=VisitState.BOOKED,
        )
        start = promised.starts_at
        stop = make_stop(session, company.technicians[0], start, start + visit.service_duration, visit=visit)
        return visit, stop.route.plan


def test_reschedule_cancel_and_move(program: Make, company: Company, services: Services) -> None:
    """A visit of tomorrow gets another window, another technician, and ends; each change has a new ETag."""
    visit, _ = _planned(services, company)
    shop, path = program(), f"/visits/{visit.id}"
    later = window(TOMORROW, 14, 16)
    wanted = {"starts_at": later.starts_at.isoformat(), "ends_at": later.ends_at.isoformat()}
    tag = shop.get(path).headers["ETag"]
    moved = shop.post(f"{path}/reschedule", {"window": wanted}, match=tag)
    assert moved.status_code == 200, moved.text
    assert moved.headers["ETag"] != tag
    plan = shop.get(f"/plans/{company.territory.id}/{TOMORROW}").json
    others = [each.id for each in company.technicians if each.id != moved.json["planned"]["technician"]]
    move = {"technician": others[0], "day": TOMORROW.isoformat(), "plan_version": plan["version"]}
    stale = shop.post(f"{path}/move", move | {"plan_version": 9999}, match=moved.headers["ETag"])
    _problem(stale, 409, "stale_plan")
    placed = shop.post(f"{path}/move", move, match=moved.headers["ETag"])
    assert placed.status_code == 200, placed.text
    assert placed.json["planned"]["technician"] == others[0]
    ended = shop.post(f"{path}/cancel", {"reason": "Sold"}, match=placed.headers["ETag"])
    assert ended.json["state"] == "cancelled"
    _problem(
        shop.post(f"{path}/reschedule", {"window": wanted}, match=ended.headers["ETag"]), 409, "not_open"
    )


def test_a_plan_names_the_visit_of_everybody_who_makes_it(
    program: Make, company: Company, services: Services
) -> None:
    """Who helps with a visit has it in their route, as who leads it does."""
    visit, _ = _planned(services, company)
    start = window(TOMORROW, 10, 12).starts_at
    with services.db.transaction() as session:
        session.get_one(Visit, visit.id).crew = 2
        helper = session.get_one(Technician, company.technicians[1].id)
        helps = {"kind": StopKind.CREW, "crew_visit_id": visit.id}
        make_stop(session, helper, start, start + visit.service_duration, **helps)
    routes = program().get(f"/plans/{company.territory.id}/{TOMORROW}").json["routes"]
    stops = [stop for route in routes for stop in route["stops"]]
    assert [(stop["kind"], stop["visit"]) for stop in stops] == [("visit", visit.id), ("crew", visit.id)]


def test_workforce_and_messages_are_read(program: Make, company: Company, services: Services) -> None:
    """Technicians, their shifts and what was written to customers."""
    visit, _ = _planned(services, company)
    shop = program()
    people = shop.get("/technicians", territory=company.territory.id).json["items"]
    assert [each["id"] for each in people] == [each.id for each in company.technicians]
    assert shop.get(f"/technicians/{people[0]['id']}").json == people[0]
    shifts = shop.get("/shifts", territory=company.territory.id, first_day=TODAY, days=2).json["items"]
    assert len(shifts) == 4
    shop.post("/bookings", booking(company, first_window(shop, company)))
    kinds = {each["kind"] for each in shop.get("/messages").json["items"]}
    assert "confirmation" in kinds
    assert shop.get("/messages", visit=visit.id).json["items"] == []


def test_a_run_is_asked_for_done_and_accepted(program: Make, company: Company, services: Services) -> None:
    """A search is started, found done with its plan, and the plan is accepted once."""
    _planned(services, company)
    shop = program()
    asked = {"territory": company.territory.id, "day": TOMORROW.isoformat(), "goal": "driving"}
    started = shop.post("/optimisations", asked)
    assert started.status_code == 202, started.text
    work = Work(services.db, services.tables, 0.5, lambda: NOW)
    assert run_next_job(work, owner="test")
    run = shop.client.get(started.location, headers=shop.headers()).json
    assert run["state"] == "done"
    proposal = run["proposals"][0]["id"]
    path = f"/optimisations/{run['id']}"
    _problem(shop.post(f"{path}/accept", {"proposal": proposal + 1}), 422, "invalid")
    assert shop.post(f"{path}/accept", {"proposal": proposal}).status_code == 200
    _problem(shop.post(f"{path}/accept", {"proposal": proposal}), 409, "closed")
    assert shop.post(f"{path}/cancel", {}).json["state"] == "done"
    with services.db.reading() as session:
        assert session.get_one(Proposal, proposal).state == "accepted"
        assert session.scalars(select(Job).where(Job.id == run["id"])).one().created_by == "api:shop"


def _operations(app: Flask) -> list[tuple[str, str, Scope]]:
    """Method, path with numbers of nothing, and scope of each operation."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("api."):
            view = app.view_functions[rule.endpoint]
            path = rule.rule.replace("<int:territory_id>", "1").replace("<day:on>", "2026-11-24")
            path = path.replace("<int:visit_id>", "1").replace("<int:run_id>", "1")
            path = path.replace("<int:technician_id>", "1")
            method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
            found.append((method, path, _scope(view)))
    return found


def _scope(view: Any) -> Scope:
    while not hasattr(view, "required_scope"):
        view = view.__wrapped__
    return Scope(view.required_scope)


def test_each_operation_asks_for_its_scope(app: Flask, program: Make, services: Services) -> None:
    """Of tokens with one scope each, only that of the operation gets through; no token, a revoked, expired or
    made-up one gets 401. A sign-in counts for nothing."""
    programs = {scope: program(scope) for scope in Scope}
    with services.db.transaction() as session:
        row, revoked = make_token(session, "old", list(Scope), days=1, now=NOW)
        revoke(session, row.id, now=NOW)
        _, expired = make_token(session, "older", list(Scope), days=1, now=NOW - timedelta(days=2))
    operations = _operations(app)
    assert len(operations) > 15
    for method, path, wanted in operations:
        for scope, caller in programs.items():
            answer = caller.client.open(path, method=method, headers=caller.headers())
            assert (answer.status_code == 403) == (scope != wanted), f"{method} {path} {scope}"
        for token in ("", revoked, expired, "fs_" + "A" * 43):
            answer = programs[wanted].client.open(
                path, method=method, headers={"Authorization": f"Bearer {token}"}
            )
            _problem(answer, 401, "no_token")
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_token_itself_is_not_stored(program: Make, services: Services) -> None:
    """Who reads the table cannot use the API."""
    shop = program()
    with services.db.reading() as session:
        row = session.scalars(select(ApiToken)).one()
    assert shop.token not in (row.token_hash, row.name, row.scopes)


def test_a_booking_is_remembered_whatever_changed_since(
    program: Make, company: Company, services: Services
) -> None:
    """The same request again has the same answer, though the service is offered no more."""
    shop = program()
    content = booking(company, None)
    first = shop.post("/bookings", content, key="order-4712")
    with services.db.transaction() as session:
        for service in session.scalars(select(Service)):
            service.active = False
    again = shop.post("/bookings", content, key="order-4712")
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert shop.post("/bookings", content, key="order-4713").status_code == 422


def test_made_up_tokens_are_counted_together(app: Flask, program: Make, clock_at_now: Traveller) -> None:
    """Who sends another token each time is stopped by the address that all of them come from."""
    app.config["LIMIT_API_ADDRESS"] = "3/minute"
    shop = program()
    answers = [
        shop.client.get("/api/v1/technicians", headers={"Authorization": f"Bearer fs_{n}"}).status_code
        for n in range(4)
    ]
    assert answers == [401, 401, 401, 429]


def test_each_token_has_its_own_limit(app: Flask, program: Make, clock_at_now: Traveller) -> None:
    """Who asks too often is told so as a problem; another token is not."""
    app.config["LIMIT_API"] = "3/minute"
    greedy, modest = program(), program()
    answers = [greedy.get("/technicians").status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    _problem(greedy.get("/technicians"), 429, "too_many_requests")
    assert modest.get("/technicians").status_code == 200
