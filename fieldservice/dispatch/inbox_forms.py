"""The form of the office's inbox."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from fieldservice.dispatch.forms import BoardForm
from fieldservice.models.conversation import LONGEST_MESSAGE
from fieldservice.typed import Readable, tidy


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
