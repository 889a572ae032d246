"""What was asked for, by whom, and where."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column, object_session, relationship

from fieldservice.db import Base, UtcDateTime
from fieldservice.models.aftercare import UNASKED, Consent, Purpose
from fieldservice.models.attachment import Attachment
from fieldservice.models.customer import ContactRole, Customer, Role, Site
from fieldservice.models.service import Service

if TYPE_CHECKING:
    from fieldservice.models.service_plan import ServicePlan
    from fieldservice.models.visit import Visit


class WorkOrder(Base):
    """What was asked for; one or more visits serve it."""

    __tablename__ = "work_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    problem: Mapped[str] = mapped_column(Text, default="")
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # the same in the words of then, for people: what the office rewrites later changes nothing here
    said: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    source: Mapped[str] = mapped_column(String(20), default="web")
    # who books anew has not proved who they are, so their language is that of this order alone
    locale: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # the same for all that was asked for at once: linked visits, or several sites
    request_key: Mapped[str] = mapped_column(String(36), default="", server_default="", index=True)
    # further services that the same visits serve: code, name, minutes, problem and answers of each
    also: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, server_default="[]")
    cost_centre: Mapped[str] = mapped_column(String(40), default="", server_default="")

    customer: Mapped[Customer] = relationship()
    site: Mapped[Site] = relationship()
    service: Mapped[Service] = relationship()
    contacts: Mapped[list[ContactRole]] = relationship(cascade="all, delete-orphan")
    consents: Mapped[list[Consent]] = relationship(cascade="all, delete-orphan")
    visits: Mapped[list[Visit]] = relationship(back_populates="work_order", order_by="Visit.id")
    service_plan: Mapped[ServicePlan | None] = relationship(back_populates="work_order")

    attachments: Mapped[list[Attachment]] = relationship(
        secondary="visit",
        primaryjoin="WorkOrder.id == Visit.work_order_id",
        secondaryjoin="Attachment.visit_id == Visit.id",
        order_by=Attachment.id,
        viewonly=True,
    )

    @property
    def shared_attachments(self) -> list[Attachment]:
        """Those of all that was asked for at once: whoever comes for a part of it sees everything."""
        session = object_session(self)
        if session is None or not self.request_key:
            return self.attachments
        together = session.scalars(select(WorkOrder).where(self.asked_together))
        return sorted((each for order in together for each in order.attachments), key=lambda each: each.id)

    @property
    def asked_together(self) -> ColumnElement[bool]:
        """The condition for all work orders that were asked for at once with this one, itself among them."""
        return WorkOrder.request_key == self.request_key if self.request_key else WorkOrder.id == self.id

    @property
    def title(self) -> str:
        """What is done, in the names of all its services."""
        return " + ".join([self.service.name, *(each["name"] for each in self.also)])

    @property
    def services(self) -> list[Service]:
        """What is done, as far as the company still has it; the main service first."""
        codes = [each["code"] for each in self.also]
        session = object_session(self) if codes else None
        if session is None:
            return [self.service]
        return [self.service, *session.scalars(select(Service).where(Service.code.in_(codes)))]

    def title_in(self, language: str) -> str:
        """What is done, in the names of all its services, as far as these are translated."""
        by_name = {service.name: service for service in self.services}
        return " + ".join(
            by_name[name].in_language(name, language) if name in by_name else name
            for name in (self.service.name, *(each["name"] for each in self.also))
        )

    def locale_for(self, company_locale: str) -> str:
        """The locale in which the customer is spoken to."""
        return self.locale or self.customer.locale or company_locale

    def contact(self, role: Role) -> ContactRole | None:
        """The contact with a role; the requester stands in for a role that nobody else has."""
        by_role = {contact.role: contact for contact in self.contacts}
        return by_role.get(role) or by_role.get(Role.REQUESTER)

    def allows(self, purpose: Purpose) -> bool:
        """Whether the customer wants this; by default only what belongs to a visit that was asked for."""
        decided = {consent.purpose: consent.given for consent in self.consents}
        return decided.get(purpose, purpose in UNASKED)

    def decide(self, purpose: Purpose, *, given: bool, now: datetime) -> None:
        """Keep what the customer wants from now on, with its time, where it is another thing than before."""
        if self.allows(purpose) == given:
            return
        known = next((consent for consent in self.consents if consent.purpose == purpose), None)
        if known is None:
            self.consents.append(Consent(purpose=purpose, given=given, changed_at=now))
        else:
            known.given, known.changed_at = given, now
