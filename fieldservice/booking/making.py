"""The transactions in which a draft's windows are reserved, and in which it becomes visits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.auth import abuse
from fieldservice.booking import approvals, drafts, edge, guard, orders, reserve, service
from fieldservice.booking.drafts import Draft
from fieldservice.booking.edge import Tables
from fieldservice.booking.forms import ContactForm
from fieldservice.booking.picking import Picker
from fieldservice.models import Visit, Window
from fieldservice.planning import repair
from fieldservice.planning import service as planning
from fieldservice.planning.improve import improve_later
from fieldservice.planning.repair import Room

type Windows = Sequence[Window]


def hold_picked(
    session: Session, tables: Tables, *, picker: Picker, windows: Windows, room: Room | None, now: datetime
) -> ResponseReturnValue:
    """Reserve what a draft's customer picked, all of it or nothing; `room` is what others have to move."""
    draft = drafts.find(session, picker.token, now=now, lock=True)
    draft = drafts.taken_apart(draft) if picker.apart else draft
    if draft.wish is not None:
        own = (draft.row.id, *draft.answers.carriers)
        abuse.require_room_for_hold(session, own, guard.network(), guard.bounds(), now=now)
        until = now + timedelta(minutes=web.services().settings.hold_minutes)
        if draft.at_sites:
            return _hold_at_site(session, tables, draft, picker, windows[0], until=until, now=now)
        if room is None:
            carriers = reserve.hold_all(
                session, draft, windows, whom=picker.technician_id, tables=tables, now=now, until=until
            )
        else:
            ask, carriers = draft.wish.of(picker.technician_id), draft.answers.carriers
            repair.hold_room(session, draft.row, ask, room, tables=tables, now=now, until=until)
        drafts.keep(
            draft,
            window=windows[0],
            then=windows[1:],
            apart=picker.apart,
            carriers=carriers,
            held_also=reserve.codes_beside(draft.legs[0]),
            same_technician=picker.technician_id is not None,
        )
    return redirect(url_for("booking.confirm", token=draft.token), 303)


def where(session: Session, draft: Draft, windows: Windows) -> edge.Where:
    """The days that booking the windows changes: their own, and those of what the draft has reserved."""
    days = [draft.area.local_day(window.starts_at) for window in windows]
    for held in reserve.holds_of(session, draft):
        days += planning.days_of_hold(held, draft.area)
    return edge.Where(draft.area.id, days, [ask.place for ask in draft.wishes])


def _hold_at_site(
    session: Session,
    tables: Tables,
    draft: Draft,
    picker: Picker,
    window: Window,
    *,
    until: datetime,
    now: datetime,
) -> ResponseReturnValue:
    """Reserve the window of one site, and go on to the next one that has none."""
    part = min(picker.part, len(draft.picked))
    carriers = reserve.hold_one(session, draft, part, window, tables=tables, now=now, until=until)
    picked = [*draft.picked[:part], window, *draft.picked[part + 1 :]]
    drafts.keep(
        draft,
        window=picked[0],
        then=tuple(picked[1:]),
        carriers=carriers,
        held_also=reserve.codes_beside(draft.legs[0]),
    )
    return redirect(url_for("booking.confirm", token=draft.token), 303)


def make_visits(
    session: Session, tables: Tables, *, token: str, form: ContactForm, now: datetime
) -> ResponseReturnValue:
    """Book what was picked, ask whoever has to agree, or leave the time to the office."""
    draft = drafts.find(session, token, now=now, lock=True)
    answers, company = edge.answers_of(draft, form, draft.windows), edge.company()
    if form.approver:
        visits = _ask_first(session, tables, draft, answers, form.approver, now=now)
    elif not draft.windows:
        visits = orders.request_all(session, answers, company=company, now=now)
    else:
        held = reserve.hold_of_each(session, draft)
        visits = orders.book_all(session, answers, company=company, tables=tables, now=now, holds=held)
        for visit in visits:
            improve_later(session, visit, now=now)
    service.confirm(draft.row, visits[0])
    return redirect(edge.visit_url("booked", visits[0]), 303)


def _ask_first(
    session: Session,
    tables: Tables,
    draft: Draft,
    each: Sequence[service.Answers],
    approver: str,
    *,
    now: datetime,
) -> list[Visit]:
    """The visits without windows; what was picked stays reserved until the approver has answered."""
    settings, windows = web.services().settings, draft.windows
    lead = max(leg.service.lead_time for leg in draft.legs)
    until = approvals.deadline(windows, lead, hours=settings.approval_hours, now=now)
    planning.lock_territory(session, draft.area)  # before the customer's names, in every way to book
    rows = reserve.keep_until(session, draft, until, tables=tables, now=now) if windows else []
    together = orders.asked_together(each, follow=len(each) > 1 and not draft.at_sites)
    visits = [service.propose(session, one, company=edge.company(), now=now) for one in together]
    for row, visit in zip(rows, visits, strict=False):
        row.visit = visit
    approvals.ask(session, visits, approver, until=until, now=now, secret_key=settings.secret_key)
    return visits
