"""The forms of the office's inbox."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, StringField, TextAreaField, ValidationError
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Optional

from fieldservice.dispatch.forms import BoardForm
from fieldservice.models.conversation import LONGEST_MESSAGE
from fieldservice.notify import texts
from fieldservice.typed import Readable, WholeNumber, tidy


class GiveForm(BoardForm):
    """Which visit a guest's conversation belongs to."""

    reference = StringField(
        _l("Number of the visit"),
        filters=[tidy],
        validators=[DataRequired(_l("Enter the number of a visit")), Length(max=20), Readable()],
    )


class AnswerForm(BoardForm):
    """What the office writes to a customer, or which prepared answer it begins with."""

    do = HiddenField(validators=[Optional(), Length(max=10)])
    canned = WholeNumber(validators=[Optional(), NumberRange(min=1, max=2**31 - 1)])
    body = TextAreaField(
        _l("Your answer"),
        filters=[tidy],
        validators=[
            DataRequired(_l("Write your answer")),
            Length(max=LONGEST_MESSAGE, message=_l("Use %(max)d characters or fewer")),
            Readable(lines=True),
        ],
    )

    def validate_body(self, field: Field) -> None:
        """Nothing that somebody still has to fill in."""
        if left := texts.unfilled(field.data):
            names = ", ".join(f"{{{name}}}" for name in left)
            raise ValidationError(_("Write what stands for %(names)s: it is not known here", names=names))


class OwnerForm(BoardForm):
    """Who looks after a conversation; empty for nobody."""

    owner = WholeNumber(validators=[Optional(), NumberRange(min=1, max=2**31 - 1)])


class WishDecisionForm(BoardForm):
    """Yes or no to what a technician asks for, and a word to them."""

    decision = StringField(validators=[InputRequired(), AnyOf(["approve", "refuse"])])
    answer = StringField(
        _l("A word to the technician"),
        filters=[tidy],
        validators=[Length(max=300, message=_l("Write at most 300 characters.")), Readable()],
    )
