"""The board's forms."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import FloatField, HiddenField, StringField, TimeField
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional

from fieldservice.models import Territory
from fieldservice.planning.changes import PinTo
from fieldservice.planning.judge import Move
from fieldservice.typed import WholeNumber

_ROW = NumberRange(min=1, max=2**31 - 1)


class BoardForm(FlaskForm):  # type: ignore[misc]
    """What every change of the board carries."""

    idempotency_key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])


class PlanForm(BoardForm):
    """A change that was decided on one version of the plan."""

    plan_version = WholeNumber(validators=[InputRequired(), NumberRange(min=0, max=2**31 - 1)])


class MoveForm(PlanForm):
    """Where a visit shall go."""

    visit = WholeNumber(validators=[InputRequired(_l("Choose a visit.")), _ROW])
    technician = WholeNumber(_l("Technician"), validators=[InputRequired(_l("Choose a technician.")), _ROW])
    instead = WholeNumber(validators=[Optional(), _ROW])
    start = TimeField(
        _l("Start at"),
        format=["%H:%M", "%H:%M:%S"],
        validators=[Optional()],
        description=_l("Leave empty for the time that adds least driving."),
    )
    confirmed = HiddenField(validators=[Optional(), AnyOf(["", "yes"])])
    reason = StringField(
        _l("Why is the rule broken?"),
        filters=[lambda text: text.strip() if text else text],
        validators=[Length(max=200, message=_l("Write at most 200 characters."))],
    )

    check = HiddenField(validators=[Optional(), AnyOf(["", "yes"])])

    @property
    def accepted(self) -> bool:
        """Whether somebody takes a broken rule upon themselves and says why."""
        if self.confirmed.data == "yes" and not self.reason.data:
            self.reason.errors = [_l("Say why, so that others understand it later.")]
        return bool(self.confirmed.data == "yes" and self.reason.data)

    def move(self, territory: Territory, on: date) -> Move:
        """The wanted place, with the local time of the day as an instant."""
        start: time | None = self.start.data
        starts_at = datetime.combine(on, start, territory.zone) if start else None
        return Move(self.technician.data, on, starts_at, self.reason.data or "", instead=self.instead.data)


class PinForm(BoardForm):
    """Pin a visit to something, or let the optimiser have it."""

    pinned = HiddenField(validators=[AnyOf(["no", *PinTo])])

    @property
    def to(self) -> PinTo | None:
        """What it is pinned to; None frees it."""
        return None if self.pinned.data == "no" else PinTo(self.pinned.data)


class PresenceForm(FlaskForm):  # type: ignore[misc]
    """At which row somebody is; none when they went away."""

    technician = WholeNumber(validators=[Optional(), _ROW])
    editing = HiddenField(validators=[Optional(), AnyOf(["", "yes"])])


class LocateForm(BoardForm):
    """The pin of a site that nobody found."""

    latitude = FloatField(
        _l("Latitude"), validators=[InputRequired(_l("Set the pin.")), NumberRange(min=-90, max=90)]
    )
    longitude = FloatField(
        _l("Longitude"), validators=[InputRequired(_l("Set the pin.")), NumberRange(min=-180, max=180)]
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """A pin that was not set is one mistake, though it leaves two fields empty."""
        valid = bool(super().validate(extra_validators))
        if self.latitude.errors == self.longitude.errors:
            self.longitude.errors = []
        return valid
