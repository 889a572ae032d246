"""The forms of what goes wrong on a running day."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from wtforms import DateField, RadioField, TimeField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Optional

from fieldservice.dispatch.forms import BoardForm


class SickForm(BoardForm):
    """Since when a technician is sick, and how long."""

    start = TimeField(
        _l("From"),
        format=["%H:%M", "%H:%M:%S"],
        validators=[Optional()],
    )
    until = DateField(_l("Until the end of"), validators=[Optional()])

    def starts_at(self, on: date, zone: ZoneInfo) -> datetime | None:
        """The instant; None for now."""
        return datetime.combine(on, self.start.data, zone) if self.start.data else None


class VehicleForm(BoardForm):
    """How long a technician cannot drive."""

    hours = RadioField(
        _l("The van is out of order"),
        choices=[
            SelectChoice("1", _l("for 1 hour")),
            SelectChoice("2", _l("for 2 hours")),
            SelectChoice("4", _l("for 4 hours")),
            SelectChoice("rest", _l("for the rest of the day")),
        ],
        default="rest",
        validators=[InputRequired(_l("Choose how long."))],
    )

    @property
    def length(self) -> int | None:
        """Whole hours; None for the rest of the day."""
        return None if self.hours.data == "rest" else int(self.hours.data)
