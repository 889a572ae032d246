"""Browsers that ask for notifications, and that want no more: the same for staff and for customers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from fieldservice import web
from fieldservice.models.push import subscribe, unsubscribe
from fieldservice.notify.public_address import NotPublic
from fieldservice.notify.push import Device


class DeviceForm(FlaskForm):  # type: ignore[misc]
    """What the browser says of itself (PushSubscription); `first` when somebody just asked for it."""

    endpoint = StringField(validators=[InputRequired(), Length(max=1000)])
    p256dh = StringField(validators=[InputRequired(), Length(max=120)])
    auth = StringField(validators=[InputRequired(), Length(max=40)])
    first = BooleanField()


class EndpointForm(FlaskForm):  # type: ignore[misc]
    """Which browser wants no more."""

    endpoint = StringField(validators=[InputRequired(), Length(max=1000)])


def switch_on(*, now: datetime, **owner: Any) -> ResponseReturnValue:
    """Notify this browser from now on. Asked for twice it is the same, so it needs no key."""
    form = DeviceForm()
    if not form.validate():
        return {"errors": form.errors}, 422
    services = web.services()
    device = Device(endpoint=form.endpoint.data, p256dh=form.p256dh.data, auth=form.auth.data)
    try:
        device.require_usable(local=services.settings.push_local)
    except (NotPublic, ValueError):
        fault = _("This browser names no place to which notifications can be sent.")
        return {"errors": {"endpoint": [fault]}}, 422
    locale = str(get_locale())

    def work(session: Session) -> None:
        row = subscribe(session, device, now=now, locale=locale, **owner)
        if form.first.data:
            row.tell("devices", occasion=f"device{row.id}", now=now)

    services.db.run(work)
    return "", 204


def switch_off(*, visit_id: int | None) -> ResponseReturnValue:
    """Notify this browser no more."""
    form = EndpointForm()
    if not form.validate():
        return {"errors": form.errors}, 422
    web.services().db.run(lambda session: unsubscribe(session, form.endpoint.data, visit_id=visit_id))
    return "", 204
