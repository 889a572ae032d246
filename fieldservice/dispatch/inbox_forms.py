"""The forms of the office's inbox."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length

from fieldservice.dispatch.forms import BoardForm
from fieldservice.models.conversation import LONGEST_MESSAGE
from fieldservice.typed import Readable, tidy


class GiveForm(BoardForm):
    """Which visit a guest's conversation belongs to."""

    reference = StringField(
        _l("Number of the visit"),
        filters=[tidy],
        validators=[DataRequired(_l("Enter the number of a visit")), Length(max=20), Readable()],
    )


class AnswerForm(BoardForm):
    """What the office writes to a customer."""

    body = TextAreaField(
        _l("Your answer"),
        filters=[tidy],
        validators=[
            DataRequired(_l("Write your answer")),
            Length(max=LONGEST_MESSAGE, message=_l("Use %(max)d characters or fewer")),
            Readable(lines=True),
        ],
    )


class WishDecisionForm(BoardForm):
    """Yes or no to what a technician asks for, and a word to them."""

    decision = StringField(validators=[InputRequired(), AnyOf(["approve", "refuse"])])
    answer = StringField(
        _l("A word to the technician"),
        filters=[tidy],
        validators=[Length(max=300, message=_l("Write at most 300 characters.")), Readable()],
    )
