"""The phone's form: one tap."""

from __future__ import annotations

from datetime import UTC, datetime

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import FloatField, HiddenField, StringField, ValidationError
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional

from fieldservice.field.service import Tap
from fieldservice.typed import WholeNumber


class TapForm(FlaskForm):  # type: ignore[misc]
    """Kind and moment of a tap; the moment is the phone's, not that of the request."""

    kind = StringField(validators=[InputRequired(), AnyOf([tap.value for tap in Tap])])
    idempotency_key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])
    occurred_at = StringField(
        filters=[lambda text: (text or "").strip()], validators=[Optional(), Length(max=40)]
    )

    def validate_occurred_at(self, field: StringField) -> None:
        """An instant with its zone."""
        try:
            moment = datetime.fromisoformat(field.data)
            moment.astimezone(UTC)  # the first and last hours of the calendar have no such instant
        except (ValueError, OverflowError) as error:
            raise ValidationError(_l("The time of the tap is not a time.")) from error
        if moment.tzinfo is None:
            raise ValidationError(_l("The time of the tap has no time zone."))

    def moment(self, now: datetime) -> datetime:
        """When it was tapped; now unless the phone says otherwise."""
        return datetime.fromisoformat(self.occurred_at.data).astimezone(UTC) if self.occurred_at.data else now


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
