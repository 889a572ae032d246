"""Until when a visit can be changed and cancelled, and what cancelling it costs, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from fieldservice import web
from fieldservice.booking import manage
from fieldservice.booking.approvals import Asked
from fieldservice.booking.drafts import Draft
from fieldservice.booking.pages import deadline_words, gettext
from fieldservice.language import names, titled, written
from fieldservice.models import Service, Visit, VisitState
from fieldservice.models.cancel_terms import free_until
from fieldservice.models.visit import PLANNABLE


@dataclass(frozen=True)
class Bounds:
    """Until when one visit can be changed and cancelled online; with a fee, until when that costs nothing."""

    change: datetime
    cancel: datetime
    fee: str = ""  # in the page's language
    of: str = ""  # what is done, where there are several visits


def visit_rule(visit: Visit, *, now: datetime) -> str:
    """What the customer of a promised visit may do until when; empty when nothing can be said."""
    if visit.state == VisitState.CANCELLED:
        return _cancelled_words(visit)
    change, cancel = manage.change_deadline(visit), manage.cancel_deadline(visit)
    if change is None or cancel is None or visit.state not in PLANNABLE:
        return ""
    fee = written(visit.late_fee, visit.service) if visit.stop is not None else ""
    bounds = Bounds(change, visit.free_until if fee and visit.free_until else cancel, fee)
    return _rule_words([bounds], visit.territory.zone, now)


def draft_rule(draft: Draft, *, now: datetime) -> str:
    """Until when the customer may change or cancel what they are about to book; empty without a window."""
    if not draft.windows:
        return ""
    several = len(draft.windows) > 1
    bounds = []
    for leg, window in zip(draft.legs, draft.windows, strict=True):
        title = names(each.service for each in leg.wanted) if several else ""
        bounds.append(_promised_now(leg.service, window.starts_at, of=title, now=now))
    return _rule_words(bounds, draft.area.zone, now)


def approver_rule(asked: Sequence[Asked], *, now: datetime) -> str:
    """What cancelling will cost if somebody agrees now to what waits for it; empty when it costs nothing."""
    lines = []
    for each in asked:
        if each.window is not None:
            of = titled(each.visit.work_order) if len(asked) > 1 else ""
            bounds = _promised_now(each.visit.service, each.window.starts_at, of=of, now=now)
            lines += _costs_words([bounds] if bounds.fee else [], each.visit.territory.zone, now)
    return " ".join(lines)


def _promised_now(service: Service, starts_at: datetime, *, of: str, now: datetime) -> Bounds:
    fee = written(service.late_fee, service)
    cancel = free_until(service, starts_at, now=now) if fee else starts_at - service.cancel_cutoff
    return Bounds(starts_at - service.reschedule_cutoff, cancel, fee, of)


def cancel_words(visit: Visit, *, now: datetime) -> tuple[str, str]:
    """What to know before cancelling, and what it costs by now; both empty for who is never charged."""
    if visit.stop is None or visit.free_until is None:
        return "", ""
    return fee_words(visit, now=now), manage.cancel_fee(visit, now=now)


def fee_words(visit: Visit, *, now: datetime) -> str:
    """Until when cancelling the visit is free and what it costs later, or that it costs something now."""
    if visit.free_until is None:
        return ""
    return _fee_words(written(visit.late_fee, visit.service), visit.free_until, visit.territory.zone, now)


def _fee_words(fee: str, until: datetime, zone: ZoneInfo, now: datetime) -> str:
    if now > until:
        return gettext(
            "Cancelling was free until %(time)s. Now it costs: %(fee)s.",
            time=deadline_words(until, zone),
            fee=fee,
        )
    return gettext(
        "Cancelling is free until %(time)s. After that it costs: %(fee)s.",
        time=deadline_words(until, zone),
        fee=fee,
    )


def _cancelled_words(visit: Visit) -> str:
    if visit.fee_due:
        return gettext(
            "It was cancelled late, which costs: %(fee)s.", fee=written(visit.fee_due, visit.service)
        )
    return gettext("Cancelling cost nothing.") if visit.late_fee else ""


def _rule_words(visits: Sequence[Bounds], zone: ZoneInfo, now: datetime) -> str:
    """One sentence for all that is free of charge, one for each fee."""
    change = min(each.change for each in visits)
    free = [each.cancel for each in visits if not each.fee]
    costly = [each for each in visits if each.fee]
    if not costly:
        return _online_words(change, min(free), zone, now)
    lines = [_change_words(change, zone)] if now <= change else []
    if free and now <= min(free):
        lines.append(gettext("You can cancel online until %(time)s.", time=deadline_words(min(free), zone)))
    return " ".join(dict.fromkeys([*lines, *_costs_words(costly, zone, now)]))


def _costs_words(costly: Sequence[Bounds], zone: ZoneInfo, now: datetime) -> list[str]:
    words = [(each.of, _fee_words(each.fee, each.cancel, zone, now)) for each in costly]
    return list(dict.fromkeys(f"{of}: {said}" if of else said for of, said in words))


def _change_words(change: datetime, zone: ZoneInfo) -> str:
    return gettext("You can change the time online until %(time)s.", time=deadline_words(change, zone))


def _online_words(change: datetime, cancel: datetime, zone: ZoneInfo, now: datetime) -> str:
    if now > max(change, cancel):
        phone = web.services().settings.company_phone
        return gettext("It is too late to change or cancel online. Please call %(phone)s.", phone=phone)
    if change == cancel:
        return gettext("You can change or cancel online until %(time)s.", time=deadline_words(change, zone))
    return gettext(
        "You can change online until %(change)s and cancel until %(cancel)s.",
        change=deadline_words(change, zone),
        cancel=deadline_words(cancel, zone),
    )
