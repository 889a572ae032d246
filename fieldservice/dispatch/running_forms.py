"""The forms of what goes wrong on a running day."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, HiddenField, RadioField, StringField, TextAreaField, TimeField
from wtforms.fields import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional, ValidationError

from fieldservice.dispatch.forms import BoardForm, PlanForm
from fieldservice.models import KeptDecision
from fieldservice.planning.emergency import Choice
from fieldservice.typed import DayField, Readable, WholeNumber, tidy

WITHIN = (30, 60, 90, 120)
_NAME = re.compile(r"[vh][1-9][0-9]{0,8}")


class KeptDecisionForm(BoardForm):
    """Whether work counts that was done while the plan changed."""

    decision = HiddenField(validators=[InputRequired(), AnyOf([choice.value for choice in KeptDecision])])


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


class OverrunForm(PlanForm):
    """How much longer a visit in progress takes."""

    minutes = HiddenField(validators=[AnyOf(["15", "30", "60"])])

    @property
    def extra(self) -> timedelta:
        """The time."""
        return timedelta(minutes=int(self.minutes.data))


class EmergencyForm(PlanForm):
    """Who is sent to an emergency, and the routes that were shown for it."""

    technician = WholeNumber(validators=[InputRequired(), NumberRange(min=1, max=2**31 - 1)])
    minutes = HiddenField(validators=[AnyOf([str(minutes) for minutes in WITHIN])])
    orders = HiddenField(validators=[InputRequired(), Length(max=20_000)])

    def validate_orders(self, field: HiddenField) -> None:
        """The orders are as the page wrote them."""
        try:
            orders_in(field.data)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ValidationError(_l("The page was changed. Look again.")) from error

    def choice(self) -> Choice:
        """What was chosen."""
        return Choice(
            self.technician.data, orders_in(self.orders.data), timedelta(minutes=int(self.minutes.data))
        )


def orders_in(text: str) -> dict[int, tuple[str, ...]]:
    """Technician -> visits in order, as a page wrote them; raises ValueError and others for anything else."""
    orders = {int(key): tuple(names) for key, names in json.loads(text).items()}
    if not all(_NAME.fullmatch(name) for names in orders.values() for name in names):
        raise ValueError("not the names of visits")
    return orders


class CancelVisitForm(BoardForm):
    """Why a customer cancels, and whether they pay what a late cancellation costs."""

    reason = TextAreaField(
        _l("Reason"), validators=[Optional(), Length(max=500), Readable(lines=True)], filters=[tidy]
    )
    charge = BooleanField(_l("The customer pays it"), default=True)


class MissedForm(BoardForm):
    """What becomes of the work when nobody was there."""

    again = RadioField(
        _l("What happens with the work?"),
        choices=[
            SelectChoice("yes", _l("It waits for another time, unassigned")),
            SelectChoice("no", _l("It ends; the customer may book again")),
        ],
        default="yes",
        validators=[InputRequired(_l("Choose what happens."))],
    )


class RouteDayForm(PlanForm):
    """To which day a route goes, and why a rule may break for it."""

    to = DayField(validators=[InputRequired()])
    reason = StringField(
        _l("Why?"),
        filters=[lambda text: text.strip() if text else text],
        validators=[Length(max=200, message=_l("Write at most 200 characters.")), Readable()],
    )


class SwapForm(PlanForm):
    """With whom visits are exchanged."""

    other = WholeNumber(validators=[InputRequired(), NumberRange(min=1, max=2**31 - 1)])
