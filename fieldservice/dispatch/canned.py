"""Answers that the company wrote beforehand, filled in for the conversation in which they are used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.models import CannedAnswer, Conversation, Visit
from fieldservice.models.answers import KIND
from fieldservice.models.facts import facts_of, facts_of_nobody
from fieldservice.notify.rendering import Occasion, in_answer
from fieldservice.notify.translations import language_of


def language_with(conversation: Conversation | None, visit: Visit | None, locale: str) -> str:
    """The language in which the office answers: the customer's, or the company's."""
    if visit is not None:
        return language_of(visit.work_order.locale_for(locale))
    spoken = [guest.locale for guest in conversation.guests if guest.locale] if conversation else []
    return language_of(spoken[0] if spoken else locale)


def prepared(session: Session, language: str) -> Mapping[str, list[CannedAnswer]]:
    """All answers by their language, those in the customer's first."""
    first = case((CannedAnswer.language == language, 0), else_=1)
    query = select(CannedAnswer).order_by(first, CannedAnswer.language, func.lower(CannedAnswer.title))
    found: dict[str, list[CannedAnswer]] = {}
    for answer in session.scalars(query):
        found.setdefault(answer.language, []).append(answer)
    return found


def words_for(body: str, visit: Visit | None, settings: Settings, *, now: datetime) -> str:
    """An answer about a visit, or to somebody who has none; what is not known stays in braces."""
    if visit is None:
        facts, crew = facts_of_nobody(settings, locale="", now=now), []
    else:
        facts = facts_of(visit, settings, link="", promised=visit.window is not None)
        crew = [technician.name for technician in visit.made_by]
    who, *others = crew or [""]
    return in_answer(body, Occasion(kind=KIND, facts=facts, technician=who, others=tuple(others)))
