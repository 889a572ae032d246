"""What is asked of the planner, and what is decided of its proposals."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectMultipleField, StringField
from wtforms.validators import AnyOf, Length, NumberRange, Optional

from fieldservice.dispatch.forms import BoardForm
from fieldservice.models import Territory
from fieldservice.planning.goals import Goal, Scope
from fieldservice.planning.improve import Asked
from fieldservice.typed import WholeNumber, cards, tidy

DAYS_AHEAD = 14
_MOST = 200


class What(StrEnum):
    """What shall be planned anew."""

    DAY = "day"
    ROW = "row"
    SELECTED = "selected"
    TOMORROW = "tomorrow"
    FORTNIGHT = "fortnight"


GOALS = [
    (Goal.BALANCED.value, _l("Balanced")),
    (Goal.DRIVING.value, _l("Least driving")),
    (Goal.ON_TIME.value, _l("On time first")),
    (Goal.FAIR.value, _l("Fair")),
]


class OptimiseForm(BoardForm):
    """What to plan anew, and what counts most; without more than a key it is the day, balanced."""

    what = RadioField(
        _l("What"),
        choices=cards(
            [
                (What.DAY.value, _l("This day")),
                (What.ROW.value, _l("One technician's route")),
                (What.SELECTED.value, _l("Some visits")),
                (What.TOMORROW.value, _l("Tomorrow")),
                (What.FORTNIGHT.value, _l("The next two weeks")),
            ]
        ),
        default=What.DAY.value,
    )
    goal = RadioField(_l("What counts most"), choices=cards(GOALS), default=Goal.BALANCED.value)
    rival = RadioField(
        _l("Compare with"), choices=cards([("", _l("Nothing")), *GOALS]), default="", filters=[tidy]
    )
    technician = WholeNumber(_l("Technician"), validators=[Optional(), NumberRange(min=1, max=2**31 - 1)])
    visits = SelectMultipleField(_l("Visits"), coerce=str, validate_choice=False)

    def validate(self, extra_validators: Any = None) -> bool:
        """A route needs its technician, and some visits at least one."""
        valid = bool(super().validate(extra_validators))
        if valid and self.what.data == What.ROW and not self.technician.data:
            self.technician.errors = [_l("Choose a technician.")]
        if valid and self.what.data == What.SELECTED and not self.visit_ids:
            self.visits.errors = [_l("Choose at least one visit.")]
        return valid and not self.technician.errors and not self.visits.errors

    @property
    def visit_ids(self) -> tuple[int, ...]:
        """The selected visits."""
        numbers = (int(text) for text in self.visits.data or () if text.isascii() and text.isdigit())
        return tuple(sorted({number for number in numbers if 0 < number < 2**31}))[:_MOST]

    @property
    def asked(self) -> Asked:
        """What the planner is asked."""
        goals = [Goal(name) for name in dict.fromkeys([self.goal.data, self.rival.data]) if name]
        scope = Scope()
        if self.what.data == What.ROW:
            scope = Scope(technician_id=self.technician.data)
        elif self.what.data == What.SELECTED:
            scope = Scope(visit_ids=self.visit_ids)
        return Asked(tuple(goals), scope, ahead=self.what.data == What.FORTNIGHT)

    def days(self, territory: Territory, on: date, today: date) -> list[date]:
        """The days that are planned anew, seen from the board of the day `on`."""
        if self.what.data == What.TOMORROW:
            return [today + timedelta(days=1)]
        if self.what.data == What.FORTNIGHT:
            return [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD)]
        return [on]


class PartForm(BoardForm):
    """Some changes of a proposal: visits (v7) and routes with another order (t3)."""

    part = StringField(validators=[Length(min=1, max=4000)])
    decision = StringField(validators=[AnyOf(["accept", "skip"])])

    @property
    def names(self) -> frozenset[str]:
        """The changes as `planning.parts` names them."""
        return frozenset(self.part.data.split(","))
