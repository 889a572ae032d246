"""The switch for notifications on the phone."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from fieldservice import auth, clock
from fieldservice.auth import devices, limits
from fieldservice.models import UserRole

bp = Blueprint("push", __name__)


@bp.post("/push")
@auth.require(UserRole.TECHNICIAN)
@limits.FORM
def switch_on() -> ResponseReturnValue:
    """Notify the browser of this login."""
    return devices.switch_on(now=clock.now(), user_id=auth.actor().id, login=auth.login_mark())


@bp.post("/push/off")
@auth.require(UserRole.TECHNICIAN)
@limits.FORM
def switch_off() -> ResponseReturnValue:
    """Notify this browser no more."""
    return devices.switch_off(visit_id=None)
