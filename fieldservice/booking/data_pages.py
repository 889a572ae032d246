"""What the page about a customer's data says."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from fieldservice import web
from fieldservice.booking.pages import deadline_words, gettext
from fieldservice.models import Role, Visit


def code_target(visit: Visit) -> str:
    """Where a code goes, recognised only by who knows it: r•••@example.com, or the last digits of a phone."""
    requester = visit.work_order.contact(Role.REQUESTER)
    if requester is None or not (requester.email or requester.phone):
        return ""
    if requester.email:
        local, _, domain = requester.email.rpartition("@")
        return f"{local[:1]}•••@{domain}"
    return f"••• {requester.phone[-4:]}"


def ahead_words(on: date | None) -> str:
    """Why nothing is erased while somebody is still to come."""
    if on is None:
        return gettext("You have asked for a visit that is not over. Cancel it first.")
    return gettext(
        "You have a visit on %(day)s. Cancel it first, or wait until it is over: "
        "until then we need your address.",
        day=web.day_words(on),
    )


def lately_words(until: datetime, zone: ZoneInfo) -> str:
    """Why no code is sent yet."""
    return gettext(
        "Your email address or phone number was changed a short time ago. "
        "To protect you, we send codes again from %(time)s.",
        time=deadline_words(until, zone),
    )
