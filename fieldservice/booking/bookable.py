"""Which services can be booked, read with all that the booking asks about them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from fieldservice.models import IntakeQuestion, Service


def active_services(session: Session) -> list[Service]:
    """What can be booked, in the order of the catalogue, with all that the office wrote about it."""
    written = (
        *with_questions(),
        selectinload(Service.first_checks),
        selectinload(Service.faq),
    )
    in_order = select(Service).where(Service.active).order_by(Service.position, Service.id)
    return list(session.scalars(in_order.options(*written)).all())


def same_place(first: Service) -> ColumnElement[bool]:
    """Which services happen where this one does, so that one visit may do both."""
    return (Service.place == first.place) & Service.branch_id.is_not_distinct_from(first.branch_id)


def with_questions() -> tuple[ORMOption, ...]:
    """Options that read the questions of services with them, whole and in every language."""
    questions = selectinload(Service.intake_questions)
    whole = questions.options(selectinload(IntakeQuestion.options), selectinload(IntakeQuestion.effects))
    return whole, selectinload(Service.translations)
