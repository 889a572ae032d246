"""A small company with everything that a rule of the site may name, and nine people who try everything."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from fieldservice import auth, web
from fieldservice.auth import sessions
from fieldservice.auth.links import (
    approval_token,
    feed_token,
    make_link,
    new_approval,
    token_of,
    work_feed_token,
)
from fieldservice.booking.drafts import DraftAnswers, SiteAnswers
from fieldservice.db import Database
from fieldservice.models import (
    AccessCode,
    Approval,
    Base,
    BookingDraft,
    CannedAnswer,
    Channel,
    CodePurpose,
    Conversation,
    Feedback,
    Guest,
    KeptWork,
    Occurrence,
    OfficeTask,
    Plan,
    Renewal,
    ServicePlan,
    ShiftWish,
    Technician,
    User,
    UserRole,
    UserSession,
    Visit,
    VisitorCode,
    VisitState,
    Window,
)
from fieldservice.office.areas import version_of
from fieldservice.planning import improve, proposals
from fieldservice.planning.changes import move_visit
from fieldservice.planning.judge import Move
from fieldservice.planning.rows import load_day
from fieldservice.planning.travel import table_of
from fieldservice.web import Services
from tests.factories import (
    CENTRE,
    NOW,
    TODAY,
    TOMORROW,
    Company,
    add,
    ask,
    make_absence,
    make_attachment,
    make_company,
    make_customer,
    make_draft,
    make_hold,
    make_service,
    make_site,
    make_stop,
    make_technician,
    make_visit,
    make_work_order,
    window,
)
from tests.signing_in import csrf_token, signed_in

ACTORS = (
    "nobody",  # not signed in, without a link
    "customer",  # with the private link of the visit and the draft that everything is about
    "stranger",  # another customer with a link and a draft of their own
    "technician",  # on whose route the visit is
    "colleague",  # another technician
    "dispatcher",
    "admin",
    "closed",  # a dispatcher whose account was closed while they were signed in
    "ended",  # a dispatcher's cookie after the sign-out
)
STAFF = ("technician", "colleague", "dispatcher", "admin")
MAY_SEE_THE_CUSTOMER = ("customer", "technician", "dispatcher", "admin")
SECRETS = ("Ada Marker", "Marker Lane 7", "+14105550177", "ada.marker@example.com", "HH-MARKER", "Gate 4711")
UNKNOWN = "A" * 43
PROMISED = window(TODAY, 13, 15)
BROWSER = {
    "endpoint": "https://push.example.com/a",
    "p256dh": "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    "auth": "A" * 22,
}
PLAN_DUE, TERM_ENDS = TODAY + timedelta(days=10), TODAY + timedelta(days=25)
_CALLER = {"name": "Ada Marker", "phone": "+14105550177", "street": "Marker Lane 7", "do": "later"}
_OFFICE: Mapping[str, Mapping[str, Any]] = {
    "/office/setup/company": {
        "company": "Marker Heating",
        "phone": "+14105550177",
        "territory": "Elsewhere",
        "time_zone": "UTC",
        "latitude": CENTRE.lat,
        "longitude": CENTRE.lon,
        "radius_km": 20,
        "working_days": "0",
    },
    "/office/setup/services": {"trades": "it"},
    "/office/setup/technicians": {"name": "Tess", "weekdays": "0", "starts": "08:00", "ends": "17:00"},
    "/office/answers/new": {"language": "en", "title": "Ovens", "body": "Yes, we repair ovens."},
    "/office/answers/<int:answer_id>": {"language": "en", "title": "Doors", "body": "Any.", "version": 1},
    "/office/messages/<name>/<channel>/<language>": {"sms": "We answered.", "version": 0, "do": "save"},
}
_SAME_FOR_ALL: Mapping[str, Mapping[str, Any]] = {
    "/book/<token>/services": {"service": "second"},
    "/book/<token>/chat": {"body": "Do you repair ovens?"},
    "/book/<token>/services/remove": {"service": "second"},
    "/approve/<token>": {"answer": "agree"},
    "/book/<token>/try": {"step": "look", "answer": "no"},
    "/book/<token>/address": {"by": "known", "access_kind": "home"},
    "/book/<token>/guard": {"solution": "none"},
    "/book/<token>/guard/code": {"known": "ada.marker@example.com"},
    "/book/<token>/guard/<code>": {"code": "000000"},
    "/book/returning": {"known": "ada.marker@example.com"},
    "/book/returning/<code>": {"code": "000000"},
    "/book/<token>/address/check": {"place": "written"},
    "/book/<token>/confirm": {"name": "Ada Marker", "phone": "+14105550177"},
    "/visit/<token>/messages": {"body": "Which door?"},
    "/visit/<token>/data/language": {"language": "nl"},
    "/visit/<token>/data/prove": {"code": "000000"},
    "/visit/<token>/data/erase": {"sure": "y"},
    "/visit/<token>/feedback": {"rating": "4"},
    "/visit/<token>/feedback/words": {"body": "Too late", "kind": "complaint"},
    "/visit/<token>/details": {"name": "Ada Marker", "phone": "+14105550177"},
    "/board/inbox/<int:visit_id>/answer": {"body": "The side door."},
    "/board/visits/<int:visit_id>/calls": {"direction": "in"},
    "/board/inbox/guests/<int:guest_id>/answer": {"body": "Yes, we do."},
    "/board/inbox/guests/<int:guest_id>/visit": {"reference": "HH-OTHERS"},
    "/visit/<token>/earlier": {"wait": "yes"},
    "/visit/<token>/offer": {"offer": 1, "answer": "take"},
    "/visit/<token>/choose": {"offer": 1, "answer": "0"},
    "/book/<token>/outside": {"email": "ada.marker@example.com"},
    "/book/<token>/waiting": {"name": "Ada Marker", "phone": "+14105550177"},
    "/day/visits/<int:visit_id>/taps": {"kind": "on_my_way"},
    "/day/visits/<int:visit_id>/position": {
        "latitude": CENTRE.lat,
        "longitude": CENTRE.lon,
        "age": 0,
    },
    "/day/visits/<int:visit_id>/late": {"minutes": "10"},
    "/day/visits/<int:visit_id>/report": {"notes": "All well"},
    "/day/visits/<int:visit_id>/assets": {"name": "Boiler", "serial": "4711"},
    "/day/visits/<int:visit_id>/photos": {"about": "before"},
    "/day/visits/<int:visit_id>/sign": {"name": "Ada Marker"},
    "/day/visits/<int:visit_id>/correct": {"step": "arrived", "at": "08:00", "reason": "Wrong house"},
    "/day/visits/<int:visit_id>/cannot": {"reason": "unsafe", "following": "office"},
    "/day/sharing": {"share": "on"},
    "/board/visits/<int:visit_id>/kept/<int:kept_id>": {"decision": "stays"},
    "/day/hours/<day:on>": {"starts": "07:00", "ends": "23:00", "reason": "Forgot"},
    "/day/wishes": {"kind": "away", "first_on": TOMORROW.isoformat()},
    "/board/wishes/<int:wish_id>": {"decision": "refuse", "answer": "Too many are away"},
    "/day/on/<day:on>/seen": {"shown": "nothing"},
    "/day/me/navigation": {"navigation": "waze"},
    "/login": {"email": "nobody@example.com", "password": "wrong horse"},
    "/board/visits/<int:visit_id>/pin": {"pinned": "both"},
    "/board/proposals/<int:proposal_id>/part": {"part": "v1", "decision": "accept"},
    "/board/<day:on>/technicians/<int:technician_id>/vehicle": {"hours": "rest"},
    "/board/visits/<int:visit_id>/missed": {"again": "yes"},
    "/board/visits/<int:visit_id>/locate": {"latitude": CENTRE.lat, "longitude": CENTRE.lon},
}
"""What is sent whoever the world is made of, by rule."""
QUESTIONS = [{"code": "age", "kind": "number", "label": "How old is it?"}]


@dataclass
class World:
    """What stands for the variable parts of addresses, for each actor, and what their forms say."""

    company: Company
    visit: Visit
    other: Visit
    tokens: dict[str, str] = field(default_factory=dict)
    over: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    feeds: dict[str, str] = field(default_factory=dict)
    work_feeds: dict[str, str] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    approvals: dict[str, str] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    plan_version: int = 0

    def values(self, rule: str, actor: str) -> dict[str, Any]:
        """What the actor puts into the rule: the one visit by its number, their own token or a guess."""
        kinds = {"/book": self.drafts, "/appr": self.approvals}
        token = kinds.get(rule[:5], self.tokens)
        everything: dict[str, Any] = {
            "token": token.get(actor, UNKNOWN),
            "feed": self.feeds.get(actor, f"1-{UNKNOWN}"),
            "code": self.codes.get(f"{actor} guarded" if "/guard/" in rule else actor, UNKNOWN),
            "on": TODAY.isoformat(),
            "name": "base",
            "filename": "vendor/manifest.json",
            "channel": "sms",
            "language": "nl",
            **self.numbers,
        }
        if rule.startswith("/office/"):
            everything["name"] = "answer" if "/messages/" in rule else "customers"
            everything["number"] = everything["login"] = self._office_row(rule)
        if rule.startswith("/book/"):
            everything["attachment_id"] = self.numbers["draft_attachment_id"]
        if rule.startswith("/day/calendar/"):
            everything["feed"] = self.work_feeds.get(actor, f"1-{UNKNOWN}")
        if "/feedback" in rule:
            everything["token"] = self.over.get(actor, everything["token"])
        if rule.endswith("/locate"):
            everything["visit_id"] = self.numbers["lost_visit_id"]
        return {name: everything[name] for name in re.findall(r"<(?:\w+:)?(\w+)>", rule)}

    def _office_row(self, rule: str) -> int:
        """The row that a page of the office is about."""
        if "/services/" in rule:
            return self.company.service.id
        if "/accounts/" in rule:
            return self.users["technician"].id
        if "/areas/" in rule:
            return self.company.territory.id
        return self.company.technicians[1].id

    def _office_forms(self) -> dict[str, Mapping[str, Any]]:
        """What an administrator sends about one row of the office."""
        figures = {"duration": 60, "setup": 5, "cleanup": 5, "window_length": 120, "lead_time": 2}
        figures |= {
            "reschedule_cutoff": 12,
            "cancel_cutoff": 12,
            "horizon_days": 14,
            "priority": 10,
            "crew": 1,
        }
        offered = figures | {"name": "Marker service", "place": "on_site", "branch": "", "position": 3}
        offered["working_days"] = "0"
        account = {"name": "Mara Marker", "role": "technician", "active": "y", "version": 1}
        new = {"email": "mara@example.com", "password": "correct horse battery"}
        person = {"name": "Tess", "territory": self.company.territory.id, "from_on": TODAY.isoformat()}
        version = {"version": self.company.technicians[1].version}
        person |= {"account": "", "active": "y", "sure": "y"} | version
        place = {"latitude": CENTRE.lat, "longitude": CENTRE.lon}
        area = place | {"territory": "Elsewhere", "radius_km": 20, "working_days": "0"}
        return {
            "/office/areas/new": area | {"time_zone": "UTC"},
            "/office/areas/<int:number>": area
            | {"active": "y", "version": version_of(self.company.territory)},
            "/office/areas/<int:number>/branches": place | {"branch": "Workshop"},
            "/office/services/new": offered | {"code": "marker"},
            "/office/services/<int:number>": offered | {"version": 1, "sure": "y"},
            "/office/accounts/new": account | new,
            "/office/accounts/<int:number>": account,
            "/office/technicians/<int:number>": person,
            "/office/technicians/<int:number>/days": {"on": TOMORROW.isoformat(), "sure": "y"} | version,
        }

    def _colleague(self) -> Mapping[str, Any]:
        """The other technician, to exchange visits with."""
        return {"other": self.company.technicians[1].id}

    def _emergency(self) -> Mapping[str, Any]:
        """The visit goes first on the route that it is on."""
        technician = self.company.technicians[0].id
        orders = json.dumps({technician: [f"v{self.visit.id}"]})
        return {"technician": technician, "minutes": "60", "orders": orders}

    def form(self, rule: str) -> Mapping[str, Any]:
        """A form that an allowed actor gets through with."""
        service = {"service": self.company.service.code}
        picked = {"window": window(TOMORROW, 12, 14).starts_at.isoformat()}
        version = {"plan_version": self.plan_version}
        place = {
            "visit": self.visit.id,
            "technician": self.company.technicians[1].id,
            "start": "15:00",
            "confirmed": "yes",
        }
        return {
            **_OFFICE,
            **_SAME_FOR_ALL,
            "/book": service,
            "/book/<token>": service,
            "/book/<token>/sites": {"site": self.visit.site.id},
            "/book/<token>/time": picked,
            "/visit/<token>/time": picked,
            **{f"{page}/push": BROWSER for page in ("/day", "/visit/<token>")},
            **{f"{page}/push/off": BROWSER for page in ("/day", "/visit/<token>")},
            "/day/kept": {
                "kind": "tap",
                "action": f"/day/visits/{self.visit.id}/taps",
                "content": "[]",
            },
            "/board/<day:on>/move": place | version,
            "/board/<day:on>/let-in": place | version | {"longer": "shift", "minutes": 30},
            "/board/visits/<int:visit_id>/ask": {"windows": picked["window"]},
            "/board/visits/<int:visit_id>/unassign": version,
            "/board/<day:on>/technicians/<int:technician_id>/swap": version | self._colleague(),
            "/board/<day:on>/technicians/<int:technician_id>/another-day": version
            | {"to": TOMORROW.isoformat(), "reason": "Training"},
            "/board/<day:on>/visits/<int:visit_id>/unlink": {"first": self.visit.id},
            "/board/phone": service | _CALLER,
            "/board/phone/times": service | _CALLER,
            "/board/visits/<int:visit_id>/overrun": {"minutes": "30"} | version,
            "/board/visits/<int:visit_id>/emergency": self._emergency() | version,
            **self._plan_forms(),
            **self._office_forms(),
        }.get(rule, {})

    def _plan_forms(self) -> dict[str, Mapping[str, Any]]:
        """What is sent about the customer's service plan."""
        day, ends_on = {"day": TERM_ENDS.isoformat()}, {"ends_on": TERM_ENDS.isoformat()}
        terms = {"every": 1, "unit": "months", "first_on": PLAN_DUE.isoformat(), "period_days": 14}
        terms |= {"lead_days": 7, "renewal": "none", "part": "", "technician": ""}
        terms |= {"season_from": "", "season_to": ""}
        new = {"site": self.visit.site.id, "service": self.company.service.id}
        return {
            "/visit/<token>/plan": {"part": "morning"},
            "/visit/<token>/plan/<int:occurrence_id>/skip": {"reason": "We are away"},
            "/visit/<token>/plan/<int:occurrence_id>/move": day,
            "/visit/<token>/plan/end": {"sure": "y"},
            "/visit/<token>/plan/renew": ends_on,
            "/board/plans/new": terms | new,
            "/board/plans/<int:plan_id>/change": terms | {"version": 1, "step": "apply"},
            "/board/plans/<int:plan_id>/renew": ends_on,
            "/board/occurrences/<int:occurrence_id>/move": day,
        }


def make_world(services: Services) -> World:
    """Store the company, one customer's visit on a route of today and another customer's."""
    key = services.settings.secret_key

    def work(session: Session) -> World:
        company = make_company(
            session, reschedule_cutoff=timedelta(hours=1), cancel_cutoff=timedelta(hours=1)
        )
        checks = [{"code": "look", "title": "Look", "question": "Does it work?"}]
        ask(session, company.service, QUESTIONS, first_checks=checks)
        make_service(session, code="second", name="Second service")
        visit = _visit(session, company, company.technicians[0], "HH-MARKER", PROMISED)
        other = _visit(session, company, company.technicians[1], "HH-OTHERS", PROMISED)
        world = World(company, visit, other)
        for actor, theirs in (("customer", visit), ("stranger", other)):
            link = make_link(theirs, secret_key=key, now=NOW, expires_at=NOW + timedelta(days=30))
            session.flush()
            world.tokens[actor], world.feeds[actor] = token_of(link, key), feed_token(link, key)
            world.drafts[actor] = _draft(session, company, theirs)
            world.approvals[actor] = _approval(session, company, theirs, key)
        _visitor(session, world)
        _over(session, world, key)
        _staff(session, world)
        world.work_feeds = {actor: work_feed_token(user, key) for actor, user in world.users.items()}
        _office(session, world, services)
        return world

    return services.db.run(work)


def _wish(session: Session, company: Company) -> int:
    """What the technician asks for."""
    wish = ShiftWish(
        technician_id=company.technicians[0].id,
        kind="away",
        first_on=PLAN_DUE,
        last_on=PLAN_DUE,
        asked_at=NOW,
        event_key="asked-before",
    )
    add(session, wish)
    return wish.id


def _office(session: Session, world: World, services: Services) -> None:
    """A change that can be undone, a search that runs, a proposal that waits, an address nobody found."""
    company, spare = world.company, window(TOMORROW, 10, 12)
    visit = _visit(session, company, company.technicians[0], "HH-MOVED", spare)
    change = move_visit(
        session,
        visit,
        Move(company.technicians[1].id, TOMORROW, None),
        plan_version=1,
        confirmed=True,
        tables={TOMORROW: table_of(services.tables, load_day(session, company.territory, TOMORROW, now=NOW))},
        now=NOW,
        actor="test",
    )
    table = table_of(services.tables, load_day(session, company.territory, TODAY, now=NOW))
    today = improve.snapshot(session, company.territory, TODAY, table=table, now=NOW)
    plan = session.scalars(select(Plan).where(Plan.on == TODAY)).one()
    job = improve.request_proposal(session, plan, now=NOW, actor="test")
    proposal = proposals.store_proposal(
        session, improve.Found(today, today.plan), job=job, seconds=1, now=NOW
    )
    world.plan_version = plan.version
    lost = make_work_order(session, site=make_site(session, at=None), service=company.service)
    world.numbers = {
        "visit_id": world.visit.id,
        "customer_id": world.visit.work_order.customer_id,
        "wish_id": _wish(session, company),
        "lost_visit_id": make_visit(session, territory=company.territory, work_order=lost).id,
        "change_id": change.id,
        "job_id": job.id,
        "run_id": job.id,
        "territory_id": company.territory.id,
        "proposal_id": proposal.id,
        "technician_id": company.technicians[0].id,
        "absence_id": _absence(session, company),
        "task_id": _inbox(session, world),
        "guest_id": _guest(session),
        "answer_id": add(session, CannedAnswer(language="en", title="Doors", body="The side door.")).id,
        "kept_id": _kept(session, world, services),
        **_plan(session, world),
        "attachment_id": make_attachment(session, services.files, world.visit).id,
        "draft_attachment_id": make_attachment(session, services.files, world.drafts["customer"]).id,
    }


def _guest(session: Session) -> int:
    """Somebody who asked on a social channel and has no visit."""
    talk = Conversation(last_at=NOW)
    talk.ask("Do you repair ovens?", channel="whatsapp", now=NOW)
    return add(session, Guest(conversation=talk, channel="whatsapp", address="14105550199", began_at=NOW)).id


def _kept(session: Session, world: World, services: Services) -> int:
    """What the technician's phone sent about the visit when the plan had changed, with a photo."""
    row = KeptWork(
        item_id="0" * 36,
        visit_id=world.visit.id,
        technician_id=world.company.technicians[0].id,
        kind="photo",
        label="Photo",
        fields=[],
        status=404,
        reason="",
        tapped_at=NOW,
        phone_at=NOW,
        received_at=NOW,
        file_key=services.files.put(b"a photo"),
        file_name="photo.jpg",
    )
    add(session, row)
    return row.id


def _plan(session: Session, world: World) -> dict[str, int]:
    """The customer's visit belongs to a service plan whose term ends soon; another visit is due by then."""
    plan = ServicePlan(
        work_order=world.visit.work_order,
        territory=world.company.territory,
        every=1,
        unit="months",
        anchor_on=PLAN_DUE,
        starts_on=PLAN_DUE,
        term_months=1,
        ends_on=TERM_ENDS,
        renewal=Renewal.ASK,
        made_until=TERM_ENDS,
        created_at=NOW,
    )
    add(session, plan)
    occurrence = Occurrence(ruled_on=PLAN_DUE)
    plan.occurrences.append(occurrence)
    occurrence.fall_due(PLAN_DUE)
    session.flush()
    return {"plan_id": plan.id, "occurrence_id": occurrence.id}


def _absence(session: Session, company: Company) -> int:
    """Somebody who is away today, and has no part in anything else."""
    away = make_technician(session, company.territory)
    return make_absence(session, away, NOW - timedelta(hours=2), NOW + timedelta(hours=12)).id


def _over(session: Session, world: World, key: str) -> None:
    """A visit of the customer that was made yesterday, with its stars."""
    yesterday = window(TODAY - timedelta(days=1))
    visit = _visit(session, world.company, world.company.technicians[0], "HH-OVER", yesterday)
    visit.advance(VisitState.DONE, occurred_at=NOW, now=NOW, actor="test")
    add(session, Feedback(visit=visit, rating=4, points=[], created_at=NOW, changed_at=NOW))
    for theirs in (world.visit, world.other):
        until = NOW + timedelta(days=1)
        add(session, AccessCode(visit_id=theirs.id, nonce="-", created_at=NOW, expires_at=until))
    link = make_link(visit, secret_key=key, now=NOW, expires_at=NOW + timedelta(days=30))
    world.over["customer"] = token_of(link, key)


def _visitor(session: Session, world: World) -> None:
    """The customer said that they booked before, and met the guard; both times they were sent a code."""
    draft = session.scalars(select(BookingDraft).where(BookingDraft.token == world.drafts["customer"])).one()
    for actor, purpose in (("customer", CodePurpose.RETURNING), ("customer guarded", CodePurpose.GUARD)):
        code = VisitorCode(
            token=purpose[0].upper() * 43,
            purpose=purpose,
            channel="email",
            address_hash="-",
            nonce="-",
            draft_id=draft.id if purpose == CodePurpose.GUARD else None,
            work_order_id=world.visit.work_order_id,
            created_at=NOW,
            expires_at=NOW + timedelta(days=1),
        )
        world.codes[actor] = add(session, code).token


def _inbox(session: Session, world: World) -> int:
    """A question that waits and a complaint with a deadline; returns the number of its task."""
    conversation = add(session, Conversation(visit=world.visit, last_at=NOW))
    conversation.ask("Which door do you take?", channel=Channel.PAGE, now=NOW)
    due_at = NOW + timedelta(days=1)
    task = OfficeTask(kind="complaint", visit_id=world.visit.id, created_at=NOW, due_at=due_at)
    return add(session, task).id


def _visit(
    session: Session, company: Company, technician: Technician, reference: str, promised: Window
) -> Visit:
    mine = reference == "HH-MARKER"
    customer = make_customer(
        session,
        name=SECRETS[0] if mine else "Bo Stranger",
        email=SECRETS[3] if mine else "bo@example.com",
        phone=SECRETS[2] if mine else "+14105550188",
    )
    site = make_site(
        session,
        customer,
        territory=company.territory,
        address=SECRETS[1] if mine else "Other Street 8",
        access_notes=SECRETS[5] if mine else "",
    )
    order = make_work_order(session, site=site, service=company.service)
    visit = make_visit(session, territory=company.territory, work_order=order, reference=reference)
    visit.promise(promised, now=NOW, actor="customer")
    make_stop(session, technician, promised.starts_at, promised.starts_at + timedelta(hours=1), visit=visit)
    return visit


def _draft(session: Session, company: Company, visit: Visit) -> str:
    site = SiteAnswers(
        address=visit.site.address, city="Baltimore", coordinates=CENTRE, match="exact", provider="local"
    )
    answers = DraftAnswers(
        service=company.service.code,
        site=site,
        territory_id=company.territory.id,
        window=window(),
        contact={"name": visit.work_order.customer.name, "phone": visit.work_order.customer.phone},
        saved_sites=[visit.site.id] if visit.reference == "HH-MARKER" else [],
    )
    return make_draft(session, token=f"draft-of-{visit.reference}", answers=answers.to_json()).token


def _approval(session: Session, company: Company, theirs: Visit, key: str) -> str:
    """Another visit at the same site that waits for somebody's yes; returns the token of their page."""
    nonce, token_hash = new_approval(key)
    order = make_work_order(
        session, site=theirs.site, service=company.service, request_key=f"asked-{theirs.id}"
    )
    visit = make_visit(session, territory=company.territory, work_order=order)
    held, until = window(TOMORROW, 14, 16), NOW + timedelta(days=1)
    draft = make_draft(session, visit_id=visit.id)
    make_hold(session, company.territory, company.service, held=held, draft=draft, expires_at=until)
    asked = {"email": "boss@example.com", "nonce": nonce, "token_hash": token_hash}
    add(session, Approval(request_key=order.request_key, created_at=NOW, expires_at=until, **asked))
    return approval_token(nonce, key)


def _staff(session: Session, world: World) -> None:
    roles = {
        "technician": UserRole.TECHNICIAN,
        "colleague": UserRole.TECHNICIAN,
        "dispatcher": UserRole.DISPATCHER,
        "admin": UserRole.ADMIN,
        "closed": UserRole.DISPATCHER,
        "ended": UserRole.DISPATCHER,
    }
    for actor, role in roles.items():
        user = User(
            email=f"{actor}@example.com",
            name=actor.capitalize(),
            role=role,
            password="not a hash: nobody signs in with it",  # noqa: S106
            fs_uniquifier=f"uniquifier-of-{actor}",
            created_at=NOW,
        )
        world.users[actor] = add(session, user)
    for actor, technician in zip(("technician", "colleague"), world.company.technicians, strict=True):
        technician.user_id = world.users[actor].id


@dataclass
class Browser:
    """One actor's browser, with a CSRF token that fits its cookie."""

    client: FlaskClient
    token: str

    def send(self, method: str, path: str, form: Mapping[str, Any]) -> TestResponse:
        """Ask for an address as a browser does."""
        if method in ("GET", "HEAD"):
            return self.client.open(path, method=method, buffered=True)
        data = {"csrf_token": self.token, "idempotency_key": web.new_key(), **form}
        return self.client.open(path, method=method, data=data, buffered=True)


def make_browsers(app: Flask, db: Database, world: World) -> dict[str, Browser]:
    """A browser for each actor, signed in where that applies."""
    clients = {actor: app.test_client() for actor in ("nobody", "customer", "stranger")}
    clients |= {actor: signed_in(app, db, user) for actor, user in world.users.items()}

    def shut_out(session: Session) -> None:
        auth.deactivate(session, session.get_one(User, world.users["closed"].id), now=NOW)
        sessions.end_all(session, world.users["ended"], now=NOW)

    db.run(shut_out)
    return {actor: Browser(client, csrf_token(client)) for actor, client in clients.items()}


def dump(db: Database) -> dict[str, list[Any]]:
    """Every row of the database, but the moments at which sessions were last used."""
    with db.reading() as session:
        return {
            table.name: sorted(
                repr(
                    [
                        (name, value)
                        for name, value in row._mapping.items()
                        if (table.name, name) != (UserSession.__tablename__, "last_seen_at")
                    ]
                )
                for row in session.execute(table.select())
            )
            for table in Base.metadata.sorted_tables
        }
