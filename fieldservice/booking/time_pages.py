"""What stands beside the windows of a day: further windows, why some are missing, whose windows they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import request
from flask_babel import ngettext
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.booking.forms import WITH_ROOM, MoreForm, TimeForm, cards
from fieldservice.booking.more import More, Search
from fieldservice.booking.offer import Offer
from fieldservice.booking.pages import gettext, length_words, slot_value, time_choice
from fieldservice.booking.picking import Picker
from fieldservice.language import names
from fieldservice.planning.missing import Because, Missing

LAST_TURN = 5
"""How often a page with scripts looks for the planner's answer."""


@dataclass(frozen=True)
class MoreChoice:
    """Further windows of a day, or the way to them.

    `form` is None before anybody looked. `page` and `fragment` look for them; `search` asks the planner, or
    is empty when that is pointless, and `turn` counts the looks for its answer, 0 when it was not asked.
    """

    form: MoreForm | None
    page: str
    fragment: str
    search: str = ""
    turn: int = 0
    announce: str = ""


@dataclass(frozen=True)
class Gone:
    """A window that is not offered, and why, in words."""

    window: str
    why: str


@dataclass(frozen=True)
class GoneList:
    """The windows of a day that are missing, or the way to them; `windows` is None before anybody asked."""

    windows: list[Gone] | None
    page: str
    fragment: str


@dataclass(frozen=True)
class TechnicianChoice:
    """Whose windows are shown, and the way to the others."""

    name: str
    same: bool
    other: str


def parts(session: Session, picker: Picker, form: TimeForm, offer: Offer, *, now: datetime) -> dict[str, Any]:
    """All that `_windows.html` shows; the address says whether further and missing windows are asked for."""
    day = offer.shown.on if offer.shown else None
    asked = request.args if day is not None and request.method == "GET" else {}
    moving = day is not None and not picker.then  # nobody moves for several visits at once
    looked = picker.more(session, day, now) if day is not None and moving and asked.get("more") else None
    missing = picker.missing(session, day, now) if day is not None and asked.get("gone") else None
    return {
        "choice": time_choice(
            offer,
            form,
            picker.zone,
            page=lambda on: picker.address("time", on),
            fragment=lambda on: picker.address("windows", on),
            mine=picker.mine,
            then=[names([ask.service, *ask.also]) for ask in picker.then],
            likes=picker.likes,
        ),
        "more": more_choice(picker, day, looked) if day is not None and moving else None,
        "gone": gone_list(picker, day, missing) if day is not None and moving else None,
        "technician": technician_choice(picker, offer.wanted),
        "sooner": _sooner(picker, offer),
    }


@dataclass(frozen=True)
class Sooner:
    """A full day on which others may be able to move, and the page that looks for it."""

    day: str
    page: str


def _sooner(picker: Picker, offer: Offer) -> Sooner | None:
    """The first full day before those that are free, unless it is shown already."""
    if picker.then or offer.full is None or (offer.shown is not None and offer.shown.on == offer.full):
        return None
    return Sooner(web.day_words(offer.full, short=True), picker.address("time", offer.full, more="1"))


def more_choice(picker: Picker, on: date, found: More | None, *, turn: int = 0) -> MoreChoice:
    """Further windows in words; `found` is None before anybody looked, `turn` counts the looks so far."""
    page = picker.address("time", on, more="1")
    if found is None:
        return MoreChoice(None, page, picker.address("more.show", on))
    form = MoreForm(formdata=None)
    form.window.choices = cards(
        (WITH_ROOM + slot_value(room.slot), web.window_words(room.slot.window, picker.zone))
        for room in found.rooms
    )
    running = found.search is Search.RUNNING
    number = len(found.rooms)
    return MoreChoice(
        form,
        page,
        picker.address("more.show", on, turn=str(turn + 1)),
        search=picker.address("more.search", on) if found.search is Search.POSSIBLE else "",
        turn=turn + 1 if running and turn < LAST_TURN else 0,
        announce=ngettext("%(num)d more time", "%(num)d more times", number) if number else "",
    )


def gone_list(picker: Picker, on: date, missing: Sequence[Missing] | None) -> GoneList:
    """The missing windows of a day in words."""
    words = None
    if missing is not None:
        words = [
            Gone(web.window_words(each.window, picker.zone), _because_words(each.because, picker))
            for each in missing
        ]
    return GoneList(words, picker.address("time", on, gone="1"), picker.address("more.gone", on))


def technician_choice(picker: Picker, wanted: date | None) -> TechnicianChoice | None:
    """Whose windows are shown; None when the customer knows nobody."""
    if picker.known is None:
        return None
    return TechnicianChoice(picker.known.name, picker.same, picker.other_way(wanted))


def _because_words(because: Because, picker: Picker) -> str:
    name = picker.known.name if picker.known is not None else ""
    notice = length_words(picker.ask.service.lead_time)
    return {
        Because.NOTICE: gettext("We need %(length)s to prepare and to get to you.", length=notice),
        Because.LIMIT: gettext("We have as many of these visits on this day as we can make."),
        Because.SKILL: gettext("Nobody who can do this work is at work then."),
        Because.HOURS: gettext("The work would not be done by the end of our day."),
        Because.BREAK: gettext("Our technicians have their break then."),
        Because.BUSY: gettext("Everyone who can do this is with other customers then, or driving to them."),
        Because.TECHNICIAN: gettext("%(name)s has no time then.", name=name),
    }[because]
