"""Hours in which no text should wake anybody: what can wait is sent in the morning, nothing is dropped.

The hours are those of the clock at the site. E-mails make no noise and are sent at any time; so are texts
that answer what the customer has just done, or that count now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.messages.rules import PICKS, why_pointless
from fieldservice.models import OutboxMessage, Visit
from fieldservice.models.reminders import is_reminder

WAITING = frozenset({*PICKS, "ask", "done", "feedback", "plan_term", "technician"})
_CHANGES = frozenset({"ask", "changed", "late", "technician"})
BREATH = timedelta(minutes=1)
"""Between two messages about changes of one visit to the same person."""
EVE = timedelta(hours=1)
"""How long before the quiet hours a reminder goes out that would come too late after them."""


@dataclass(frozen=True)
class Quiet:
    """From the hour `begins` to the hour `ends`, also over midnight; equal ones: never."""

    begins: int
    ends: int

    def end_of(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours end that hold at this instant, in UTC; None outside them."""
        local = at.astimezone(zone)
        if not self._holds(local.hour):
            return None
        tomorrow = self.begins > self.ends and local.hour >= self.begins
        day = local.date() + timedelta(days=tomorrow)
        return datetime.combine(day, time(self.ends), zone).astimezone(UTC)

    def is_near(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether this is the last hour before the quiet ones."""
        return self.end_of(at, zone) is None and self.end_of(at + EVE, zone) is not None

    def _holds(self, hour: int) -> bool:
        if self.begins > self.ends:
            return hour >= self.begins or hour < self.ends
        return self.begins <= hour < self.ends


def waits_until(message: OutboxMessage, visit: Visit, quiet: Quiet, *, now: datetime) -> datetime | None:
    """When a text may be sent that is due in the quiet hours; None: now.

    What would be pointless by then is sent now: a shorter night is better than a missed visit.
    """
    if not _can_wait(message):
        return None
    end = quiet.end_of(now, visit.territory.zone)
    if end is None or why_pointless(message, visit, now=end) is not None:
        return None
    return end


def after_the_last(session: Session, message: OutboxMessage, *, now: datetime) -> datetime | None:
    """When a message about a change may be sent, if somebody was told of one less than a minute ago.

    Whoever moves a visit twice in a row is told of once: what waits is retired by what comes after it.
    """
    if message.kind not in _CHANGES:
        return None
    told = select(func.max(OutboxMessage.sent_at)).where(
        OutboxMessage.visit_id == message.visit_id,
        OutboxMessage.channel == message.channel,
        OutboxMessage.recipient == message.recipient,
        OutboxMessage.kind.in_(_CHANGES),
        OutboxMessage.id != message.id,
    )
    last = session.scalar(told)
    return last + BREATH if last is not None and last + BREATH > now else None


def goes_before(message: OutboxMessage, visit: Visit, quiet: Quiet, *, now: datetime) -> bool:
    """Whether a reminder is sent before the quiet hours: due in them, it would be too late after them."""
    end = quiet.end_of(message.next_at, visit.territory.zone)
    if end is None or not _can_wait(message) or why_pointless(message, visit, now=now) is not None:
        return False
    return why_pointless(message, visit, now=end) is not None


def _can_wait(message: OutboxMessage) -> bool:
    return message.channel == "sms" and (message.kind in WAITING or is_reminder(message.kind))
