"""The phone's form: one tap."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import FloatField, HiddenField, StringField, ValidationError
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional

from fieldservice.field.service import Tap
from fieldservice.typed import WholeNumber


class InstantField(StringField):  # type: ignore[misc]
    """An instant with its zone, or nothing; `instant` is the aware UTC of it."""

    def __init__(self, label: str = "", **settings: Any) -> None:
        tidy = [lambda text: (text or "").strip()]
        super().__init__(label, filters=tidy, validators=[Optional(), Length(max=40), _instant], **settings)

    @property
    def instant(self) -> datetime | None:
        """What was sent, after it was found valid."""
        return datetime.fromisoformat(self.data).astimezone(UTC) if self.data else None


def _instant(_form: FlaskForm, field: StringField) -> None:
    try:
        moment = datetime.fromisoformat(field.data)
        moment.astimezone(UTC)  # the first and last hours of the calendar have no such instant
    except (ValueError, OverflowError) as error:
        raise ValidationError(_l("The time of the tap is not a time.")) from error
    if moment.tzinfo is None:
        raise ValidationError(_l("The time of the tap has no time zone."))


class OutboxForm(FlaskForm):  # type: ignore[misc]
    """What every form has that the phone keeps until it can be sent.

    `tapped_at` is when it was tapped by the server's clock, as the phone reckons it; `phone_at` what the
    phone's own clock said. A form that was not kept has neither: it was tapped now.
    """

    idempotency_key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])
    tapped_at = InstantField()
    phone_at = InstantField()

    def moment(self, now: datetime) -> datetime:
        """When it was tapped; now unless the phone says otherwise."""
        return self.tapped_at.instant or now


class TapForm(OutboxForm):
    """Kind and moment of a tap; the moment is the phone's, not that of the request."""

    kind = StringField(validators=[InputRequired(), AnyOf([tap.value for tap in Tap])])


class SharingForm(FlaskForm):  # type: ignore[misc]
    """The switch for sharing the position, on the route's page or a visit's."""

    share = StringField(validators=[InputRequired(), AnyOf(["on", "off"])])
    visit = HiddenField()
    idempotency_key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])


class PositionForm(FlaskForm):  # type: ignore[misc]
    """A place in degrees, and how many seconds ago the phone was there."""

    latitude = FloatField(validators=[InputRequired(), NumberRange(-90, 90)])
    longitude = FloatField(validators=[InputRequired(), NumberRange(-180, 180)])
    age = WholeNumber(validators=[InputRequired(), NumberRange(0, 300)])
