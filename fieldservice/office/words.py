"""What the office's lists and forms say for values that are stored as short keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from fieldservice.models import CustomerKind, Place, UserRole

ROLES: Mapping[str, Any] = {
    UserRole.ADMIN: _l("Administrator"),
    UserRole.DISPATCHER: _l("Dispatcher"),
    UserRole.TECHNICIAN: _l("Technician"),
}
PLACES: Mapping[str, Any] = {
    Place.ON_SITE: _l("At the customer’s"),
    Place.AT_BRANCH: _l("At a branch"),
    Place.REMOTE: _l("By video or phone"),
}
KINDS: Mapping[str, Any] = {
    CustomerKind.PRIVATE: _l("Private"),
    CustomerKind.BUSINESS: _l("Business"),
    CustomerKind.INTERNAL: _l("Our own company"),
}
STATES: Mapping[str, Any] = {"active": _l("In use"), "closed": _l("No longer in use")}
_CHANGES: Mapping[str, Any] = {
    "signed_in": _l("Signed in"),
    "signed_out": _l("Signed out"),
    "office_added": _l("Added"),
    "office_changed": _l("Changed"),
    "password_set": _l("New password"),
    "login_ended": _l("Signed out by the office"),
    "answer_changed": _l("Prepared answer changed"),
    "answer_removed": _l("Prepared answer removed"),
    "text_changed": _l("Text changed"),
    "text_reset": _l("Back to the product’s own text"),
    "dispatch": _l("Day dispatched"),
    "recall": _l("Dispatch taken back"),
    "erased": _l("Personal data erased"),
    "restored": _l("Backup restored"),
}


def change_words(action: str) -> str:
    """What somebody did; an action without words of its own is shown as it is stored."""
    return str(_CHANGES.get(action, action.replace("_", " ")))
