"""What an approval is about, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.booking import approvals
from fieldservice.booking.approvals import Asked
from fieldservice.booking.pages import deadline_words, gettext
from fieldservice.language import titled
from fieldservice.models import Approval, Visit


@dataclass(frozen=True)
class Waiting:
    """What is reserved while somebody is asked, a line for each visit, and until when."""

    lines: list[str]
    until: str


def waiting(session: Session, visit: Visit, now: datetime) -> Waiting | None:
    """What the customer of a visit is told while somebody else is asked; None when nobody is."""
    approval = approvals.pending(session, visit, now=now)
    if approval is None:
        return None
    return Waiting(lines(approvals.asked(session, approval)), until_words(approval, visit))


def lines(each: Sequence[Asked]) -> list[str]:
    """What is asked for, with its window if one is reserved."""
    return [f"{titled(one.visit.work_order)}: {_when(one)}" for one in each]


def until_words(approval: Approval, visit: Visit) -> str:
    """Until when an answer counts."""
    return deadline_words(approval.expires_at, visit.territory.zone)


def _when(one: Asked) -> str:
    if one.window is None:
        return gettext("we call to agree on a time")
    zone = one.visit.territory.zone
    day = web.day_words(one.window.starts_at.astimezone(zone).date())
    return f"{day}, {web.window_words(one.window, zone)}"
