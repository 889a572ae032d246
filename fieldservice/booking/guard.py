"""What stands between a visitor and a window while abuse is seen. Nobody else ever meets it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from flask import request
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.auth import abuse, limits, visitors
from fieldservice.auth.abuse import Bounds, Level
from fieldservice.booking.drafts import Contact, Draft
from fieldservice.booking.forms import tidy_address
from fieldservice.typed import Phone

TRAP_FIELD = "website"
"""A field that is not shown; whoever fills it in reads the page as a program does."""


class Guarded(Exception):
    """The customer of a draft has to prove something first."""

    def __init__(self, token: str) -> None:
        super().__init__("guarded")
        self.token = token


def network() -> str:
    """What stands for the visitor's network."""
    return visitors.hash_of(f"network {limits.client()}", web.services().settings.secret_key)


def bounds() -> Bounds:
    """How much is normal."""
    return Bounds.of(web.services().settings)


def level(session: Session, draft: Draft, *, now: datetime, ways: Collection[str] = ()) -> Level:
    """What the customer of a draft still has to do; `ways` are the addresses that they book with."""
    reached = abuse.level_of_network(session, network(), bounds(), now=now)
    typed = [way for way in (*ways, *_typed(draft)) if way]
    if typed:
        reached = max(reached, abuse.level_of_address(session, typed, bounds(), now=now))
    return reached if reached > draft.row.passed else Level.NOTHING


def require_free(session: Session, draft: Draft, *, now: datetime, ways: Collection[str] = ()) -> None:
    """Raise Guarded while the customer has to do something first."""
    if level(session, draft, now=now, ways=ways) > Level.NOTHING:
        raise Guarded(draft.token)


def stops(session: Session, draft: Draft, requester: Contact, *, now: datetime) -> bool:
    """Whether something has to be proved before this is booked; not for a form that was answered before."""
    if web.is_answered(session, scope=draft.token):
        return False
    ways = (requester.email, requester.phone)
    return is_trapped() or level(session, draft, now=now, ways=ways) > Level.NOTHING


def is_trapped() -> bool:
    """Whether the form was filled in by a program."""
    return bool(request.form.get(TRAP_FIELD))


def note_trap(session: Session, *, now: datetime) -> None:
    """Remember that the form was filled in by a program."""
    if is_trapped():
        abuse.note(session, network(), abuse.TRAP, now=now)


def _typed(draft: Draft) -> list[str]:
    """The addresses that were typed before, in the spelling in which bookings have them."""
    contact, country = draft.answers.contact, web.services().settings.country
    email, phone = contact.get("email", ""), contact.get("phone", "")
    return [tidy_address(email), (Phone(country).parse(phone) or "") if phone else ""]
