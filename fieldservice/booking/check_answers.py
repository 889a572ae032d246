"""A customer's answer to a first check: kept with the draft, and counted once when the checks end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from fieldservice.booking import drafts
from fieldservice.booking.checks import Way, follow
from fieldservice.booking.drafts import Draft
from fieldservice.models import TroubleshootingResult


def answer_check(session: Session, draft: Draft, step: str, answer: str, *, now: datetime) -> Way:
    """Keep the answer to a check with a locked draft; where its customer is then.

    An ending becomes a row, so that the office knows what the checks solve. One draft counts once in a row
    for one ending, however often its customer goes back and forth.
    """
    tried = {**draft.answers.tried, step: answer}
    way = follow(draft.service.first_checks, tried)
    ended = draft.answers.ended
    if way.ending is not None and way.last is not None and way.ending != ended:
        ended = way.ending.value
        session.add(
            TroubleshootingResult(service_id=draft.service.id, step=way.last.code, ending=ended, ended_at=now)
        )
    drafts.keep(draft, tried=tried, ended=ended)
    return way


def forget_ended(draft: Draft) -> dict[str, dict[str, str]]:
    """The change of a draft that lets checks that have ended begin anew."""
    return {"tried": {}} if draft.way.ending is not None else {}
