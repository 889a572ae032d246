"""Forms about a technician's own time: the hours of a day, and wishes for days to come."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    RadioField,
    StringField,
    TextAreaField,
    TimeField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from fieldservice.field.forms import OutboxForm
from fieldservice.models import HoursCorrection, ShiftWish, WishKind
from fieldservice.planning.time_sheets import Sheet
from fieldservice.typed import Readable, WholeNumber, cards, tidy

_CLOCK = ["%H:%M", "%H:%M:%S"]
_GIVE_TIME = _l("Enter a time such as 08:00")
_GIVE_DAY = _l("Choose a day.")


class HoursForm(OutboxForm):
    """What the hours of a day really were, and why."""

    starts = TimeField(_l("Began at"), format=_CLOCK, validators=[InputRequired(_GIVE_TIME)])
    ends = TimeField(_l("Ended at"), format=_CLOCK, validators=[InputRequired(_GIVE_TIME)])
    second = BooleanField(_l("The clocks went back: I mean the hour that came second"))
    pause = WholeNumber(
        _l("Breaks, in minutes"),
        validators=[Optional(), NumberRange(0, 720, _l("Enter a number of minutes from 0 to 720."))],
    )
    reason = StringField(
        _l("Why?"),
        filters=[tidy],
        validators=[
            InputRequired(_l("Say why, so that others understand it later.")),
            Length(max=200, message=_l("Write at most 200 characters.")),
            Readable(),
        ],
    )

    def correction(self, on: date, zone: ZoneInfo, *, now: datetime) -> HoursCorrection:
        """The hours of a valid form; an end that is earlier than the beginning is on the next day."""
        overnight = self.ends.data < self.starts.data
        return HoursCorrection(
            on=on,
            starts_at=self._instant(on, self.starts.data, zone),
            ends_at=self._instant(on + timedelta(days=overnight), self.ends.data, zone),
            pause=timedelta(minutes=self.pause.data or 0),
            reason=self.reason.data,
            said_at=self.moment(now),
            event_key=self.idempotency_key.data,
        )

    def _instant(self, on: date, at: time, zone: ZoneInfo) -> datetime:
        """The instant of a time; of one that comes twice the first, unless it was said otherwise."""
        first, second = (datetime.combine(on, at.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
        return max(first, second) if self.second.data else first

    def show(self, line: Sheet, zone: ZoneInfo) -> None:
        """Begin with what counts so far, unless this form comes back with its own."""
        if self.is_submitted() or line.counts is None:
            return
        starts, ends = (at.astimezone(zone) for at in (line.counts.starts_at, line.counts.ends_at))
        self.starts.process_data(starts.time())
        self.ends.process_data(ends.time())
        self.second.process_data(bool(starts.fold or ends.fold))
        self.pause.process_data(round(line.counts.pause.total_seconds() / 60))


class ShiftWishForm(OutboxForm):
    """When somebody wishes to be away, or to work at other hours."""

    kind = RadioField(
        _l("What do you ask for?"),
        choices=cards(
            [
                (WishKind.AWAY.value, _l("To be away")),
                (WishKind.HOURS.value, _l("To work at other hours")),
            ]
        ),
        validators=[InputRequired(_l("Choose what you ask for."))],
    )
    first_on = DateField(_l("First day"), validators=[InputRequired(_GIVE_DAY)])
    last_on = DateField(_l("Last day"), validators=[Optional()])
    starts = TimeField(_l("From"), format=_CLOCK, validators=[Optional()])
    ends = TimeField(_l("Until"), format=_CLOCK, validators=[Optional()])
    words = TextAreaField(
        _l("What should the office know?"),
        filters=[tidy],
        validators=[Length(max=300, message=_l("Write at most 300 characters.")), Readable(lines=True)],
    )

    def validate_last_on(self, field: DateField) -> None:
        """Not before the first day."""
        if field.data and self.first_on.data and field.data < self.first_on.data:
            raise ValidationError(_l("The last day is before the first."))

    def validate(self, extra_validators: object = None) -> bool:
        """Other hours have both ends; to be away for a part of a day has both, or neither."""
        good = bool(super().validate(extra_validators))
        starts, ends = self.starts.data, self.ends.data
        wanted = self.kind.data == WishKind.HOURS or starts is not None or ends is not None
        if good and wanted and (starts is None or ends is None or starts >= ends):
            self.ends.errors = [_l("Enter both times, the later one here.")]
            return False
        if (
            good
            and self.kind.data == WishKind.AWAY
            and starts
            and self.last_on.data not in (None, self.first_on.data)
        ):
            self.last_on.errors = [_l("A part of a day is on one day.")]
            return False
        return good

    def wish(self, *, now: datetime) -> ShiftWish:
        """What a valid form asks for."""
        return ShiftWish(
            kind=WishKind(self.kind.data),
            first_on=self.first_on.data,
            last_on=self.last_on.data or self.first_on.data,
            starts=self.starts.data,
            ends=self.ends.data,
            words=self.words.data or "",
            asked_at=self.moment(now),
            event_key=self.idempotency_key.data,
        )
