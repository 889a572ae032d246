"""What a customer has answered so far: a draft in the database, its token in the page's address."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from fieldservice.booking.checks import Way, follow
from fieldservice.booking.intake import Findings, evaluate
from fieldservice.geo.types import Coordinates
from fieldservice.models import (
    BookingDraft,
    Hold,
    IntakeQuestion,
    Needs,
    Place,
    Service,
    Territory,
    Window,
)
from fieldservice.planning import service as planning

LIFETIME = timedelta(hours=24)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


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
class Contact:
    """A person and how to reach them."""

    name: str
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class SiteAnswers:
    """Where to come and how to get in. Without coordinates the office has to find the address."""

    address: str
    unit: str = ""
    city: str = ""
    postcode: str = ""
    country: str = "US"
    coordinates: Coordinates | None = None
    match: str = ""
    score: float | None = None
    provider: str = ""
    pin_set_by_person: bool = False
    access_kind: str = "home"
    access_notes: str = ""

    @property
    def one_line(self) -> str:
        """The address as one line of text, without the unit."""
        return ", ".join(part for part in (self.address, f"{self.city} {self.postcode}".strip()) if part)


@dataclass(frozen=True, kw_only=True)
class DraftAnswers:
    """The answers of a draft; what is not answered yet is None.

    `tried` are the answers to the first checks, `ended` the ending of theirs that was counted.
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
    saved_sites: list[int] = field(default_factory=list)  # as far as the customer has proved who they are
    had: list[str] = field(default_factory=list)  # codes of services of earlier visits, the last one first

    def to_json(self) -> dict[str, Any]:
        """The answers as the draft's row keeps them."""
        values = asdict(self)
        if self.window is not None:
            values["window"] = [self.window.starts_at.isoformat(), self.window.ends_at.isoformat()]
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> DraftAnswers:
        """The answers of a draft's row."""
        values = dict(values)
        if site := values.get("site"):
            at = site.get("coordinates")
            values["site"] = SiteAnswers(**{**site, "coordinates": Coordinates(**at) if at else None})
        if window := values.get("window"):
            values["window"] = Window(*(datetime.fromisoformat(bound) for bound in window))
        return cls(**values)


@dataclass(frozen=True)
class Draft:
    """A draft's row with its answers and the rows that these name."""

    row: BookingDraft
    answers: DraftAnswers
    service: Service
    territory: Territory | None

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
    def needs(self) -> Needs:
        """What the visit takes after these answers."""
        return self.found.needs(self.service)

    @property
    def call_us(self) -> str | None:
        """What to do instead of booking online; None when nothing speaks against it."""
        return self.found.call_us if self.found.call_us is not None else self.way.advice

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
        """What is wanted, from anybody; None when the office has to find the address first."""
        return planning.ask_for(self.service, self.area, self.site.coordinates, changed=self.needs)

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


def start(session: Session, answers: DraftAnswers, *, now: datetime) -> BookingDraft:
    """Begin a draft under a token that nobody can guess."""
    draft = BookingDraft(
        token=secrets.token_urlsafe(32), answers=answers.to_json(), created_at=now, expires_at=now + LIFETIME
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
    service = session.scalar(wanted.options(_with_questions()))
    if service is None:
        raise DraftExpired
    territory = session.get(Territory, answers.territory_id) if answers.territory_id else None
    draft = Draft(row, answers, service, territory)
    if draft.call_us is not None and not even_call_us:
        raise CallUsNow(token)
    return draft


def keep(draft: Draft, **changes: Any) -> None:
    """Store changed answers of a locked draft. A window that was picked for something else is given up.

    First checks belong to a service: what was tried for another one is forgotten.
    """
    answers = replace(draft.answers, **changes)
    if answers.service != draft.answers.service:
        answers = replace(answers, tried={}, ended="")
    if _what_a_window_is_for(draft, answers) != _what_a_window_is_for(draft, draft.answers):
        answers = replace(answers, window=None)
    draft.row.answers = answers.to_json()


def _what_a_window_is_for(draft: Draft, answers: DraftAnswers) -> tuple[object, ...]:
    at = answers.site.coordinates if answers.site else None
    if answers.service != draft.service.code:
        return answers.service, answers.territory_id, at
    needs = evaluate(draft.service.intake_questions, answers.questions).needs(draft.service)
    return answers.service, answers.territory_id, at, needs.occupied, needs.skills


def drop_expired(session: Session, *, now: datetime) -> int:
    """Forget the answers of those who did not come back, with their details. Returns how many there were."""
    held = select(Hold.id).where(Hold.draft_id == BookingDraft.id).exists()
    gone = session.scalars(
        delete(BookingDraft).where(BookingDraft.expires_at <= now, ~held).returning(BookingDraft.id)
    )
    return len(gone.all())


def active_services(session: Session) -> list[Service]:
    """What can be booked, in the order of the catalogue, with all that the office wrote about it."""
    written = (_with_questions(), selectinload(Service.first_checks), selectinload(Service.faq))
    in_order = select(Service).where(Service.active).order_by(Service.position, Service.id)
    return list(session.scalars(in_order.options(*written)).all())


def _with_questions() -> ORMOption:
    questions = selectinload(Service.intake_questions)
    return questions.options(selectinload(IntakeQuestion.options), selectinload(IntakeQuestion.effects))
