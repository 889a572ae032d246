"""What the pages say: windows, addresses and answers of a draft or visit in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import flask_babel
import phonenumbers
from flask_babel import format_date, ngettext
from markupsafe import Markup

from fieldservice import web
from fieldservice.attachments import words
from fieldservice.booking.forms import NEXT_VISIT, TimeForm, cards
from fieldservice.booking.new_visits import PLAN
from fieldservice.booking.offer import Offer
from fieldservice.booking.service import CUSTOMER
from fieldservice.geo.address import Address, Match
from fieldservice.language import answer_written
from fieldservice.models import ContactRole, Place, Service, Visit, VisitEvent, VisitState, Window
from fieldservice.notify.words import up_to
from fieldservice.planning.service import DayOffer, Slot

type DayLink = Callable[[date], str]

_TONES = {
    VisitState.REQUESTED: ("warn", "clock-history"),
    VisitState.BOOKED: ("ok", "check-circle-fill"),
    VisitState.DISPATCHED: ("ok", "check-circle-fill"),
    VisitState.EN_ROUTE: ("info", "truck"),
    VisitState.ON_SITE: ("info", "tools"),
    VisitState.DONE: ("ok", "check-circle-fill"),
    VisitState.CANCELLED: ("bad", "x-circle"),
    VisitState.NO_SHOW: ("bad", "x-circle"),
    VisitState.COULD_NOT_DO: ("bad", "exclamation-triangle-fill"),
}


def gettext(message: str, **values: object) -> str:
    """The message in the page's language."""
    return str(flask_babel.gettext(message, **values))


def step_names() -> list[str]:
    """The four screens of the flow."""
    return [gettext("Problem"), gettext("Address"), gettext("Arrival time"), gettext("Confirm")]


@dataclass(frozen=True)
class DayTile:
    """One day of the strip in words; `href` leads to its windows, empty when there are none."""

    weekday: str
    number: str
    month: str
    left: str
    href: str
    fragment: str
    current: bool


@dataclass(frozen=True)
class TimeChoice:
    """Everything that the list of days and windows shows."""

    offer: Offer
    form: TimeForm
    tiles: list[DayTile]
    heading: str
    count: str
    details: dict[str, str]
    tags: dict[str, tuple[str, str]]
    folded: frozenset[str]  # further ways to go on from a window, behind a line to open
    earlier: str
    later: str


def time_choice(
    offer: Offer,
    form: TimeForm,
    zone: ZoneInfo,
    *,
    page: DayLink,
    fragment: DayLink,
    mine: Window | None,
    likes: Callable[[Window], bool],
    then: Sequence[str] = (),
) -> TimeChoice:
    """The offer in words; `page` and `fragment` make the addresses of a day, `mine` is promised already.

    `likes` says which windows the customer prefers; `then` are the names of what follows in visits of their
    own. Fills the form's choices and picks none of them: nobody shall keep a window that they did not choose.
    """
    shown = offer.shown
    slots, firsts = (shown.slots, shown.firsts) if shown else ((), ())
    form.window.choices = cards((slot_value(slot), web.window_words(slot.window, zone)) for slot in slots)
    form.window.data = None
    return TimeChoice(
        offer=offer,
        form=form,
        tiles=[_tile(day, shown, page, fragment) for day in offer.days],
        heading=web.day_words(shown.on) if shown else "",
        count=ngettext("%(num)d window", "%(num)d windows", len(firsts)),
        details=_details(offer, slots, zone, then),
        tags=_tags(offer, firsts, mine, likes),
        folded=frozenset(slot_value(slot) for slot in slots if slot not in firsts),
        earlier=page(offer.earlier) if offer.earlier else "",
        later=page(offer.later) if offer.later else "",
    )


def _details(offer: Offer, slots: Sequence[Slot], zone: ZoneInfo, then: Sequence[str]) -> dict[str, str]:
    """A second line for windows: which is the soonest, and when the visits after it are."""
    found = {slot_value(offer.soonest): gettext("Soonest")} if offer.soonest in slots else {}
    for slot in slots if then else ():
        lines = [
            gettext(
                "Then %(service)s: %(day)s, %(window)s",
                service=service,
                day=web.day_words(after.window.starts_at.astimezone(zone).date(), short=True),
                window=web.window_words(after.window, zone),
            )
            for service, after in zip(then, slot.then, strict=True)
        ]
        first = [found[slot_value(slot)]] if slot_value(slot) in found else []
        found[slot_value(slot)] = " · ".join([*first, *lines])
    return found


def slot_value(slot: Slot | None) -> str:
    """What a window's radio button sends: when it starts, and when those of the visits after it do."""
    return NEXT_VISIT.join(window.starts_at.isoformat() for window in slot.windows) if slot else ""


def _tags(
    offer: Offer, slots: Iterable[Slot], mine: Window | None, likes: Callable[[Window], bool]
) -> dict[str, tuple[str, str]]:
    tags = {slot_value(slot): (gettext("As you prefer"), "ok") for slot in slots if likes(slot.window)}
    if offer.less_driving:
        tags[slot_value(offer.less_driving)] = (gettext("Less driving"), "ok")
    for slot in slots:
        if slot.window == mine:
            tags[slot_value(slot)] = (gettext("Your time now"), "info")
    return tags


def mine_words(offer: Offer, mine: Window | None, zone: ZoneInfo) -> tuple[str, str] | None:
    """Day and window that a customer has, where they are not among those that are shown."""
    if mine is None or (offer.shown is not None and any(slot.window == mine for slot in offer.shown.slots)):
        return None
    return web.day_words(mine.starts_at.astimezone(zone).date()), web.window_words(mine, zone)


def _tile(day: DayOffer, shown: DayOffer | None, page: DayLink, fragment: DayLink) -> DayTile:
    if day.slots:
        left = gettext("%(count)d left", count=len(day.firsts))
    else:
        left = gettext("Closed") if day.closed else gettext("Full")
    return DayTile(
        weekday=format_date(day.on, "EEE"),
        number=str(day.on.day),
        month=format_date(day.on, "MMM y"),
        left=left,
        href=page(day.on) if day.slots else "",
        fragment=fragment(day.on) if day.slots else "",
        current=day is shown,
    )


def stay_words(service: Service, zone: ZoneInfo, at: datetime, *, length: timedelta) -> str:
    """What a window means for this kind of service, how long the visit is, and in which zone times are."""
    offered_until = at + timedelta(days=service.horizon_days + 1)
    length_text, zone_name = length_words(length), web.zone_words(zone, at, until=offered_until)
    if service.place == Place.AT_BRANCH:
        meaning = gettext(
            "Come to us inside the window you pick. It takes about %(length)s.", length=length_text
        )
    elif service.call_link and service.place == Place.REMOTE:
        meaning = gettext(
            "We meet you online inside the window you pick. It takes about %(length)s.", length=length_text
        )
    elif service.place == Place.REMOTE:
        meaning = gettext(
            "We call you inside the window you pick. It takes about %(length)s.", length=length_text
        )
    else:
        meaning = gettext(
            "Your technician arrives inside the window you pick and stays about %(length)s.",
            length=length_text,
        )
    return f"{meaning} {gettext('All times are %(zone)s.', zone=zone_name)}"


def length_words(length: timedelta) -> str:
    """How long something takes, for people: 90 minutes, 3 hours."""
    minutes = round(length.total_seconds() / 60)
    if minutes > 120 and minutes % 60 == 0:  # up to two hours are thought of in minutes
        return str(ngettext("%(num)d hour", "%(num)d hours", minutes // 60))
    return str(ngettext("%(num)d minute", "%(num)d minutes", minutes))


def phone_words(number: str) -> str:
    """A phone number as people of the company's country write it."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    home = phonenumbers.country_code_for_region(web.services().settings.country)
    kind = phonenumbers.PhoneNumberFormat
    own = parsed.country_code == home
    return str(phonenumbers.format_number(parsed, kind.NATIONAL if own else kind.INTERNATIONAL))


def reach_words(contact: ContactRole) -> str:
    """How a contact can be reached; a number stays on one line."""
    phone = Markup('<span class="text-nowrap">{}</span>').format(phone_words(contact.phone))
    return Markup(", ").join([phone] * bool(contact.phone) + [contact.email] * bool(contact.email))


def said_words(answers: Iterable[Mapping[str, Any]], services: Sequence[Service]) -> list[str]:
    """The answers to questions and first checks, each in words."""
    return [web.answer_words(answer_written(answer, services)) for answer in answers]


def deadline_words(deadline: datetime, zone: ZoneInfo) -> str:
    """An instant up to which something is possible: 6 pm on Monday, Nov 23.

    Midnight is the last minute of the day before: nobody knows to which day 12 am belongs.
    """
    at = up_to(deadline, zone)
    day = web.day_words(at.astimezone(zone).date())
    return gettext("%(time)s on %(day)s", time=web.clock_time(at, zone), day=day)


def too_late_words(deadline: datetime, zone: ZoneInfo) -> str:
    """Why a change is refused so shortly before the visit."""
    return gettext("This was possible online until %(time)s.", time=deadline_words(deadline, zone))


def not_open_words(state: VisitState) -> str:
    """Why there is nothing to change."""
    if state == VisitState.REQUESTED:
        return gettext("Your visit has no arrival window yet. We call you to agree on one.")
    return gettext("Your visit can no longer be changed. It is: %(state)s.", state=state_words(state))


def coming_words(visit: Visit) -> str:
    """Who comes, once that is settled: from the moment the plan was sent to the technicians."""
    settled = (VisitState.DISPATCHED, VisitState.EN_ROUTE, VisitState.ON_SITE)
    names = [technician.name for technician in visit.made_by] if visit.state in settled else []
    if not names:
        return ""
    both = web.names_words(names)
    return str(ngettext("%(name)s is coming", "%(name)s are coming", len(names), name=both))


def match_words(address: Address) -> str:
    """A found place, and how sure it is."""
    if address.match is Match.NEAREST_NUMBER:
        return gettext("Next to %(address)s", address=address.label)
    if address.match is Match.STREET:
        return gettext("Somewhere in %(address)s", address=address.label)
    return address.label


def state_words(state: str) -> str:
    """A visit's state as its customer is told."""
    return {
        VisitState.REQUESTED: gettext("Requested"),
        VisitState.BOOKED: gettext("Booked"),
        VisitState.DISPATCHED: gettext("Booked"),
        VisitState.EN_ROUTE: gettext("On the way"),
        VisitState.ON_SITE: gettext("Technician has arrived"),
        VisitState.DONE: gettext("Done"),
        VisitState.CANCELLED: gettext("Cancelled"),
        VisitState.NO_SHOW: gettext("Nobody was there"),
        VisitState.COULD_NOT_DO: gettext("Could not be done"),
    }[VisitState(state)]


def files_words(visit: Visit) -> str:
    """How many files the customer sent; what they are good for when there are none."""
    own = [attachment for attachment in visit.work_order.shared_attachments if attachment.actor == CUSTOMER]
    return words.count(len(own)) if own else gettext("They help us bring the right parts.")


def state_tag(state: str) -> tuple[str, str, str]:
    """Words, tone and icon of a visit's state."""
    return (state_words(state), *_TONES[VisitState(state)])


def invited_tag() -> tuple[str, str, str]:
    """The tag of a visit whose customer is to pick its first window."""
    return gettext("Time to be picked"), "warn", "clock-history"


@dataclass(frozen=True)
class HistoryLine:
    """One thing that happened, and when."""

    what: str
    when: str


def history(visit: Visit) -> list[HistoryLine]:
    """What happened to a visit, as far as its customer needs to know; the newest first."""
    zone = visit.territory.zone
    lines = []
    for event in visit.events:
        if what := _event_words(event, zone):
            on = web.day_words(event.occurred_at.astimezone(zone).date(), short=True)
            lines.append(HistoryLine(what, f"{on}, {web.clock_time(event.occurred_at, zone)}"))
    return lines[::-1]


def _event_words(event: VisitEvent, zone: ZoneInfo) -> str:
    if event.kind == "requested":
        due = event.actor == PLAN
        return gettext("A visit of your service plan is due") if due else gettext("You asked for a visit")
    if event.kind == "promised":
        window = Window(
            datetime.fromisoformat(event.payload["window_starts_at"]),
            datetime.fromisoformat(event.payload["window_ends_at"]),
        )
        day = web.day_words(window.starts_at.astimezone(zone).date())
        return gettext("Booked for %(day)s, %(window)s", day=day, window=web.window_words(window, zone))
    if event.kind == "corrected":
        return gettext("You corrected your details")
    if event.kind in ("state", "undone") and event.to_state not in (
        "",
        VisitState.BOOKED,
        VisitState.DISPATCHED,
    ):
        return state_words(event.to_state)
    return ""
