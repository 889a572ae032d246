"""Which texts the company may write itself: one a kind of message and case, channel and language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from fieldservice.notify.facts import Company, VisitFacts
from fieldservice.notify.rendering import MAIL_PARTS, PLACEHOLDER, Occasion, product_words
from fieldservice.notify.translations import language_of

PARTS: Mapping[str, tuple[str, ...]] = {"email": MAIL_PARTS, "sms": ("sms",)}
"""What is written for a channel, in the order in which it is read."""

CASES: Mapping[str, tuple[str, ...]] = {
    "confirmation": ("on_site", "at_branch", "remote"),
    "reminder_24h": (),
    "reminder_2h": ("on_site", "at_branch", "remote"),
    "changed": ("earlier_time", "first_time"),
    "cancelled": (),
    "technician": (),
    "on_my_way": ("named", "unnamed"),
    "late": ("named", "unnamed"),
    "arrived": ("named", "unnamed"),
    "done": ("report", "plain"),
    "missed": (),
    "feedback": ("report", "plain"),
    "complaint": (),
    "complaint_answer": (),
    "answer": (),
    "ask": ("choices", "plain"),
    "choose": (),
    "offer": ("earlier_time", "first_time"),
    "plan_invitation": (),
    "plan_reminder": (),
    "plan_term": ("automatic", "ask", "none"),
    "approval": (),
    "awaiting": (),
    "approved": (),
    "not_approved": ("declined", "expired"),
    "corrected": (),
    "code": (),
    "visitor_code": (),
    "area_open": (),
    "digest_day": (),
    "digest_office": (),
    "overdue": (),
}
"""The kinds of messages, and where a kind says different things: in which case it says which."""

_WITHOUT_WINDOW = {
    *("answer", "approval", "approved", "ask", "awaiting", "choose", "code", "complaint", "complaint_answer"),
    *("corrected", "not_approved", "plan_invitation", "plan_reminder", "plan_term", "visitor_code"),
    *("area_open", "digest_day", "digest_office", "overdue"),
}
_OF_NOBODY = frozenset({"area_open", "visitor_code", "digest_day", "digest_office", "overdue"})
_FACTS = frozenset(
    ["answer_by", "answer_by_day", "arrival", "day", "first_day", "last_day", "window", "words"]
)
_SMS_FACTS = _FACTS | {"zone"}
_EVERYWHERE = frozenset({"company", "phone"})
_OF_A_VISIT = frozenset({"reference", "service"})
_OF_A_WINDOW = frozenset({"address", "day", "window", "zone"})
IN_ANSWERS = _EVERYWHERE | _OF_A_VISIT | _OF_A_WINDOW | {"technician"}
"""The placeholders of answers that are written beforehand."""
_SAMPLE_DAY = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)

type Key = tuple[str, str, str]
"""The name of a text, the channel and the language."""

type Own = Mapping[Key, Mapping[str, str]]
"""The company's own texts, by their parts."""


def _place(occasion: Occasion) -> str:
    return occasion.facts.place or "on_site"


def _old(occasion: Occasion) -> str:
    return "earlier_time" if occasion.old_starts_at else "first_time"


def _named(occasion: Occasion) -> str:
    return "named" if occasion.technician else "unnamed"


def _report(occasion: Occasion) -> str:
    return "report" if occasion.report else "plain"


_CASE_OF: Mapping[str, Callable[[Occasion], str]] = {
    "confirmation": _place,
    "reminder_2h": _place,
    "changed": _old,
    "offer": _old,
    "on_my_way": _named,
    "late": _named,
    "arrived": _named,
    "done": _report,
    "feedback": _report,
    "ask": lambda occasion: "choices" if occasion.choices else "plain",
    "plan_term": lambda occasion: occasion.renewal or "none",
    "not_approved": lambda occasion: "declined" if occasion.why == "declined" else "expired",
}


def names() -> list[str]:
    """Every text: `answer`, or `late.named` where a kind has cases."""
    return [
        name for kind, cases in CASES.items() for name in ([f"{kind}.{case}" for case in cases] or [kind])
    ]


def name_of(occasion: Occasion) -> str:
    """Which text an occasion is told with."""
    case = _CASE_OF.get(occasion.kind)
    return f"{occasion.kind}.{case(occasion)}" if case else occasion.kind


def with_own(occasion: Occasion, channel: str, own: Own) -> Occasion:
    """The occasion with the company's own words for it, if there are any in its language."""
    found = own.get((name_of(occasion), channel, language_of(occasion.facts.locale)))
    return replace(occasion, own=found) if found else occasion


def sample(name: str, locale: str, company: Company, zone: ZoneInfo, *, link: str = "") -> Occasion:
    """An imaginary visit for which exactly this text is sent."""
    kind, _, case = name.partition(".")
    place = case if case in ("on_site", "at_branch", "remote") else "on_site"
    starts_at = _SAMPLE_DAY
    anonymous = kind in _OF_NOBODY
    facts = VisitFacts(
        reference="" if anonymous else "HH-7K2M9Q",
        promise_version=1,
        cancelled=kind == "cancelled",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        zone=zone,
        service="" if anonymous else "Boiler repair",
        place="" if anonymous else place,
        address="" if anonymous or place == "remote" else "412 Harbor Street, Baltimore, MD 21224",
        link="" if kind == "visitor_code" else link,
        company=company,
        locale=locale,
        promised=kind not in _WITHOUT_WINDOW,
    )
    old = case == "earlier_time"
    return Occasion(
        kind=kind,
        facts=facts,
        technician="" if case == "unnamed" else "Ana Lee",
        arrives_at=starts_at + timedelta(minutes=25),
        old_starts_at=starts_at + timedelta(days=1) if old else None,
        old_ends_at=starts_at + timedelta(days=1, hours=2) if old else None,
        answer_by=starts_at + timedelta(hours=1),
        words=_sample_words(kind),
        first_on=starts_at.date(),
        last_on=starts_at.date() + timedelta(days=14),
        renewal=case if kind == "plan_term" else "",
        asker="HH-7K2M9Q" if kind == "overdue" else "Rosa Diaz",
        why=case if kind == "not_approved" else "",
        report=case == "report",
        choices=(_Span(starts_at, starts_at + timedelta(hours=2)),) if case == "choices" else (),
    )


def _sample_words(kind: str) -> str:
    day = "10:00 (10:00 – 12:00): Boiler repair, Rosa Diaz, 412 Harbor Street"
    return {"code": "482913", "visitor_code": "482913", "digest_day": day}.get(kind, "")


@dataclass(frozen=True)
class _Span:
    starts_at: datetime
    ends_at: datetime


@lru_cache(maxsize=1024)
def product_text(name: str, channel: str, locale: str) -> Mapping[str, str]:
    """What the product itself says, part by part, with placeholders."""
    occasion = sample(name, locale, Company("", "", ""), ZoneInfo("America/New_York"))
    return {part: product_words(occasion, part) for part in PARTS[channel]}


def allowed(name: str, channel: str) -> frozenset[str]:
    """The placeholders that a text may have."""
    kind = name.partition(".")[0]
    found = _EVERYWHERE | _used(product_text(name, channel, "en_US").values())
    if kind not in _OF_NOBODY:
        found |= _OF_A_VISIT
    if kind not in _WITHOUT_WINDOW:
        found |= _OF_A_WINDOW - ({"address"} if name.endswith(".remote") else frozenset())
    return found


def required(name: str, channel: str, part: str) -> frozenset[str]:
    """The placeholders without which a part says too little: the facts of the product's own words.

    An e-mail shows the promised window, and a code, beside its words.
    """
    kind = name.partition(".")[0]
    facts = _SMS_FACTS if channel == "sms" else _FACTS
    if channel == "email" and part != "lead":
        return frozenset()
    if channel == "email" and kind not in _WITHOUT_WINDOW:
        facts -= {"day", "window"}
    return _used([product_text(name, channel, "en_US")[part]]) & facts


def unknown(text: str, name: str, channel: str) -> list[str]:
    """What stands in braces in a text and means nothing there."""
    return sorted(_used([text]) - allowed(name, channel))


def unknown_in_answers(text: str) -> list[str]:
    """What stands in braces in an answer that is written beforehand, and means nothing there."""
    return sorted(_used([text]) - IN_ANSWERS)


def unfilled(text: str) -> list[str]:
    """The placeholders of an answer for which nothing was known."""
    return sorted(_used([text]) & IN_ANSWERS)


def missing(text: str, name: str, channel: str, part: str) -> list[str]:
    """The required placeholders that a text lacks."""
    return sorted(required(name, channel, part) - _used([text]))


def _used(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(found for text in texts for found in PLACEHOLDER.findall(text))
