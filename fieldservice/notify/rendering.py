"""What customers read: one file of words per kind of message, one layout for text and one for HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from fieldservice.notify import words
from fieldservice.notify.facts import Company, VisitFacts
from fieldservice.notify.mail import one_line
from fieldservice.notify.push import Words
from fieldservice.notify.translations import translations_of
from fieldservice.paths import TEMPLATES


class Span(Protocol):
    """An arrival window."""

    @property
    def starts_at(self) -> datetime:
        """Its begin."""

    @property
    def ends_at(self) -> datetime:
        """Its end."""


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """Why a message is written: its kind, the visit as it stands, and what is particular to the kind."""

    kind: str
    facts: VisitFacts
    technician: str = ""
    others: tuple[str, ...] = ()  # who comes with them
    arrives_at: datetime | None = None
    old_starts_at: datetime | None = None  # the window that no longer counts
    old_ends_at: datetime | None = None
    answer_by: datetime | None = None  # until when an offered window can be taken
    words: str = ""  # what the office answered, a code, or what somebody has to agree to
    first_on: date | None = None  # the days between which a visit of a service plan is due
    last_on: date | None = None  # or the last day of the plan's term
    renewal: str = ""  # what happens at its end: automatic, ask or none
    asker: str = ""  # who wants a visit that somebody else has to agree to
    why: str = ""  # how an approval ended
    report: bool = False  # whether the technician left a report of the work
    choices: tuple[Span, ...] = ()  # windows that are free instead of the promised one
    own: Mapping[str, str] = field(default_factory=dict)  # the company's words instead of the product's


MAIL_PARTS = ("subject", "heading", "lead")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PLACEHOLDERS = frozenset(
    {
        *("address", "answer_by", "answer_by_day", "arrival", "asker", "company", "day", "first_day"),
        *("last_day", "old_day", "old_window", "phone", "reference", "service", "technician", "window"),
        *("words", "zone"),
    }
)
"""What the company's own words may name."""

_PAGES = {
    "answer": "/messages",
    "ask": "/time",
    "choose": "/choose",
    "feedback": "/feedback",
    "code": "/data",
    "complaint": "/messages",
    "complaint_answer": "/messages",
    "offer": "/offer",
    "on_my_way": "/track",
    "plan_invitation": "/time",
    "plan_reminder": "/time",
    "plan_term": "/plan",
}
"""Where behind the private link a kind of message leads."""


_SAYS_HOW = frozenset({"confirmation", "changed", "reminder_24h", "reminder_2h"})
"""Kinds that tell about a promised window: their e-mails lead to another window with one tap, and their texts
say which number is called for a remote visit, or where to join."""

_TAGS = {"answer": "answer", "devices": "devices", "route": "route"}
"""A notification takes the place of an older one about the same."""


@dataclass(frozen=True)
class Letter:
    """An e-mail's visible parts."""

    subject: str
    text: str
    html: str


def letter(occasion: Occasion) -> Letter:
    """The e-mail of an occasion, in the customer's language."""
    env, values = _environment(occasion.facts.locale), _values(occasion)
    words_of_kind = env.get_template(f"{occasion.kind}.txt")
    own = {name: filled(text, values) for name, text in occasion.own.items() if name in MAIL_PARTS}
    blocks = {name: own.get(name) or _block(words_of_kind, name, values) for name in MAIL_PARTS}
    more = {name: _block(words_of_kind, name, values) for name in ("action", "terms")}
    html = env.get_template("_layout.html").render(
        values | blocks | {"action": more["action"], "terms": one_line(more["terms"]), "own": own}
    )
    if own:
        values |= {"base": words_of_kind, "own": {name: text.strip() for name, text in blocks.items()}}
        words_of_kind = env.get_template("_own.txt")
    return Letter(one_line(blocks["subject"]), words_of_kind.render(values), html)


def short_text(occasion: Occasion) -> str:
    """The text message of an occasion, in the customer's language."""
    values = _values(occasion)
    template = _environment(occasion.facts.locale).get_template(f"{occasion.kind}.txt")
    own = occasion.own.get("sms")
    parts = [filled(own, values) if own else _block(template, "sms", values)]
    if occasion.kind in _SAYS_HOW:
        how = _environment(occasion.facts.locale).get_template("_remote.txt")
        parts.append(_block(how, "sms_remote", values))
    parts.append(_block(template, "sms_terms", values))
    if occasion.facts.link:
        parts.append(_block(template, "sms_link", values))
    return one_line(" ".join(parts))


def filled(text: str, values: Mapping[str, Any]) -> str:
    """The company's words with what each placeholder stands for."""
    return PLACEHOLDER.sub(lambda found: _said(found[1], values), text)


def in_answer(text: str, occasion: Occasion) -> str:
    """An answer that was written beforehand; what is not known stays in braces, for somebody to write."""
    values = _values(occasion)
    if not occasion.facts.promised:
        values |= {"day": "", "window": "", "zone": ""}
    return PLACEHOLDER.sub(lambda found: _said(found[1], values) or found[0], text)


def product_words(occasion: Occasion, part: str) -> str:
    """The product's own words of one part, with placeholders where an occasion like this one differs."""
    values = _values(occasion)
    for name in PLACEHOLDERS:
        if name in values and values[name]:
            values[name] = f"{{{name}}}"
    facts = occasion.facts.company
    values["company"] = Company(name="{company}", phone="{phone}", email=facts.email)
    env = _environment(occasion.facts.locale)
    written = _block(env.get_template(f"{occasion.kind}.txt"), part, values)
    return one_line(written) if part in ("subject", "heading", "sms") else _paragraphs(written)


def _paragraphs(written: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in written.split("\n\n") if part.strip())


def _said(name: str, values: Mapping[str, Any]) -> str:
    company = values["company"]
    own = {"company": company.name, "phone": company.phone}
    return str(own.get(name) or values.get(name, ""))


def notice(occasion: Occasion) -> Words:
    """The notification of an occasion: it says nothing about anybody, as a locked device shows it to all."""
    template = _environment(occasion.facts.locale).get_template(f"{occasion.kind}.txt")
    body = _block(template, "heading", _values(occasion))
    page = _PAGES.get(occasion.kind, "")
    return Words(
        title=occasion.facts.company.name,
        body=one_line(body),
        page=page,
        tag=_TAGS.get(occasion.kind, "visit"),
    )


@lru_cache
def _environment(locale: str) -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES / "email"),
        autoescape=lambda name: bool(name and name.endswith(".html")),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_translations(translations_of(locale), newstyle=True)  # type: ignore[attr-defined]
    return env


def _block(template: Template, name: str, values: dict[str, Any]) -> str:
    if name not in template.blocks:
        return ""
    return "".join(template.blocks[name](template.new_context(values)))


def _values(occasion: Occasion) -> dict[str, Any]:
    facts, kind = occasion.facts, occasion.kind
    zone, locale = facts.zone, facts.locale
    values = {
        "language": words.locale_of(locale).language,
        "day": words.day_words(facts.starts_at.astimezone(zone).date(), locale),
        "window": words.window_words(facts.starts_at, facts.ends_at, zone, locale),
        "zone": words.zone_words(zone, facts.starts_at, locale),
        "cancelled": facts.cancelled,
        "place": facts.place,
        "calls": facts.calls,
        "joins": "" if facts.cancelled else one_line(facts.joins),
        "address": one_line(facts.address),
        "service": one_line(facts.service),
        "reference": facts.reference,
        "late_fee": one_line(facts.late_fee),
        "free_until": "",
        "fee_due": one_line(facts.fee_due),
        "link": facts.link and facts.link + _PAGES.get(occasion.kind, ""),
        "change_link": f"{facts.link}/time" if facts.link and facts.may_change and kind in _SAYS_HOW else "",
        "kind": kind,
        "promised": facts.promised,
        "words": occasion.words
        or "\n".join(_day_and_window(each, zone, locale) for each in occasion.choices),
        "company": facts.company,
        "technician": one_line(words.names_words([occasion.technician, *occasion.others], locale)),
        "people": 1 + len(occasion.others),
        "arrival": "",
        "answer_by": "",
        "first_day": words.day_words(occasion.first_on, locale) if occasion.first_on else "",
        "last_day": words.day_words(occasion.last_on, locale) if occasion.last_on else "",
        "renewal": occasion.renewal,
        "answer_by_day": "",
        "asker": one_line(occasion.asker),
        "why": occasion.why,
        "report": occasion.report,
    }
    if occasion.arrives_at:
        values["arrival"] = words.clock_time(occasion.arrives_at, zone, locale)
    if facts.free_until:
        until = words.up_to(facts.free_until, zone)
        free_on = words.day_words(until.astimezone(zone).date(), locale)
        values["free_until"] = f"{free_on}, {words.clock_time(until, zone, locale)}"
    if occasion.answer_by:
        values["answer_by"] = words.clock_time(occasion.answer_by, zone, locale)
        values["answer_by_day"] = words.day_words(occasion.answer_by.astimezone(zone).date(), locale)
    return {**values, **_before(occasion)}


def _before(occasion: Occasion) -> dict[str, str]:
    """The day and window that a visit had, where it has others now."""
    zone, locale = occasion.facts.zone, occasion.facts.locale
    if not occasion.old_starts_at or not occasion.old_ends_at:
        return {"old_day": "", "old_window": ""}
    return {
        "old_day": words.day_words(occasion.old_starts_at.astimezone(zone).date(), locale),
        "old_window": words.window_words(occasion.old_starts_at, occasion.old_ends_at, zone, locale),
    }


def _day_and_window(span: Span, zone: ZoneInfo, locale: str) -> str:
    day = words.day_words(span.starts_at.astimezone(zone).date(), locale)
    return f"{day}, {words.window_words(span.starts_at, span.ends_at, zone, locale)}"
