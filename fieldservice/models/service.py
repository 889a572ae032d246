"""What can be booked."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, attribute_keyed_dict, mapped_column, relationship

from fieldservice.db import Base, Duration
from fieldservice.models.catalogue import FaqEntry, IntakeQuestion, TroubleshootingStep
from fieldservice.models.closing import ChecklistItem
from fieldservice.models.needs import Needs
from fieldservice.models.reminders import USUAL
from fieldservice.models.workforce import EVERY_DAY, Branch, Skill

MOST_TOGETHER = 3
"""Technicians that make a visit together at most."""
LATE_AFTER = timedelta(minutes=10)
"""How far after the promised window an arrival is expected before the customer is told, as long as nobody
says otherwise."""

_USUAL = json.dumps(USUAL)


class Place(StrEnum):
    """Where a service happens."""

    ON_SITE = "on_site"
    AT_BRANCH = "at_branch"
    REMOTE = "remote"


class ServiceSkill(Base):
    """A skill that a service needs, at least at this level."""

    __tablename__ = "service_skill"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 9", name="level"),)

    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"), primary_key=True)
    skill_id: Mapped[int] = mapped_column(ForeignKey("skill.id"), primary_key=True)
    level: Mapped[int] = mapped_column(default=1)

    skill: Mapped[Skill] = relationship(lazy="joined")


class ServiceTranslation(Base):
    """What the office wrote about a service in another language: original text -> text."""

    __tablename__ = "service_translation"

    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(16), primary_key=True)
    texts: Mapped[dict[str, str]] = mapped_column(JSON)


class Service(Base):
    """Something that can be booked, with all that decides which windows are offered for it."""

    __tablename__ = "service"
    __table_args__ = (
        CheckConstraint("duration > 0 AND setup >= 0 AND cleanup >= 0", name="durations"),
        CheckConstraint("window_length > 0 AND lead_time >= 0 AND horizon_days > 0", name="offer"),
        CheckConstraint(f"crew BETWEEN 1 AND {MOST_TOGETHER}", name="crew"),
        CheckConstraint("place IN ('on_site', 'at_branch', 'remote')", name="place"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    icon: Mapped[str] = mapped_column(String(40), default="tools")
    description: Mapped[str] = mapped_column(Text, default="")
    place: Mapped[str] = mapped_column(String(12), default=Place.ON_SITE)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branch.id"))
    duration: Mapped[timedelta] = mapped_column(Duration)
    setup: Mapped[timedelta] = mapped_column(Duration, default=timedelta(0))
    cleanup: Mapped[timedelta] = mapped_column(Duration, default=timedelta(0))
    window_length: Mapped[timedelta] = mapped_column(Duration, default=timedelta(hours=2))
    lead_time: Mapped[timedelta] = mapped_column(Duration, default=timedelta(hours=2))
    horizon_days: Mapped[int] = mapped_column(default=14)
    working_days: Mapped[str] = mapped_column(String(7), default=EVERY_DAY, server_default=EVERY_DAY)
    max_per_day: Mapped[int | None]  # of its visits in one territory; None: as many as fit
    reschedule_cutoff: Mapped[timedelta] = mapped_column(Duration, default=timedelta(hours=12))
    cancel_cutoff: Mapped[timedelta] = mapped_column(Duration, default=timedelta(hours=12))
    reminders: Mapped[list[str]] = mapped_column(JSON, default=lambda: list(USUAL), server_default=_USUAL)
    late_after: Mapped[timedelta] = mapped_column(Duration, default=LATE_AFTER, server_default="600")
    late_fee: Mapped[str] = mapped_column(String(200), default="", server_default="")  # of cancelling later
    price_text: Mapped[str] = mapped_column(String(200), default="")
    price_note: Mapped[str] = mapped_column(String(300), default="")
    call_link: Mapped[str] = mapped_column(String(300), default="", server_default="")  # of a remote visit
    priority: Mapped[int] = mapped_column(default=10)
    crew: Mapped[int] = mapped_column(default=1, server_default="1")  # technicians that make a visit together
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)

    skills: Mapped[list[ServiceSkill]] = relationship(cascade="all, delete-orphan")
    branch: Mapped[Branch | None] = relationship()
    intake_questions: Mapped[list[IntakeQuestion]] = relationship(
        cascade="all, delete-orphan", order_by=(IntakeQuestion.position, IntakeQuestion.id)
    )
    first_checks: Mapped[list[TroubleshootingStep]] = relationship(
        cascade="all, delete-orphan", order_by=(TroubleshootingStep.position, TroubleshootingStep.id)
    )
    faq: Mapped[list[FaqEntry]] = relationship(
        cascade="all, delete-orphan", order_by=(FaqEntry.position, FaqEntry.id)
    )
    checklist: Mapped[list[ChecklistItem]] = relationship(
        cascade="all, delete-orphan", order_by=(ChecklistItem.position, ChecklistItem.id)
    )

    translations: Mapped[dict[str, ServiceTranslation]] = relationship(
        cascade="all, delete-orphan", collection_class=attribute_keyed_dict("language")
    )

    __mapper_args__ = {"version_id_col": version}

    def in_language(self, text: str, language: str) -> str:
        """A text of this service in a language; as the office wrote it where no translation is."""
        translation = self.translations.get(language)
        return translation.texts.get(text, text) if translation else text

    @property
    def occupied(self) -> timedelta:
        """How long a visit keeps its technician on site, buffers included."""
        return self.setup + self.duration + self.cleanup

    @property
    def calls_back(self) -> bool:
        """Whether the customer is called, for which a number is needed; else there is a link or a place."""
        return self.place == Place.REMOTE and not self.call_link

    def required_skills(self) -> dict[str, int]:
        """Skill code -> least level."""
        return {needed.skill.code: needed.level for needed in self.skills}

    def needs(self) -> Needs:
        """What a visit takes as long as no answer says otherwise."""
        return Needs(
            setup=self.setup,
            duration=self.duration,
            cleanup=self.cleanup,
            skills=self.required_skills(),
            priority=self.priority,
            crew=self.crew,
        )
