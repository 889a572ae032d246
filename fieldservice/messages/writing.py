"""What a message says, taken from its row and from the visit as it stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import object_session

from fieldservice.auth.codes import code_of
from fieldservice.auth.links import approval_token, reply_address, token_of
from fieldservice.auth.visitors import KIND as VISITOR_CODE
from fieldservice.config import Settings
from fieldservice.messages import digests, escalation, pushes
from fieldservice.messages.rules import PICKS
from fieldservice.models import ConversationMessage, OutboxMessage, Role, Visit, Window
from fieldservice.models.answers import ANSWERS, OVERDUE
from fieldservice.models.answers import KIND as ANSWER
from fieldservice.models.facts import facts_of, facts_of_nobody
from fieldservice.models.message_text import TEST
from fieldservice.models.push import PUSH
from fieldservice.models.reminders import told_as
from fieldservice.models.waiting import AREA_OPEN
from fieldservice.notify import words
from fieldservice.notify.facts import Company
from fieldservice.notify.rendering import Occasion
from fieldservice.notify.texts import Own, sample, with_own

OF_APPROVAL = frozenset({"approval", "awaiting", "approved", "not_approved"})
OF_COMPLAINT = frozenset({"complaint", "complaint_answer"})
NOT_ABOUT_THE_WINDOW = frozenset(
    {"answer", "ask", "choose", "code", "corrected", "plan_term", *OF_APPROVAL, *OF_COMPLAINT, *PICKS}
)
WITH_DEADLINE = frozenset({*OF_APPROVAL, "choose", "complaint"})


@dataclass(frozen=True)
class Writer:
    """Writes for one company; its methods need the session in which the rows were read."""

    settings: Settings
    own: Own = field(default_factory=dict)

    def occasion(self, message: OutboxMessage, visit: Visit | None, at: datetime) -> Occasion:
        """What a message says, in the company's own words where it has some."""
        if message.kind == TEST:
            return self._test(message)
        if visit is None and message.kind == ANSWER:
            return self._to_guest(message, at)
        plain = self._of_nobody(message, at) if visit is None else self._of_visit(message, visit, at)
        return with_own(plain, message.channel, self.own)

    def _of_visit(self, message: OutboxMessage, visit: Visit, at: datetime) -> Occasion:
        told = {
            name: datetime.fromisoformat(message.payload[name])
            for name in ("arrives_at", "window_starts_at", "window_ends_at", "until")
            if name in message.payload
        }
        link = self._link_for(message, visit, at)
        who, *others = [technician.name for technician in visit.made_by] or [""]
        if message.kind == "offer":
            offered = Window(told["window_starts_at"], told["window_ends_at"])
            return Occasion(
                kind=message.kind,
                facts=facts_of(visit, self.settings, link=link, offered=offered),
                old_starts_at=visit.window_starts_at,
                old_ends_at=visit.window_ends_at,
                answer_by=told["until"],
            )
        return Occasion(
            kind=told_as(message.kind),
            facts=facts_of(
                visit, self.settings, link=link, promised=message.kind not in NOT_ABOUT_THE_WINDOW, at=at
            ),
            technician=who,
            others=tuple(others),
            arrives_at=told.get("arrives_at"),
            old_starts_at=told.get("window_starts_at"),
            old_ends_at=told.get("window_ends_at"),
            words=self._words(message, visit),
            first_on=_day(message, "first_on"),
            last_on=_day(message, "last_on"),
            report=bool(message.payload.get("report")),
            renewal=message.payload.get("renewal", ""),
            answer_by=told.get("until") if message.kind in WITH_DEADLINE else None,
            asker=_asker(visit),
            why=message.payload.get("why", ""),
            choices=tuple(
                Window(*map(datetime.fromisoformat, each)) for each in message.payload.get("choices", ())
            ),
        )

    def _test(self, message: OutboxMessage) -> Occasion:
        """An imaginary visit, told in words that may not be stored."""
        told, settings = message.payload, self.settings
        company = Company(settings.company_name, settings.company_phone, settings.company_email)
        link = f"{settings.public_url.rstrip('/')}/visit/…"
        occasion = sample(told["name"], told["locale"], company, ZoneInfo(told["zone"]), link=link)
        return replace(occasion, own=told["words"])

    def _to_guest(self, message: OutboxMessage, at: datetime) -> Occasion:
        """The office's answer to somebody who has no visit."""
        session, wanted = object_session(message), message.payload["message_id"]
        found = session.get(ConversationMessage, wanted) if session is not None else None
        facts = facts_of_nobody(self.settings, locale="", now=at)
        return Occasion(kind=ANSWER, facts=facts, words=found.body if found else "")

    def _of_nobody(self, message: OutboxMessage, at: datetime) -> Occasion:
        session = object_session(message)
        if message.kind in digests.KINDS and session is not None:
            return digests.occasion_of(session, message, self.settings)
        if message.kind == OVERDUE and session is not None:
            return escalation.occasion_of(session, message, self.settings)
        if message.channel == PUSH:
            return pushes.occasion_of(message, self.settings, at)
        if message.kind == AREA_OPEN:
            facts = facts_of_nobody(self.settings, locale=message.payload["locale"], now=at)
            book = f"{self.settings.public_url.rstrip('/')}/book"
            return Occasion(kind=AREA_OPEN, facts=replace(facts, link=book))
        return Occasion(
            kind=VISITOR_CODE,
            facts=facts_of_nobody(self.settings, locale=message.payload["locale"], now=at),
            words=code_of(message.payload["nonce"], self.settings.secret_key),
        )

    def reply_to(self, message: OutboxMessage, visit: Visit) -> str:
        """Where the requester's answer goes, which says what it is about; "" where nothing is set."""
        mailbox = self.settings.reply_email
        if not mailbox or message.channel != "email" or message.role != Role.REQUESTER:
            return ""
        return reply_address(mailbox, visit, self.settings.secret_key)

    def _words(self, message: OutboxMessage, visit: Visit) -> str:
        """What only this message says: the office's answer, or a code."""
        if message.kind == "code":
            return code_of(message.payload["nonce"], self.settings.secret_key)
        if message.kind in ANSWERS and visit.conversation is not None:
            wanted = message.payload["message_id"]
            return next((found.body for found in visit.conversation.messages if found.id == wanted), "")
        if message.kind in OF_APPROVAL:
            return self._reserved(message, visit)
        return ""

    def _reserved(self, message: OutboxMessage, visit: Visit) -> str:
        """The windows that an approval is about, one a line, and why it was refused."""
        locale, zone = visit.work_order.customer.locale or self.settings.locale, visit.territory.zone
        lines = []
        for title, *bounds in message.payload.get("windows", ()):
            starts_at, ends_at = map(datetime.fromisoformat, bounds)
            day = words.day_words(starts_at.astimezone(zone).date(), locale)
            lines.append(f"{title}: {day}, {words.window_words(starts_at, ends_at, zone, locale)}")
        return "\n".join([*lines, *filter(None, [message.payload.get("reason", "")])])

    def _link_for(self, message: OutboxMessage, visit: Visit, at: datetime) -> str:
        """The requester's private link, the approver's own, and none for everybody else."""
        if message.kind == "approval":
            token = approval_token(message.payload["nonce"], self.settings.secret_key)
            return f"{self.settings.public_url.rstrip('/')}/approve/{token}"
        return self._link(visit, at) if message.role == Role.REQUESTER else ""

    def _link(self, visit: Visit, at: datetime) -> str:
        working = [link for link in visit.links if link.expires_at > at]
        if not working:
            return ""
        token = token_of(working[-1], self.settings.secret_key)
        return f"{self.settings.public_url.rstrip('/')}/visit/{token}"


def _day(message: OutboxMessage, name: str) -> date | None:
    return date.fromisoformat(message.payload[name]) if name in message.payload else None


def _asker(visit: Visit) -> str:
    requester = visit.work_order.contact(Role.REQUESTER)
    return requester.name if requester else ""
