"""Who picks a window, a draft or a promised visit: what they wish for, and what can be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.booking import manage, more, reserve
from fieldservice.booking.drafts import Draft, DraftIncomplete
from fieldservice.booking.offer import Offer, make_offer
from fieldservice.models import Occurrence, Technician, Visit, Window
from fieldservice.planning import service as planning
from fieldservice.planning.chains import Between, between, chain_slots, soonest_chains
from fieldservice.planning.missing import Missing, missing_windows
from fieldservice.planning.problem import hold_id, visit_id
from fieldservice.planning.repair import Room
from fieldservice.planning.service import DayOffer

SAME = "same"
ANY = "any"


@dataclass(frozen=True)
class Picker:
    """Somebody who picks a window, and the addresses of their pages.

    `without` names what they have and would give up, `mine` is the window that they were promised, `known`
    the technician who came before, and `same` that nobody else is asked for. `then` is what follows in visits
    of their own, `apart` that each service has one, and `kept` what other visits leave of the windows. `due`
    is the occurrence of a service plan for which the first window is picked, inside its period.
    """

    endpoint: str
    token: str
    wish: planning.Ask
    without: Sequence[str]
    mine: Window | None = None
    known: Technician | None = None
    same: bool = False
    then: tuple[planning.Ask, ...] = ()
    apart: bool = False
    kept: Between = Between()
    due: Occurrence | None = None
    part: int = 0  # which of the sites of a booking, from 0
    parts: int = 1

    @property
    def asks(self) -> tuple[planning.Ask, ...]:
        """What is looked for in each visit, in order."""
        return (self.ask, *self.then)

    @property
    def ask(self) -> planning.Ask:
        """What windows are looked for."""
        return self.wish.of(self.technician_id)

    @property
    def technician_id(self) -> int | None:
        """Who has to come; None when anybody may."""
        return self.known.id if self.known is not None and self.same else None

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which windows are shown."""
        return self.wish.territory.zone

    def address(self, view: str, day: date | None = None, **values: str) -> str:
        """The address of one of their pages; it keeps the choice of technician."""
        chosen = {"technician": SAME if self.same else ANY} if self.known is not None else {}
        on = {"day": day.isoformat()} if day is not None else {}
        parted = {"apart": "1"} if self.apart else {}
        site = {"site": str(self.part + 1)} if self.parts > 1 else {}
        query: dict[str, Any] = {"token": self.token, **on, **chosen, **parted, **site, **values}
        return url_for(f"{self.endpoint}.{view}", **query)

    def other_way(self, day: date | None) -> str:
        """The same page with the other choice of technician."""
        return replace(self, same=not self.same).address("time", day)

    def allows(self, on: date) -> bool:
        """Whether a window of this day may be picked at all: of the period in which a visit is due."""
        return self.due is None or self.due.due_on <= on <= self.due.closes_on

    def offer(self, session: Session, wanted: date | None, now: datetime) -> Offer:
        """The windows that can be kept as the routes are; a full day is shown to who looks for more on it.

        Who has preferences sees the first day that they like, unless another one is asked for.
        """
        days = [on for on in planning.offered_days(self.ask, now=now) if self.allows(on)]
        liked = self._liked(days) if wanted is None else None
        if liked is not None:
            offer = self._offer(session, days, liked, now)
            if offer.shown is not None:
                return offer
        return self._offer(session, days, wanted, now)

    def _offer(self, session: Session, days: Sequence[date], wanted: date | None, now: datetime) -> Offer:
        def find_slots(some: Sequence[date]) -> Mapping[date, DayOffer]:
            context: Any = {"now": now, "tables": web.services().tables, "without": self.without}
            if self.then:
                return chain_slots(session, self.asks, some, **context)
            found = planning.slots(session, self.ask, some, **context)
            return {on: day.having(self.kept.has) for on, day in found.items()}

        offer = make_offer(days, wanted, find_slots, insist="more" in request.args)
        return self._soonest(session, offer, now) if self.then else offer

    def _soonest(self, session: Session, offer: Offer, now: datetime) -> Offer:
        """The offer whose shown windows are followed by the soonest ones that can."""
        if offer.shown is None:
            return offer
        tables = web.services().tables
        return offer.showing(
            soonest_chains(session, self.asks, offer.shown, now=now, tables=tables, without=self.without)
        )

    def _liked(self, days: Sequence[date]) -> date | None:
        weekdays = self.due.plan.preferred_weekdays if self.due is not None else ""
        return next((on for on in days if str(on.weekday()) in weekdays), None)

    def likes(self, window: Window) -> bool:
        """Whether the customer of a plan prefers such windows."""
        return self.due is not None and self.due.plan.likes(window, self.zone)

    def more(self, session: Session, on: date, now: datetime) -> more.More:
        """The windows of a day that others have to move for."""
        if not self.allows(on):
            return more.More(on, (), more.Search.OVER)
        tables = web.services().tables
        found = more.more_windows(session, self.ask, on, now=now, tables=tables, without=self.without)
        return replace(found, rooms=tuple(r for r in found.rooms if self.kept.has(r.slot.window)))

    def room(self, session: Session, window: Window, now: datetime) -> Room | None:
        """What others have to move for a window; None when nothing, or when it does not help."""
        tables = web.services().tables
        return more.room_for(session, self.ask, window, now=now, tables=tables, without=self.without)

    def missing(self, session: Session, on: date, now: datetime) -> list[Missing]:
        """The windows of a day that are not offered, and why."""
        tables = web.services().tables
        return missing_windows(session, self.ask, on, now=now, tables=tables, without=self.without)


def of_draft(session: Session, draft: Draft) -> Picker:
    """Whoever is booking; raises DraftIncomplete while there is no address to go to."""
    if draft.wish is None:
        raise DraftIncomplete(draft.token, "address")
    if draft.at_sites:
        return _at_site(session, draft)
    several = len(draft.legs) > 1
    known_id = None if several else draft.answers.known_technician_id  # one cannot make all the visits
    return Picker(
        endpoint="booking",
        token=draft.token,
        wish=draft.wish,
        without=[hold_id(held) for held in reserve.holds_of(session, draft)],
        known=manage.available(session, known_id, draft.wish),
        same=_same(default=draft.answers.same_technician),
        then=draft.wishes[1:],
        apart=several and all(len(leg.wanted) == 1 for leg in draft.legs),
    )


def _at_site(session: Session, draft: Draft) -> Picker:
    """Whoever books for several sites picks for one of them: the one that is asked for, or the next."""
    asked = (web.row_of(request.args.get("site", "")) or len(draft.picked) + 1) - 1
    part = min(asked, len(draft.picked), len(draft.legs) - 1)
    held = reserve.hold_of_each(session, draft)[part]
    return Picker(
        endpoint="booking",
        token=draft.token,
        wish=draft.wishes[part],
        without=[hold_id(held)] if held else [],
        part=part,
        parts=len(draft.legs),
    )


def of_visit(session: Session, visit: Visit, token: str) -> Picker:
    """The customer of a promised visit; raises NotOpen for one that has no window to change."""
    wish = planning.ask_of(visit)
    due = visit.occurrence if visit.window is None else None
    if wish is None or (visit.window is None and due is None):
        raise manage.NotOpen(visit)
    return Picker(
        endpoint="booking.visit",
        token=token,
        wish=wish,
        without=[visit_id(visit)],
        mine=visit.window,
        known=manage.available(session, manage.known_technician_id(visit), wish),
        same=_same(default=visit.preferred_technician_id is not None and due is None),
        kept=between(session, visit),
        due=due,
    )


def _same(*, default: bool) -> bool:
    """What the form or the address says about the technician; else what was chosen before."""
    said = request.form.get("technician") or request.args.get("technician")
    return said == SAME if said in (SAME, ANY) else default
