"""The form of a visit that several technicians make together."""

from __future__ import annotations

from datetime import date, datetime, time

from flask_babel import lazy_gettext as _l
from wtforms import Field, RadioField, SelectMultipleField, StringField, TimeField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from fieldservice.dispatch.forms import PlanForm
from fieldservice.models import Territory
from fieldservice.planning.judge import Move
from fieldservice.typed import cards, tidy


class CrewForm(PlanForm):
    """How many make a visit, who, and from when."""

    people = RadioField(
        _l("How many technicians does it need?"),
        choices=cards([("1", _l("One")), ("2", _l("Two")), ("3", _l("Three"))]),
        validators=[InputRequired(_l("Choose how many."))],
    )
    who = SelectMultipleField(_l("Who comes?"), choices=[])
    start = TimeField(_l("Start at"), format=["%H:%M", "%H:%M:%S"], validators=[Optional()])
    reason = StringField(
        _l("Why may a rule be broken?"),
        filters=[tidy],
        validators=[Length(max=200, message=_l("Write at most 200 characters."))],
    )

    def validate_who(self, field: Field) -> None:
        """Nobody, the one who leads, or all of them."""
        if self.people.errors:
            return
        chosen, size = len(field.data or ()), self.size
        if chosen not in (0, 1, size):
            raise ValidationError(_l("Tick nobody, who leads, or as many as it needs."))

    @property
    def size(self) -> int:
        """How many come."""
        return int(self.people.data)

    def move(self, territory: Territory, on: date, lead: int | None) -> Move | None:
        """Where the visit goes, led by the first who is ticked or by `lead`; None when nobody is."""
        chosen = [int(key) for key in self.who.data or ()]
        if lead in chosen:
            chosen.sort(key=lambda key: key != lead)
        start: time | None = self.start.data
        starts_at = datetime.combine(on, start, territory.zone) if start else None
        first = chosen[0] if chosen else lead
        if first is None:
            return None
        return Move(first, on, starts_at, self.reason.data or "", tuple(chosen[1:]), crew=self.size)
