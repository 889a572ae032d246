"""Find a visit by what somebody on the phone can say: a reference, a name, an address, a number."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from fieldservice.models import Customer, Site, Visit, WorkOrder
from fieldservice.planning.rows import visit_options

SHOWN = 50
LONGEST = 80
_WORDS = 6
_DIGITS = 4  # fewer are in too many numbers


def visits_found(session: Session, text: str) -> Sequence[Visit]:
    """The newest visits in which every word occurs: in the reference, name, address, e-mail or phone number.

    Nothing for a text without words.
    """
    words = text[:LONGEST].split()[:_WORDS]
    if not words:
        return []
    query = (
        select(Visit)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .join(Customer, Customer.id == WorkOrder.customer_id)
        .join(Site, Site.id == WorkOrder.site_id)
        .where(and_(*(_occurs(word) for word in words)))
        .order_by(Visit.id.desc())
        .limit(SHOWN)
        .options(*visit_options())
    )
    return session.scalars(query).all()


def _occurs(word: str) -> ColumnElement[bool]:
    """Whether a word is in one of the texts, or its digits in the customer's phone number."""
    texts = (
        Visit.reference,
        Customer.name,
        Customer.email,
        Site.address,
        Site.unit,
        Site.city,
        Site.postcode,
    )
    found = [text.icontains(variant, autoescape=True) for variant in _variants(word) for text in texts]
    digits = "".join(letter for letter in word if letter.isdecimal())
    if len(digits) >= _DIGITS and not any(letter.isalpha() for letter in word):
        found.append(Customer.phone.contains(digits, autoescape=True))
    return or_(*found)


def _variants(word: str) -> set[str]:
    """The ways to write a word: SQLite compares letters beyond ASCII as they are."""
    return {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
