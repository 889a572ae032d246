"""Kinds of messages, their cases and their placeholders in the office's words."""

from __future__ import annotations

from flask_babel import gettext as _


def kind_words(kind: str) -> str:
    """What a kind of message is for."""
    return str(_kinds().get(kind, kind))


def case_words(case: str) -> str:
    """In which case a text is sent."""
    return str(_cases().get(case, case))


def placeholder_words(name: str) -> str:
    """What stands for a placeholder when a message is sent."""
    return str(_placeholders().get(name, name))


def _kinds() -> dict[str, str]:
    return {
        "booked": _("Booked"),
        "call_back": _("Wants to be called back"),
        "confirmation": _("Booked"),
        "reminder_24h": _("Reminder, half a day or more before"),
        "reminder_2h": _("Reminder, shortly before"),
        "changed": _("Another time"),
        "cancelled": _("Cancelled"),
        "technician": _("Another technician comes"),
        "on_my_way": _("On the way"),
        "late": _("Delayed"),
        "arrived": _("Arrived"),
        "done": _("Done"),
        "missed": _("Nobody opened"),
        "feedback": _("How did it go"),
        "complaint": _("Complaint received"),
        "complaint_answer": _("Complaint answered"),
        "answer": _("Answer in a conversation"),
        "ask": _("Please choose another time"),
        "choose": _("Windows to choose from"),
        "offer": _("Offer from the waiting list"),
        "plan_invitation": _("Service plan: a visit is due"),
        "plan_reminder": _("Service plan: nothing picked yet"),
        "plan_term": _("Service plan: the end of the term"),
        "approval": _("Approval: the request"),
        "awaiting": _("Approval: we have asked"),
        "approved": _("Approval: agreed"),
        "not_approved": _("Approval: not agreed"),
        "corrected": _("Contact details changed"),
        "code": _("Code for one’s own data"),
        "visitor_code": _("Code for a visitor"),
        "area_open": _("We come there now"),
        "digest_day": _("Technicians: tomorrow’s day"),
        "overdue": _("Office: a question waits too long"),
        "digest_office": _("Dispatchers: tomorrow at a glance"),
    }


def _cases() -> dict[str, str]:
    return {
        "on_site": _("at the customer’s"),
        "at_branch": _("at a branch"),
        "remote": _("by phone or video"),
        "earlier_time": _("instead of a time before"),
        "first_time": _("without a time before"),
        "named": _("the technician is known"),
        "unnamed": _("no technician is known"),
        "report": _("with a report"),
        "plain": _("without more"),
        "choices": _("with free windows"),
        "automatic": _("it goes on"),
        "ask": _("it ends unless the customer says yes"),
        "none": _("it ends"),
        "declined": _("somebody said no"),
        "expired": _("nobody said anything"),
    }


def _placeholders() -> dict[str, str]:
    return {
        "address": _("where the visit is"),
        "answer_by": _("the time until which it counts"),
        "answer_by_day": _("the day of that time"),
        "arrival": _("when the technician arrives"),
        "asker": _("who wants the visit"),
        "company": _("the company’s name"),
        "day": _("the day of the visit"),
        "first_day": _("the first day on which it is due"),
        "last_day": _("the last day"),
        "old_day": _("the day before the change"),
        "old_window": _("the window before the change"),
        "phone": _("the company’s number"),
        "reference": _("the visit’s reference"),
        "service": _("what is done"),
        "technician": _("the technician’s name"),
        "window": _("the arrival window"),
        "words": _("the code"),
        "zone": _("the time zone in words"),
    }
