"""Who picks a window, a draft or a promised visit: what they wish for, and what can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.booking import manage, more
from fieldservice.booking.drafts import Draft, DraftIncomplete
from fieldservice.booking.offer import Offer, make_offer
from fieldservice.models import Hold, Technician, Visit, Window
from fieldservice.planning import service as planning
from fieldservice.planning.missing import Missing, missing_windows
from fieldservice.planning.problem import hold_id, visit_id
from fieldservice.planning.repair import Room

SAME = "same"
ANY = "any"


@dataclass(frozen=True)
class Picker:
    """Somebody who picks a window, and the addresses of their pages.

    `without` names what they have and would give up, `mine` is the window that they were promised, `known`
    the technician who came before, and `same` that nobody else is asked for.
    """

    endpoint: str
    token: str
    wish: planning.Ask
    without: Sequence[str]
    mine: Window | None = None
    known: Technician | None = None
    same: bool = False

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
        query: dict[str, Any] = {"token": self.token, **on, **chosen, **values}
        return url_for(f"{self.endpoint}.{view}", **query)

    def other_way(self, day: date | None) -> str:
        """The same page with the other choice of technician."""
        return replace(self, same=not self.same).address("time", day)

    def offer(self, session: Session, wanted: date | None, now: datetime) -> Offer:
        """The windows that can be kept as the routes are; a full day is shown to who looks for more on it."""
        tables, ask = web.services().tables, self.ask
        return make_offer(
            planning.offered_days(ask, now=now),
            wanted,
            lambda days: planning.slots(session, ask, days, now=now, tables=tables, without=self.without),
            insist="more" in request.args,
        )

    def more(self, session: Session, on: date, now: datetime) -> more.More:
        """The windows of a day that others have to move for."""
        tables = web.services().tables
        return more.more_windows(session, self.ask, on, now=now, tables=tables, without=self.without)

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
    held = session.scalar(select(Hold).where(Hold.draft_id == draft.row.id))
    known = manage.available(session, draft.answers.known_technician_id, draft.wish)
    return Picker(
        endpoint="booking",
        token=draft.token,
        wish=draft.wish,
        without=[hold_id(held)] if held else [],
        known=known,
        same=_same(default=draft.answers.same_technician),
    )


def of_visit(session: Session, visit: Visit, token: str) -> Picker:
    """The customer of a promised visit; raises NotOpen for one that has no window to change."""
    wish = planning.ask_of(visit)
    if wish is None or visit.window is None:
        raise manage.NotOpen(visit)
    return Picker(
        endpoint="booking.visit",
        token=token,
        wish=wish,
        without=[visit_id(visit)],
        mine=visit.window,
        known=manage.available(session, manage.known_technician_id(visit), wish),
        same=_same(default=visit.preferred_technician_id is not None),
    )


def _same(*, default: bool) -> bool:
    """What the form or the address says about the technician; else what was chosen before."""
    said = request.form.get("technician") or request.args.get("technician")
    return said == SAME if said in (SAME, ANY) else default
