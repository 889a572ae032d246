"""Forms about a visit that cannot be done."""

from __future__ import annotations

from datetime import UTC, datetime

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length

from fieldservice.field.endings import Next, Reason
from fieldservice.field.forms import OutboxForm
from fieldservice.typed import Readable, cards, tidy


class CannotForm(OutboxForm):
    """Why a visit cannot be done, in a choice and in words, and what comes next."""

    reason = RadioField(
        _l("Why not?"),
        choices=cards(
            [
                (Reason.NOBODY_HOME.value, _l("Nobody is home")),
                (Reason.WRONG_PARTS.value, _l("Parts are wrong or missing")),
                (Reason.UNSAFE.value, _l("It is not safe")),
                (Reason.SECOND_PERSON.value, _l("It needs a second person")),
                (Reason.OTHER.value, _l("Something else")),
            ]
        ),
        validators=[InputRequired(_l("Choose a reason."))],
    )
    words = TextAreaField(
        _l("What should the office know?"),
        filters=[tidy],
        validators=[Length(max=500, message=_l("Write at most 500 characters.")), Readable(lines=True)],
    )
    following = RadioField(
        _l("What comes next?"),
        choices=cards(
            [
                (Next.FOLLOW_UP.value, _l("Book another visit now")),
                (Next.OFFICE.value, _l("The office finds a time")),
                (Next.NOTHING.value, _l("No other visit")),
            ]
        ),
        validators=[InputRequired(_l("Choose what comes next."))],
    )

    def validate_words(self, field: TextAreaField) -> None:
        """Something else has to be said in words."""
        if self.reason.data == Reason.OTHER and not field.data:
            raise ValidationError(_l("Say in a few words what it is."))


class FollowUpForm(FlaskForm):  # type: ignore[misc]
    """The window that the customer picked, by its start."""

    window = RadioField(
        _l("Which time suits the customer?"),
        choices=[],
        validators=[InputRequired(_l("Choose a time.")), Length(max=40)],
        validate_choice=False,  # what is free is judged when it is booked
    )
    idempotency_key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])

    def validate_window(self, field: RadioField) -> None:
        """An instant with its zone, of a day that calendars have."""
        try:
            self.moment = datetime.fromisoformat(field.data).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValidationError(_l("Choose a time.")) from error
        if datetime.fromisoformat(field.data).tzinfo is None or not 2000 <= self.moment.year < 2200:
            raise ValidationError(_l("Choose a time."))
