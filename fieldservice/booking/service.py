"""Book visits. Everything works inside the caller's transaction and never commits.

`book` is the one way to a promised visit, for the web page and for everything that books without one.
The travel tables of the window's day are fetched before the transaction begins:

    def work(tables: Mapping[date, TravelTable]) -> Visit:
        return db.run(lambda session: book(session, answers(session), tables=tables, now=now, ...))

    with_travel(db, travel_tables, territory_id, [on], [place], now=now, work=work)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, object_session

from fieldservice.attachments import service as attachments
from fieldservice.booking import chat, checks, intake
from fieldservice.booking.drafts import Contact, SiteAnswers
from fieldservice.booking.new_visits import Company as Company
from fieldservice.booking.new_visits import link_until as link_until
from fieldservice.booking.new_visits import make_link, new_visit
from fieldservice.booking.several import Wanted
from fieldservice.booking.sites import site_of
from fieldservice.db import lock_names
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import (
    BookingDraft,
    ContactRole,
    Customer,
    CustomerKind,
    Hold,
    Needs,
    OfficeTask,
    Role,
    Service,
    Territory,
    Visit,
    Window,
    WorkOrder,
)
from fieldservice.models.cancel_terms import CUSTOMER as CUSTOMER
from fieldservice.models.needs import highest, together
from fieldservice.planning import repair
from fieldservice.planning import service as planning
from fieldservice.planning.repair import Room
from fieldservice.planning.rows import place_of

SURE_MATCHES = ("exact", "pin")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What has to be known to book: the service, the place, the window, and who asks.

    A site contact or payer that is not given is the requester.
    """

    service: Service
    territory: Territory
    site: SiteAnswers
    requester: Contact
    window: Window | None = None
    site_contact: Contact | None = None
    payer: Contact | None = None
    problem: str = ""
    questions: Mapping[str, Any] = field(default_factory=dict)
    tried: Mapping[str, str] = field(default_factory=dict)
    source: str = "web"
    locale: str = "en_US"
    preferred_technician_id: int | None = None
    also: tuple[Wanted, ...] = ()  # further services that the same visit does
    request_key: str = ""  # the same for all that is asked for at once
    turn: int = 0  # among visits that follow each other
    cost_centre: str = ""
    internal: bool = False
    only_preferred: bool = False  # the window was offered with this technician, and nobody else is planned

    @property
    def only_technician_id(self) -> int | None:
        """Who has to come; None when anybody may."""
        return self.preferred_technician_id if self.only_preferred else None

    @property
    def place(self) -> Coordinates | None:
        """Where the technician has to be; None while the address is not found."""
        return place_of(self.service, self.territory, self.site.coordinates)

    @cached_property
    def found(self) -> intake.Findings:
        """What the answers to the service's questions come to."""
        return intake.evaluate(self.service.intake_questions, self.questions)

    @cached_property
    def way(self) -> checks.Way:
        """How far the customer came in the first checks."""
        return checks.follow(self.service.first_checks, self.tried) if self.tried else checks.Way()

    @property
    def needs(self) -> Needs:
        """What the visit takes after these answers."""
        return together([self.found.needs(self.service), *(each.needs for each in self.also)])


class NotOnline(Exception):
    """The answers say that the customer has to call: nothing is booked without a person of the office."""


def book(
    session: Session,
    answers: Answers,
    *,
    company: Company,
    tables: Mapping[date, TravelTable],
    now: datetime,
    hold: Hold | None = None,
    room: Room | None = None,
    actor: str = CUSTOMER,
) -> Visit:
    """Make the customer's visit, promise it its window, and give the customer a private link to it.

    `hold` is what the customer had reserved; it is given back when it has run out. `room` is what others have
    to move for the window; they do in the same transaction. Raises planning's SlotTaken when the window is
    gone, StaleTravel when `tables` lack a place, NotOnline when the customer has to call; the caller then
    rolls back.
    """
    _require_online(answers, actor)
    if answers.window is None:
        raise ValueError("a visit is booked into a window; without one it is requested")
    planning.lock_territory(session, answers.territory)  # before the customer's names, in every way to book
    if room is not None:
        return _book_room(session, answers, room, company=company, tables=tables, now=now, actor=actor)
    if hold is not None and hold.expires_at <= now:
        planning.release_hold(session, hold, tables=tables, now=now)
        hold = None
    ask = _ask(answers)
    if hold is None and ask is not None:  # who lost the race is told before anything is written
        planning.require_slot(session, ask, answers.window, tables=tables, now=now)
    visit = _visit(session, answers, company, now=now, actor=actor)
    planning.book_visit(
        session,
        visit,
        answers.window,
        tables=tables,
        now=now,
        actor=actor,
        hold=hold,
        only_technician_id=answers.only_technician_id,
    )
    return _finished(session, answers, visit, company, now=now)


def _book_room(
    session: Session,
    answers: Answers,
    room: Room,
    *,
    company: Company,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> Visit:
    if answers.window != room.slot.window:
        raise ValueError("the room is not for this window")
    visit = _visit(session, answers, company, now=now, actor=actor)
    repair.book_room(session, visit, room, tables=tables, now=now, actor=actor)
    return _finished(session, answers, visit, company, now=now)


def _finished(session: Session, answers: Answers, visit: Visit, company: Company, *, now: datetime) -> Visit:
    """A promised visit with its private link, and a task for the office when its place is a guess."""
    if answers.place == answers.site.coordinates and answers.site.match not in SURE_MATCHES:
        session.add(_office_task("check_pin", visit, now=now))
    make_link(visit, company, now=now)
    return visit


def require_open(
    session: Session, answers: Answers, *, tables: Mapping[date, TravelTable], now: datetime
) -> None:
    """Raise planning's SlotTaken when the window is gone, StaleTravel when `tables` lack a place.

    For a reading session before `book`: who is too late does not queue for the technicians. It locks nothing.
    """
    ask = _ask(answers)
    if ask is not None and answers.window is not None:
        planning.require_slot(session, ask, answers.window, tables=tables, now=now)


def _ask(answers: Answers) -> planning.Ask | None:
    place = answers.place
    if place is None:
        return None
    ask = planning.Ask(
        answers.service,
        answers.territory,
        place,
        preferred_technician_id=answers.preferred_technician_id,
        changed=answers.needs,
        also=tuple(each.service for each in answers.also),
    )
    return ask.of(answers.only_technician_id)


def _require_online(answers: Answers, actor: str) -> None:
    alarms = [found.call_us for found in (answers.found, *(each.found for each in answers.also))]
    told_to_call = answers.way.advice is not None or any(alarm is not None for alarm in alarms)
    if told_to_call and actor == CUSTOMER:
        raise NotOnline


def request(
    session: Session, answers: Answers, *, company: Company, now: datetime, actor: str = CUSTOMER
) -> Visit:
    """Make the customer's visit without a window and leave the rest to the office, which is given a task.

    Raises NotOnline when the customer has to call.
    """
    _require_online(answers, actor)
    visit = _visit(session, answers, company, now=now, actor=actor)
    kind = "find_time" if answers.place is not None else "find_address"
    session.add(_office_task(kind, visit, now=now))
    make_link(visit, company, now=now)
    return visit


def propose(session: Session, answers: Answers, *, company: Company, now: datetime) -> Visit:
    """Make the customer's visit without a window until somebody agreed. Raises NotOnline."""
    _require_online(answers, CUSTOMER)
    visit = _visit(session, answers, company, now=now, actor=CUSTOMER)
    make_link(visit, company, now=now)
    return visit


def confirm(draft: BookingDraft, visit: Visit) -> None:
    """Remember what became of the draft; the customer's details are not kept a second time, files move on."""
    if (session := object_session(draft)) is not None:
        attachments.move(session, draft.token, visit)
        chat.become_a_customer(session, draft.token, visit)
    draft.visit = visit
    draft.answers = {"service": visit.service.code}


def _visit(session: Session, answers: Answers, company: Company, *, now: datetime, actor: str) -> Visit:
    order = _work_order(session, answers, now=now)
    session.add(order)  # with its site, before a query flushes what is there
    return new_visit(
        session,
        order,
        answers.territory,
        company,
        now=now,
        actor=actor,
        needs=answers.needs,
        skills=highest(answers.found.skills, *(each.needs.skills for each in answers.also)),
        parts=list(
            dict.fromkeys([*answers.found.parts, *(p for each in answers.also for p in each.found.parts)])
        ),
        turn=answers.turn,
        preferred_technician_id=answers.preferred_technician_id,
    )


def _office_task(kind: str, visit: Visit, *, now: datetime) -> OfficeTask:
    return OfficeTask(kind=kind, visit_id=visit.id, detail=visit.site.one_line, created_at=now)


def _work_order(session: Session, answers: Answers, *, now: datetime) -> WorkOrder:
    customer = _customer(session, answers, now=now)
    order = WorkOrder(
        customer=customer,
        site=site_of(customer, answers.site, answers.territory, now=now),
        service=answers.service,
        problem=answers.problem,
        answers=dict(answers.questions),
        said=[
            *answers.found.said,
            *(words for each in answers.also for words in each.said()),
            *checks.said(answers.way, answers.tried),
        ],
        also=[each.as_json() for each in answers.also],
        request_key=answers.request_key,
        cost_centre=answers.cost_centre,
        source=answers.source,
        locale=answers.locale,
        created_at=now,
    )
    contacts = {
        Role.REQUESTER: answers.requester,
        Role.SITE_CONTACT: answers.site_contact or answers.requester,
        Role.PAYER: answers.payer or answers.requester,
    }
    for role, contact in contacts.items():
        order.contacts.append(
            ContactRole(
                role=role,
                name=contact.name,
                email=contact.email,
                phone=contact.phone,
                address=contact.address,
                reference=contact.reference,
            )
        )
    return order


def _customer(session: Session, answers: Answers, *, now: datetime) -> Customer:
    """The customer with exactly this e-mail or phone, unchanged; otherwise a new one.

    A visitor has not proved who they are, so nothing of a known customer is shown or overwritten.
    """
    requester = answers.requester
    lock_names(session, [f"customer {way}" for way in (requester.email, requester.phone) if way])
    if (found := _known(session, requester)) is not None:
        return found
    customer = Customer(
        name=requester.name,
        email=requester.email,
        phone=requester.phone,
        locale=answers.locale,
        kind=CustomerKind.INTERNAL if answers.internal else CustomerKind.PRIVATE,
        created_at=now,
    )
    session.add(customer)
    return customer


def _known(session: Session, requester: Contact) -> Customer | None:
    known = [Customer.email == requester.email] if requester.email else []
    if requester.phone:
        known.append(Customer.phone == requester.phone)
    if not known:
        return None
    return session.scalar(select(Customer).where(or_(*known)).order_by(Customer.id).limit(1))


def spoken_by(session: Session, requester: Contact) -> str:
    """The locale in which this customer was spoken to last; empty for somebody new.

    For who books without choosing a language: on the phone, or with a program.
    """
    customer = _known(session, requester)
    if customer is None:
        return ""
    orders = select(WorkOrder.locale).where(
        WorkOrder.customer_id == customer.id, WorkOrder.locale.is_not(None)
    )
    return session.scalar(orders.order_by(WorkOrder.id.desc()).limit(1)) or customer.locale
