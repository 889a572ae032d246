"""The phone's form: one tap."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import FloatField, HiddenField, RadioField, StringField, TimeField, ValidationError
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional, Regexp

from fieldservice.field.corrections import STEPS
from fieldservice.field.lateness import MINUTES
from fieldservice.field.service import Tap
from fieldservice.models import Navigation
from fieldservice.typed import Readable, WholeNumber, cards, tidy


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


class KeptForm(OutboxForm):
    """An item of the outbox that was refused: what it was, as JSON [[name, value]], and why."""

    kind = StringField(validators=[InputRequired(), Length(max=30), Readable()])
    label = StringField(validators=[Length(max=200), Readable()])
    action = StringField(validators=[InputRequired(), Length(max=200)])
    content = StringField(validators=[InputRequired(), Length(max=20_000)])
    status = WholeNumber(validators=[Optional(), NumberRange(0, 599)])
    reason = StringField(validators=[Length(max=1000), Readable()])
    sha256 = StringField(validators=[Optional(), Regexp(r"\A[0-9a-f]{64}\Z")])

    def validate_content(self, field: StringField) -> None:
        """Pairs of texts, and nothing else."""
        try:
            pairs = json.loads(field.data)
        except (ValueError, RecursionError) as error:
            raise ValidationError("not JSON") from error
        if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
            raise ValidationError("not pairs of texts")
        self.pairs: list[list[str]] = pairs


def _is_pair(pair: object) -> bool:
    if not isinstance(pair, list) or len(pair) != 2:
        return False
    return all(isinstance(part, str) and "\x00" not in part and _sound(part) for part in pair)


def _sound(text: str) -> bool:
    """Whether a text can be stored: JSON may hold halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class GotItForm(OutboxForm):
    """What the page showed of the route, as it came with the page."""

    shown = StringField(validators=[InputRequired(), Length(max=10_000)])


class LateForm(OutboxForm):
    """How much later, in minutes."""

    minutes = WholeNumber(validators=[InputRequired(), AnyOf(MINUTES)])


class CorrectionForm(FlaskForm):  # type: ignore[misc]
    """Which step was at another time, or was none, and why."""

    step = RadioField(
        _l("Which step?"), choices=[], validators=[InputRequired(_l("Choose a step."))], validate_choice=False
    )
    at = TimeField(_l("It was at"), format=["%H:%M", "%H:%M:%S"], validators=[Optional()])
    reason = StringField(
        _l("Why?"),
        filters=[tidy],
        validators=[
            InputRequired(_l("Say why, so that others understand it later.")),
            Length(max=200, message=_l("Write at most 200 characters.")),
            Readable(),
        ],
    )
    do = StringField(validators=[Optional(), AnyOf(["time", "back"])])
    idempotency_key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])

    def validate_step(self, field: RadioField) -> None:
        """One of the steps."""
        if field.data not in [tap.value for tap in STEPS]:
            raise ValidationError(_l("Choose a step."))

    def validate(self, extra_validators: Any = None) -> bool:
        """A time, unless the step did not happen at all."""
        good = bool(super().validate(extra_validators))
        if good and self.at.data is None and self.do.data != "back":
            self.at.errors = [_l("Give the time at which it really was.")]
            return False
        return good


class SharingForm(FlaskForm):  # type: ignore[misc]
    """The switch for sharing the position, on the route's page or a visit's."""

    share = StringField(validators=[InputRequired(), AnyOf(["on", "off"])])
    visit = HiddenField()
    idempotency_key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])


class NavigationForm(FlaskForm):  # type: ignore[misc]
    """The application in which directions open."""

    navigation = RadioField(
        _l("Directions open in"),
        choices=cards(
            [
                (Navigation.GOOGLE.value, "Google Maps"),
                (Navigation.APPLE.value, "Apple Maps"),
                (Navigation.WAZE.value, "Waze"),
                (Navigation.OSM.value, "OpenStreetMap"),
                (Navigation.GEO.value, _l("Another application of the phone")),
            ]
        ),
        validators=[InputRequired()],
    )
    idempotency_key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])

    def show(self, chosen: Navigation | None) -> None:
        """Tick what was chosen before, unless this form comes back with its own."""
        if not self.is_submitted():
            self.navigation.process_data(chosen.value if chosen else None)


class PositionForm(FlaskForm):  # type: ignore[misc]
    """A place in degrees, and how many seconds ago the phone was there."""

    latitude = FloatField(validators=[InputRequired(), NumberRange(-90, 90)])
    longitude = FloatField(validators=[InputRequired(), NumberRange(-180, 180)])
    age = WholeNumber(validators=[InputRequired(), NumberRange(0, 300)])
