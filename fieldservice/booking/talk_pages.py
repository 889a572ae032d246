"""What the private page says about the conversation, and about what was corrected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fieldservice import web
from fieldservice.booking.details import FIELDS
from fieldservice.booking.pages import gettext, length_words
from fieldservice.models import Author, Channel, Conversation, ConversationMessage, Visit, Window


@dataclass(frozen=True)
class Line:
    """One message in words."""

    id: int
    own: bool
    author: str
    body: str
    when: str
    channel: str


@dataclass(frozen=True)
class Thread:
    """A conversation as its customer sees it; `last` is the newest message's number."""

    lines: list[Line]

    @property
    def last(self) -> int:
        """The number of the newest message; 0 without any."""
        return self.lines[-1].id if self.lines else 0

    @property
    def news(self) -> str:
        """What a screen reader says when the newest message comes."""
        newest = self.lines[-1] if self.lines else None
        if newest is None or newest.own:
            return ""
        return gettext("New message from %(author)s", author=newest.author)


def thread_in(conversation: Conversation | None, zone: ZoneInfo, *, now: datetime) -> Thread:
    """The messages of a conversation in a zone; none of one that has not begun."""
    messages = conversation.messages if conversation is not None else []
    return Thread([_line(message, zone, now) for message in messages])


def _line(message: ConversationMessage, zone: ZoneInfo, now: datetime) -> Line:
    own = message.author == Author.CUSTOMER
    return Line(
        id=message.id,
        own=own,
        author=gettext("You") if own else (message.user.name if message.user else gettext("Our office")),
        body=message.body,
        when=moment_words(message.at, zone, now),
        channel=channel_words(message.channel),
    )


def moment_words(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """When something was: the time alone for today, with the day before that."""
    time, on = web.clock_time(at, zone), at.astimezone(zone).date()
    if on == now.astimezone(zone).date():
        return time
    return f"{web.day_words(on, short=True)}, {time}"


def channel_words(channel: str) -> str:
    """How a message came, when it was not written on the page."""
    ours: dict[str, str] = {Channel.PAGE: "", Channel.VOICE: gettext("by phone")}
    ours |= {Channel.EMAIL: gettext("by email"), Channel.SMS: gettext("by text message")}
    return ours[channel] if channel in ours else channel.capitalize()


def answer_words(zone: ZoneInfo, *, now: datetime) -> str:
    """Who answers, how soon, and at which hours."""
    settings = web.services().settings
    who = settings.answered_by or gettext("Our office")
    length = length_words(timedelta(minutes=settings.answer_minutes))
    hours = office_hours(zone, now=now)
    words = gettext(
        "%(who)s answers in about %(length)s, %(hours)s.",
        who=who,
        length=length,
        hours=web.window_words(hours, zone),
    )
    if hours.starts_at <= now < hours.ends_at:
        return words
    return f"{words} {gettext('We are closed now. Write anyway: we answer when we open.')}"


def office_hours(zone: ZoneInfo, *, now: datetime) -> Window:
    """Today's hours in which questions are answered."""
    settings = web.services().settings
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    closes = midnight + timedelta(days=1) if settings.office_closes == 24 else None
    return Window(
        midnight.replace(hour=settings.office_opens),
        closes or midnight.replace(hour=settings.office_closes),
    )


def too_many_words() -> str:
    """Why a message is not taken."""
    phone = web.services().settings.company_phone
    return gettext(
        "You wrote many messages in a short time. Please wait a little, or call %(phone)s.", phone=phone
    )


def changed_words(visit: Visit, asked: str) -> str:
    """What the correction that just happened means; empty for anything that was not one."""
    if asked == "nothing":
        return gettext("Nothing was changed.")
    changed = [name for name in asked.split(",") if name in FIELDS]
    if not changed:
        return ""
    words = gettext("Saved: %(fields)s.", fields=", ".join(field_words(name) for name in changed))
    told = {
        "phone": gettext("Texts go to the new number from now on."),
        "email": gettext("Emails go to the new address from now on."),
        "access_notes": gettext("Your technician sees the new notes at once."),
        "problem": gettext("Your technician sees the new notes at once."),
    }
    return " ".join(dict.fromkeys([words, *(told[name] for name in changed if name in told)]))


def field_words(name: str) -> str:
    """The name of a detail inside a sentence."""
    return {
        "name": gettext("name"),
        "phone": gettext("mobile number"),
        "email": gettext("email address"),
        "access_notes": gettext("entry notes"),
        "problem": gettext("notes for the technician"),
    }.get(name, name)
