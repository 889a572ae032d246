"""The forms of what lets a visit in: somebody works longer, or its customer is asked for another window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, SelectMultipleField, ValidationError
from wtforms.validators import AnyOf, InputRequired, NumberRange

from fieldservice import web
from fieldservice.dispatch.forms import BoardForm, PlanForm
from fieldservice.dispatch.letting_in import End
from fieldservice.models import Territory, Window
from fieldservice.planning.asking import AT_MOST
from fieldservice.typed import WholeNumber, cards

_ROW = NumberRange(min=1, max=2**31 - 1)
LONGEST = 8 * 60
"""Minutes by which a day is made longer at most."""


class LetInForm(PlanForm):
    """Which visit goes to whom, and by how much their day becomes longer for it."""

    visit = WholeNumber(validators=[InputRequired(), _ROW])
    technician = WholeNumber(validators=[InputRequired(), _ROW])
    longer = HiddenField(validators=[AnyOf(list(End))])
    minutes = WholeNumber(validators=[InputRequired(), NumberRange(min=1, max=LONGEST)])

    @property
    def by(self) -> timedelta:
        """How much longer."""
        return timedelta(minutes=self.minutes.data)


class AskForm(BoardForm):
    """The windows that a customer may choose from."""

    windows = SelectMultipleField(_l("Offer up to two windows"))

    def among(self, windows: Sequence[Window], territory: Territory) -> None:
        """Let these be chosen; the first two are, until somebody says otherwise."""
        self.windows.choices = cards(
            (window.starts_at.isoformat(), _words(window, territory)) for window in windows
        )
        if not self.is_submitted():
            self.windows.data = [window.starts_at.isoformat() for window in windows[:AT_MOST]]

    def validate_windows(self, field: Field) -> None:
        """One or two of them."""
        if not 1 <= len(field.data or ()) <= AT_MOST:
            raise ValidationError(_l("Choose one window or two."))

    def chosen(self, windows: Sequence[Window]) -> list[Window]:
        """What was chosen, in order of time."""
        wanted = {datetime.fromisoformat(each) for each in self.windows.data}
        return [window for window in windows if window.starts_at in wanted]


def _words(window: Window, territory: Territory) -> str:
    day = web.day_words(territory.local_day(window.starts_at), short=True)
    return f"{day}, {web.window_words(window, territory.zone)}"
