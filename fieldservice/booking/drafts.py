"""What a customer has answered so far: a draft in the database, its token in the page's address."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fieldservice.attachments import service as attachments
from fieldservice.booking.bookable import same_place, with_questions
from fieldservice.booking.checks import Way, follow
from fieldservice.booking.given import Contact as Contact
from fieldservice.booking.given import SiteAnswers as SiteAnswers
from fieldservice.booking.intake import Findings, evaluate
from fieldservice.booking.several import Leg, Wanted, at_each, legs_of
from fieldservice.db import exists_one, lock_names
from fieldservice.files import FileStore
from fieldservice.models import (
    BookingDraft,
    Hold,
    Needs,
    Place,
    Service,
    Territory,
    Window,
)
from fieldservice.planning import service as planning

LIFETIME = timedelta(hours=24)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_OURS = re.compile(r"[A-Za-z0-9_-]{43}")


class DraftUnknown(Exception):
    """No draft has this token."""


class DraftExpired(Exception):
    """The draft was left alone for too long."""


class DraftIncomplete(Exception):
    """An earlier question has to be answered first; `step` names it."""

    def __init__(self, token: str, step: str) -> None:
        super().__init__(step)
        self.token = token
        self.step = step


class CallUsNow(Exception):
    """The answers of the draft say that nothing may be booked online: its customer has to call."""

    def __init__(self, token: str) -> None:
        super().__init__("call us now")
        self.token = token


class AlreadyBooked(Exception):
    """The draft became a visit; that is where its customer belongs."""

    def __init__(self, visit_id: int) -> None:
        super().__init__(f"visit {visit_id}")
        self.visit_id = visit_id


@dataclass(frozen=True, kw_only=True)
class AlsoAnswers:
    """A further service of the same booking, with the answers to its questions."""

    service: str
    questions: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class DraftAnswers:
    """The answers of a draft; what is not answered yet is None.

    `tried` are the answers to the first checks, `ended` the ending of theirs that was counted. `then` are the
    windows of the visits that follow the first, `apart` gives each service a visit of its own, and `carriers`
    are the drafts that carry their holds: a draft has one.
    """

    service: str
    questions: dict[str, Any] = field(default_factory=dict)
    tried: dict[str, str] = field(default_factory=dict)
    ended: str = ""
    problem: str = ""
    site: SiteAnswers | None = None
    territory_id: int | None = None
    window: Window | None = None
    contact: dict[str, str] = field(default_factory=dict)
    known_technician_id: int | None = None  # who came before, as far as the customer has proved who they are
    same_technician: bool = False
    also: tuple[AlsoAnswers, ...] = ()
    then: tuple[Window, ...] = ()
    apart: bool = False
    internal: bool = False  # a part of the company, as far as the customer has proved who they are
    carriers: tuple[int, ...] = ()
    held_also: list[str] = field(default_factory=list)  # codes of what the first visit does as well
    saved_sites: list[int] = field(default_factory=list)  # as far as the customer has proved who they are
    had: list[str] = field(default_factory=list)  # codes of services of earlier visits, the last one first
    more_sites: tuple[SiteAnswers, ...] = ()  # where the same is wanted as well

    def to_json(self) -> dict[str, Any]:
        """The answers as the draft's row keeps them."""
        values = asdict(self)
        if self.window is not None:
            values["window"] = _bounds(self.window)
        values["then"] = [_bounds(window) for window in self.then]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> DraftAnswers:
        """The answers of a draft's row."""
        values = dict(values)
        if site := values.get("site"):
            values["site"] = SiteAnswers.from_json(site)
        values["more_sites"] = tuple(map(SiteAnswers.from_json, values.get("more_sites", ())))
        if window := values.get("window"):
            values["window"] = _window(window)
        values["then"] = tuple(_window(window) for window in values.get("then", ()))
        values["also"] = tuple(AlsoAnswers(**each) for each in values.get("also", ()))
        values["carriers"] = tuple(values.get("carriers", ()))
        return cls(**values)


def _bounds(window: Window) -> list[str]:
    return [window.starts_at.isoformat(), window.ends_at.isoformat()]


def _window(bounds: list[str]) -> Window:
    return Window(*(datetime.fromisoformat(bound) for bound in bounds))


@dataclass(frozen=True)
class Draft:
    """A draft's row with its answers and the rows that these name; `legs` are the visits that it becomes."""

    row: BookingDraft
    answers: DraftAnswers
    service: Service
    territory: Territory | None
    legs: tuple[Leg, ...]

    @property
    def token(self) -> str:
        """What stands for the draft in an address."""
        return self.row.token

    @cached_property
    def found(self) -> Findings:
        """What the answers to the service's questions come to."""
        return evaluate(self.service.intake_questions, self.answers.questions)

    @cached_property
    def way(self) -> Way:
        """How far the customer came in the first checks; no way when they did not begin them."""
        return follow(self.service.first_checks, self.answers.tried) if self.answers.tried else Way()

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """All its services, in order."""
        legs = self.legs[:1] if self.at_sites else self.legs
        return tuple(each for leg in legs for each in leg.wanted)

    @property
    def at_sites(self) -> bool:
        """Whether the visits are the same one at several sites, each with a time of its own."""
        return self.legs[0].site is not None

    @property
    def picked(self) -> tuple[Window, ...]:
        """The windows that were picked so far, in the order of the visits."""
        window = self.answers.window
        return (window, *self.answers.then) if window is not None else ()

    @property
    def needs(self) -> Needs:
        """What the first visit takes after these answers."""
        return self.legs[0].needs

    @property
    def call_us(self) -> str | None:
        """What to do instead of booking online; None when nothing speaks against it."""
        alarms = [each.found.call_us for each in self.wanted if each.found.call_us is not None]
        return alarms[0] if alarms else self.way.advice

    @property
    def site(self) -> SiteAnswers:
        """Where to come and how to get in; raises DraftIncomplete before that is answered."""
        if self.found.unanswered:
            raise DraftIncomplete(self.token, "problem")
        site = self.answers.site
        if site is None or self.territory is None:
            raise DraftIncomplete(self.token, "address")
        if self.service.place == Place.ON_SITE and not site.access_kind:
            raise DraftIncomplete(self.token, "address")
        return site

    @property
    def area(self) -> Territory:
        """The territory of the site; raises DraftIncomplete before that is known."""
        if self.territory is None:
            raise DraftIncomplete(self.token, "address")
        return self.territory

    @property
    def technician_id(self) -> int | None:
        """Who has to come, when the customer asked for the one who came before."""
        return self.answers.known_technician_id if self.answers.same_technician else None

    @property
    def wish(self) -> planning.Ask | None:
        """What is wanted first, from anybody; None when the office has to find the address first."""
        return self._ask_for(self.legs[0])

    @property
    def wishes(self) -> tuple[planning.Ask, ...]:
        """What is wanted of each visit, in order; empty when the office has to find the address first."""
        found = (self._ask_for(leg) for leg in self.legs)
        return tuple(ask for ask in found if ask is not None)

    def _ask_for(self, leg: Leg) -> planning.Ask | None:
        at = (leg.site or self.site).coordinates
        return planning.ask_for(leg.service, self.area, at, changed=leg.needs, also=leg.also)

    @property
    def ask(self) -> planning.Ask | None:
        """What windows are looked for; None when the office has to find the address first."""
        wish = self.wish
        return None if wish is None else wish.of(self.technician_id)

    @property
    def window(self) -> Window | None:
        """The picked window; None when there can be none yet. Raises DraftIncomplete when it is missing."""
        if self.answers.window is None and self.ask is not None:
            raise DraftIncomplete(self.token, "time")
        return self.answers.window

    @property
    def windows(self) -> tuple[Window, ...]:
        """The picked windows of all visits, in order; empty when there can be none yet.

        Raises DraftIncomplete when one is missing, because somebody was trained, left or joined since.
        """
        window = self.window
        if window is None:
            return ()
        if len(self.answers.then) != len(self.legs) - 1:
            raise DraftIncomplete(self.token, "time")
        return (window, *self.answers.then)


def taken_apart(draft: Draft) -> Draft:
    """The draft with a visit of its own for each service."""
    return replace(draft, legs=tuple(Leg((each,)) for each in draft.wanted))


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Whether a text looks like one of our tokens."""
    return _OURS.fullmatch(text) is not None


def start(
    session: Session, answers: DraftAnswers, *, now: datetime, token: str = "", network: str | None = None
) -> BookingDraft:
    """Begin a visitor's draft under the token that its page has, unless another draft has it, or a new one.

    `network` stands for where they are.
    """
    lock_names(session, [f"draft {token}"] if token else [])
    if not token or exists_one(session, select(BookingDraft.id).where(BookingDraft.token == token)):
        token = new_token()
    draft = BookingDraft(
        token=token,
        answers=answers.to_json(),
        created_at=now,
        expires_at=now + LIFETIME,
        network=network,
    )
    session.add(draft)
    return draft


def find(
    session: Session, token: str, *, now: datetime, lock: bool = False, even_call_us: bool = False
) -> Draft:
    """The draft of a token; `lock` keeps others from changing it until the transaction ends.

    Raises DraftUnknown, DraftExpired, AlreadyBooked when it has become a visit not long ago, and CallUsNow
    when its answers say so, unless `even_call_us` asks for it all the same, to have them changed.
    """
    if not _TOKEN.fullmatch(token):
        raise DraftUnknown
    query = select(BookingDraft).where(BookingDraft.token == token)
    row = session.scalar(query.with_for_update(of=BookingDraft) if lock else query)
    if row is None:
        raise DraftUnknown
    if row.expires_at <= now:
        raise DraftExpired
    if row.visit_id is not None:
        raise AlreadyBooked(row.visit_id)
    answers = DraftAnswers.from_json(row.answers)
    wanted = select(Service).where(Service.code == answers.service, Service.active)
    service = session.scalar(wanted.options(*with_questions()))
    if service is None:
        raise DraftExpired
    territory = session.get(Territory, answers.territory_id) if answers.territory_id else None
    services = [Wanted(service, answers.questions, answers.problem), *_also(session, service, answers)]
    legs = legs_of(session, services, territory, apart=answers.apart)
    if answers.site is not None and answers.more_sites and len(legs) == 1 and service.place == Place.ON_SITE:
        legs = at_each(legs[0], (answers.site, *answers.more_sites))
    draft = Draft(row, answers, service, territory, legs)
    if draft.call_us is not None and not even_call_us:
        raise CallUsNow(token)
    return draft


def _also(session: Session, first: Service, answers: DraftAnswers) -> list[Wanted]:
    """The further services that can still be booked where the first one is."""
    if not answers.also:
        return []
    codes = [each.service for each in answers.also]
    here = Service.active & same_place(first)
    found = session.scalars(select(Service).where(Service.code.in_(codes), here).options(*with_questions()))
    by_code = {service.code: service for service in found}
    return [
        Wanted(by_code[each.service], each.questions, each.problem)
        for each in answers.also
        if each.service in by_code and each.service != first.code
    ]


def keep(draft: Draft, **changes: Any) -> None:
    """Store changed answers of a locked draft. A window that was picked for something else is given up.

    First checks belong to a service: what was tried for another one is forgotten.
    """
    answers = replace(draft.answers, **changes)
    if answers.service != draft.answers.service:
        answers = replace(answers, tried={}, ended="")
    if _what_a_window_is_for(draft, answers) != _what_a_window_is_for(draft, draft.answers):
        answers = replace(answers, window=None, then=(), apart=False)
    draft.row.answers = answers.to_json()


def _what_a_window_is_for(draft: Draft, answers: DraftAnswers) -> tuple[object, ...]:
    at = answers.site.coordinates if answers.site else None
    if answers.service != draft.service.code:
        return answers.service, answers.territory_id, at, answers.also
    needs = evaluate(draft.service.intake_questions, answers.questions).needs(draft.service)
    return answers.service, answers.territory_id, at, answers.also, needs.occupied, needs.skills


def drop_expired(session: Session, store: FileStore, *, now: datetime) -> int:
    """Forget the answers and files of those who did not come back. Returns how many there were."""
    held = select(Hold.id).where(Hold.draft_id == BookingDraft.id).exists()
    gone = session.scalars(
        delete(BookingDraft).where(BookingDraft.expires_at <= now, ~held).returning(BookingDraft.token)
    ).all()
    for token in gone:
        attachments.remove(session, store, attachments.of_owner(session, token))
    return len(gone)


def addable_services(session: Session, draft: Draft) -> list[Service]:
    """What can be booked beside the draft's services, in the same place."""
    if draft.at_sites:
        return []
    chosen = [each.service.id for each in draft.wanted]
    others = select(Service).where(Service.active, same_place(draft.service), Service.id.not_in(chosen))
    in_order = others.order_by(Service.position, Service.id)
    return list(session.scalars(in_order.options(*with_questions())).all())
