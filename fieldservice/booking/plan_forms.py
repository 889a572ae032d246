"""What customers decide about their service plan."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, SelectMultipleField, ValidationError
from wtforms.validators import InputRequired

from fieldservice import plan_words, web
from fieldservice.booking.forms import cards, long_text, radio
from fieldservice.models import PartOfDay, ServicePlan
from fieldservice.planning.service_plans import Likes
from fieldservice.typed import DayField

LONGEST_REASON = 300


class PreferencesForm(FlaskForm):  # type: ignore[misc]
    """When and who is welcome."""

    weekdays = SelectMultipleField(_("Days that suit you"), choices=[])
    part = radio(
        _("Time of day"),
        [(PartOfDay.ANY.value, _("Any time")), (PartOfDay.MORNING.value, _("Morning"))]
        + [(PartOfDay.AFTERNOON.value, _("Afternoon"))],
    )
    technician = radio(_("Technician"), [("any", _("Anybody")), ("same", _("The same as before"))])

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.weekdays.choices = cards(plan_words.weekday_choices())

    @staticmethod
    def known(plan: ServicePlan) -> dict[str, object]:
        """What is stored, to start from."""
        return {
            "weekdays": list(plan.preferred_weekdays),
            "part": plan.preferred_part,
            "technician": "any" if plan.preferred_technician_id is None else "same",
        }

    def likes(self, technician_id: int | None) -> Likes:
        """The preferences; `technician_id` is who came before."""
        return Likes(
            weekdays="".join(sorted(set(self.weekdays.data or []))),
            part=PartOfDay(self.part.data or ""),
            technician_id=technician_id if self.technician.data == "same" else None,
        )


class SkipForm(FlaskForm):  # type: ignore[misc]
    """Leave one visit out."""

    reason = long_text(_("Why do you skip it?"), LONGEST_REASON)


class LaterForm(FlaskForm):  # type: ignore[misc]
    """Another day for one visit."""

    day = DayField(_("From which day on?"), validators=[InputRequired(_("Choose a day"))])


class EndPlanForm(FlaskForm):  # type: ignore[misc]
    """Really?"""

    reason = long_text(_("Why do you end it?"), LONGEST_REASON)
    sure = BooleanField(
        _("Yes, end my service plan."), validators=[InputRequired(_("Tick the box to end your plan"))]
    )


class RenewForm(FlaskForm):  # type: ignore[misc]
    """Another term; the page says after which one."""

    ends_on = HiddenField(validators=[InputRequired(_("Open the page again"))])

    def validate_ends_on(self, field: Field) -> None:
        """The last day of a term."""
        if web.day_of(field.data or "") is None:
            raise ValidationError(_("Open the page again"))
