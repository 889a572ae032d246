"""What the office writes about a service: questions, what answers change, first checks, common questions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime
from fieldservice.models.workforce import Skill

YES, NO = "yes", "no"


class QuestionKind(StrEnum):
    """How a question is answered: some of its options, one of them, yes or no, a number, words, photos."""

    CHIPS = "chips"
    CHOICE = "choice"
    YES_NO = "yesno"
    NUMBER = "number"
    TEXT = "text"
    PHOTO = "photo"  # with files, which are no part of the answers: see `Attachment.question`


class EffectKind(StrEnum):
    """What an answer changes; how much stands in the effect's `skill`, `amount` and `words`."""

    SKILL = "skill"  # needed at least at level `amount`
    DURATION = "duration"  # the visit takes `amount` minutes, whatever its service says
    MORE_TIME = "more_time"  # it takes `amount` minutes more, or less
    PART = "part"  # the technician brings `words`
    PRIORITY = "priority"  # it is at least this urgent
    CALL_US = "call_us"  # nothing is booked online; `words` say what to do


class Ending(StrEnum):
    """Where first checks end."""

    SOLVED = "solved"
    BOOK = "book"
    CALL_US = "call_us"


NEXT = "next"  # where an answer to a check may lead beside an ending: on to the check that follows


class IntakeOption(Base):
    """One of the answers to choose from."""

    __tablename__ = "intake_option"
    __table_args__ = (UniqueConstraint("question_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("intake_question.id"))
    code: Mapped[str] = mapped_column(String(80))
    label: Mapped[str] = mapped_column(String(120))
    position: Mapped[int] = mapped_column(default=0)


class IntakeEffect(Base):
    """What one answer changes: an option or yes or no by its code, a number by its range, or any answer."""

    __tablename__ = "intake_effect"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('skill', 'duration', 'more_time', 'part', 'priority', 'call_us')", name="kind"
        ),
        CheckConstraint("answer IS NULL OR (low IS NULL AND high IS NULL)", name="one_answer"),
        CheckConstraint("low IS NULL OR high IS NULL OR low <= high", name="range"),
        CheckConstraint("(kind = 'skill') = (skill_id IS NOT NULL)", name="skill"),
        CheckConstraint("kind != 'skill' OR amount BETWEEN 1 AND 9", name="level"),
        CheckConstraint("kind != 'duration' OR amount > 0", name="duration"),
        CheckConstraint("kind != 'priority' OR amount > 0", name="priority"),
        CheckConstraint("kind != 'part' OR words != ''", name="part"),
        Index("ix_intake_effect_question_id", "question_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("intake_question.id"))
    answer: Mapped[str | None] = mapped_column(String(80))
    low: Mapped[int | None]
    high: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(12))
    skill_id: Mapped[int | None] = mapped_column(ForeignKey("skill.id"))
    amount: Mapped[int] = mapped_column(default=0)
    words: Mapped[str] = mapped_column(Text, default="")

    skill: Mapped[Skill | None] = relationship(lazy="joined")


class IntakeQuestion(Base):
    """A question that a service asks before it is booked."""

    __tablename__ = "intake_question"
    __table_args__ = (
        UniqueConstraint("service_id", "code"),
        CheckConstraint("kind IN ('chips', 'choice', 'yesno', 'number', 'text', 'photo')", name="kind"),
        CheckConstraint("least IS NULL OR most IS NULL OR least <= most", name="bounds"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    code: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(200))
    hint: Mapped[str] = mapped_column(String(200), default="")
    unit: Mapped[str] = mapped_column(String(20), default="")
    least: Mapped[int | None]
    most: Mapped[int | None]
    required: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)

    options: Mapped[list[IntakeOption]] = relationship(
        cascade="all, delete-orphan", order_by=(IntakeOption.position, IntakeOption.id)
    )
    effects: Mapped[list[IntakeEffect]] = relationship(cascade="all, delete-orphan", order_by=IntakeEffect.id)


class TroubleshootingStep(Base):
    """A check to try before a visit is booked, and a question that is answered with yes or no.

    An answer leads to the next check, to the code of a later one, or to an ending.
    """

    __tablename__ = "troubleshooting_step"
    __table_args__ = (UniqueConstraint("service_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    code: Mapped[str] = mapped_column(String(40))
    position: Mapped[int] = mapped_column(default=0)
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text, default="")
    question: Mapped[str] = mapped_column(String(200))
    on_yes: Mapped[str] = mapped_column(String(40), default=Ending.SOLVED)
    on_no: Mapped[str] = mapped_column(String(40), default=NEXT)
    advice: Mapped[str] = mapped_column(Text, default="")


class TroubleshootingResult(Base):
    """First checks that somebody went through to an end: how many problems they solve without a visit."""

    __tablename__ = "troubleshooting_result"
    __table_args__ = (
        CheckConstraint("ending IN ('solved', 'book', 'call_us')", name="ending"),
        Index("ix_troubleshooting_result_service_id", "service_id", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    step: Mapped[str] = mapped_column(String(40))  # the code of the last check
    ending: Mapped[str] = mapped_column(String(10))
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FaqEntry(Base):
    """A question that many customers have about a service, with its answer."""

    __tablename__ = "faq_entry"
    __table_args__ = (Index("ix_faq_entry_service_id", "service_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    question: Mapped[str] = mapped_column(String(300))
    answer: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(default=0)
