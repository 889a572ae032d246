"""The forms of visits that follow each other."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, SelectField, ValidationError
from wtforms.validators import InputRequired, NumberRange, Optional

from fieldservice.dispatch.forms import BoardForm
from fieldservice.planning.linking import Tie
from fieldservice.typed import WholeNumber

LONGEST = 28 * 24 * 60
"""Minutes between two visits at most: four weeks."""
_LAG = NumberRange(min=0, max=LONGEST, message=_l("Enter minutes, four weeks (40320) at most."))


class LinkForm(BoardForm):
    """Which visit comes first, and how the other one follows it."""

    first = SelectField(_l("It follows"), validators=[InputRequired(_l("Choose a visit."))], choices=[])
    at_least = WholeNumber(
        _l("At least so many minutes after it ends"), default=0, validators=[Optional(), _LAG]
    )
    at_most = WholeNumber(_l("At most so many minutes after it ends"), validators=[Optional(), _LAG])
    same = BooleanField(_l("The same technician makes both"))

    def validate_at_most(self, field: Field) -> None:
        """There has to be a time in between."""
        if field.data is not None and field.data < (self.at_least.data or 0):
            raise ValidationError(_l("Enter no less than the minutes that it has to wait."))

    @property
    def tie(self) -> Tie:
        """How the visits are tied."""
        longest = self.at_most.data
        return Tie(
            timedelta(minutes=self.at_least.data or 0),
            None if longest is None else timedelta(minutes=longest),
            bool(self.same.data),
        )


class UnlinkForm(BoardForm):
    """Which visit does not have to come first any more."""

    first = WholeNumber(validators=[InputRequired(), NumberRange(min=1, max=2**31 - 1)])
