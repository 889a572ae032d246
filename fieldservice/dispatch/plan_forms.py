"""The office's forms of service plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, SelectField, SelectMultipleField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from fieldservice import plan_words
from fieldservice.dispatch.forms import BoardForm
from fieldservice.models import PartOfDay, Renewal, Service, ServicePlan, Technician
from fieldservice.models.recurrence import Rule, Season, Unit
from fieldservice.planning.service_plans import Likes, Terms
from fieldservice.typed import DayField, Readable, WholeNumber, cards, tidy

_MOST = {Unit.WEEKS: 52, Unit.MONTHS: 60, Unit.YEARS: 10}
_DAYS = {Unit.WEEKS: 7, Unit.MONTHS: 28, Unit.YEARS: 365}


class TermsForm(BoardForm):
    """What is agreed on with a customer: how often, when, for how long, and what they like."""

    every = WholeNumber(_l("Every"), validators=[InputRequired(_l("Enter how often"))])
    unit = SelectField(
        _l("Weeks, months or years"),
        choices=cards(
            [
                (Unit.WEEKS.value, _l("weeks")),
                (Unit.MONTHS.value, _l("months")),
                (Unit.YEARS.value, _l("years")),
            ]
        ),
    )
    first_on = DayField(_l("First visit due on"), validators=[InputRequired(_l("Choose a day"))])
    season_from = SelectField(_l("Season from"), choices=[])
    season_to = SelectField(_l("Season to"), choices=[])
    skip_holidays = BooleanField(_l("Move days off and holidays to the next working day"))
    period_days = WholeNumber(
        _l("Days in which the customer can pick"),
        validators=[InputRequired(_l("Enter a number of days")), NumberRange(min=1, max=90)],
    )
    lead_days = WholeNumber(
        _l("Invite this many days before"),
        validators=[InputRequired(_l("Enter a number of days")), NumberRange(min=0, max=90)],
    )
    term_months = WholeNumber(_l("Term in months"), validators=[Optional(), NumberRange(min=1, max=120)])
    renewal = SelectField(
        _l("At the end of the term"),
        choices=cards(
            [
                (Renewal.ASK.value, _l("ask the customer whether it goes on")),
                (Renewal.AUTOMATIC.value, _l("it goes on, the customer is told")),
                (Renewal.NONE.value, _l("it ends, the customer is told")),
            ]
        ),
    )
    weekdays = SelectMultipleField(_l("Preferred days"), choices=[])
    part = SelectField(_l("Preferred time of day"), choices=[])
    technician = SelectField(_l("Preferred technician"), choices=[], coerce=str)

    def __init__(
        self, *args: Any, service: Service | None, technicians: Sequence[Technician], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._service = service
        months = [(str(month), plan_words.month_name(month)) for month in range(1, 13)]
        self.season_from.choices = cards([("", _l("whole year")), *months])
        self.season_to.choices = cards([("", _l("whole year")), *months])
        self.weekdays.choices = cards(plan_words.weekday_choices())
        self.part.choices = cards(plan_words.part_choices())
        known = [(str(one.id), one.name) for one in technicians]
        self.technician.choices = cards([("", _l("anybody")), *known])

    @property
    def bookable(self) -> Service | None:
        """The service whose rules the plan has to fit; None while none is chosen."""
        return self._service

    def validate_every(self, field: Field) -> None:
        """Not more than some years."""
        most = _MOST[Unit(self.unit.data)] if self.unit.data in list(Unit) else 0
        if not 1 <= (field.data or 0) <= most:
            raise ValidationError(_l("Enter a number from 1 to %(most)d", most=most or 52))

    def validate_lead_days(self, field: Field) -> None:
        """An invitation shows windows only as far ahead as the service can be booked."""
        service = self.bookable
        if service is not None and (field.data or 0) > service.horizon_days:
            most = service.horizon_days
            raise ValidationError(_l("This service can be booked %(most)d days ahead at most", most=most))

    def validate(self, extra_validators: Any = None) -> bool:
        """Also judge what only several fields together say."""
        valid = bool(super().validate(extra_validators))
        wrong: list[tuple[Field, Any]] = []
        if bool(self.season_from.data) != bool(self.season_to.data):
            wrong.append((self.season_to, _l("Choose both months of the season, or none")))
        elif valid and self.season is not None and self.first_on.data not in self.season:
            wrong.append((self.first_on, _l("This day is outside the season")))
        if valid and self.period_days.data > self.every.data * _DAYS[Unit(self.unit.data)]:
            wrong.append((self.period_days, _l("This is longer than the time from one visit to the next")))
        if valid and not self.term_months.data and self.renewal.data == Renewal.AUTOMATIC:
            wrong.append((self.term_months, _l("Enter how long a term is, or choose another ending")))
        for field, message in wrong:
            field.errors = [*field.errors, message]
        return valid and not wrong

    @property
    def season(self) -> Season | None:
        """The chosen months."""
        if not (self.season_from.data and self.season_to.data):
            return None
        return Season(int(self.season_from.data), int(self.season_to.data))

    @property
    def terms(self) -> Terms:
        """The terms of a valid form."""
        term = self.term_months.data or None
        return Terms(
            rule=Rule(self.first_on.data, self.every.data, Unit(self.unit.data), self.season),
            skip_holidays=self.skip_holidays.data,
            period_days=self.period_days.data,
            lead_days=self.lead_days.data,
            term_months=term,
            renewal=Renewal(self.renewal.data) if term else Renewal.NONE,
        )

    @property
    def likes(self) -> Likes:
        """What the customer prefers."""
        return Likes(
            weekdays="".join(sorted(set(self.weekdays.data or []))),
            part=PartOfDay(self.part.data),
            technician_id=int(self.technician.data) if self.technician.data else None,
        )

    @staticmethod
    def known(plan: ServicePlan) -> dict[str, Any]:
        """What holds now, to start from."""
        return {
            "every": plan.every,
            "unit": plan.unit,
            "first_on": plan.anchor_on,
            "season_from": str(plan.season_from or ""),
            "season_to": str(plan.season_to or ""),
            "skip_holidays": plan.skip_holidays,
            "period_days": plan.period_days,
            "lead_days": plan.lead_days,
            "term_months": plan.term_months,
            "renewal": plan.renewal,
            "weekdays": list(plan.preferred_weekdays),
            "part": plan.preferred_part,
            "technician": str(plan.preferred_technician_id or ""),
        }


class NewPlanForm(TermsForm):
    """A plan that is begun: also for which service."""

    service = SelectField(_l("Service"), choices=[], coerce=str)

    def __init__(self, *args: Any, services: Sequence[Service], **kwargs: Any) -> None:
        super().__init__(*args, service=None, **kwargs)
        self._services = {str(service.id): service for service in services}
        self.service.choices = cards((str(service.id), service.name) for service in services)

    @property
    def bookable(self) -> Service | None:
        """The chosen service."""
        return self._services.get(self.service.data or "")


class ChangeForm(TermsForm):
    """Other terms, decided on one version of the plan; `step` is empty for a look at what would change."""

    version = WholeNumber(validators=[InputRequired(), NumberRange(min=1, max=2**31 - 1)])


def reason_field(label: Any) -> TextAreaField:
    """Why the office does something."""
    too_long = Length(max=300, message=_l("Use %(max)d characters or fewer"))
    return TextAreaField(label, filters=[tidy], validators=[Optional(), too_long, Readable(lines=True)])


class SkipForm(BoardForm):
    """Leave one visit out."""

    reason = reason_field(_l("Why?"))


class LaterForm(BoardForm):
    """Another day for one visit."""

    day = DayField(_l("Due from"), validators=[InputRequired(_l("Choose a day"))])


class EndForm(BoardForm):
    """End a plan."""

    reason = reason_field(_l("Why does it end?"))


class RenewForm(BoardForm):
    """Another term after the one that ends on a day."""

    ends_on = DayField(validators=[InputRequired()])
