"""The form in which the company writes an answer beforehand."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, SelectField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from fieldservice.language import name_of
from fieldservice.models.conversation import LONGEST_MESSAGE
from fieldservice.notify import texts
from fieldservice.notify.translations import languages
from fieldservice.office.forms import OfficeForm, text_field
from fieldservice.office.text_forms import braced
from fieldservice.typed import Readable, tidy


class CannedForm(OfficeForm):
    """One answer: its language, what the office finds it by, and the words."""

    version = HiddenField(validators=[Optional(), Length(max=12)])
    language = SelectField(_l("Language"), choices=lambda: [(each, name_of(each)) for each in languages()])
    title = text_field(_l("What it is about"), _l("Write something"), longest=80)
    body = TextAreaField(
        _l("Words"),
        filters=[tidy],
        validators=[
            InputRequired(_l("Write something")),
            Length(max=LONGEST_MESSAGE, message=_l("Use %(max)d characters or fewer")),
            Readable(lines=True),
        ],
    )

    @property
    def seen(self) -> int:
        """The version that the page was opened with."""
        return int(self.version.data) if (self.version.data or "").isdecimal() else 0

    def validate_body(self, field: Field) -> None:
        """Only placeholders that there are."""
        if strange := texts.unknown_in_answers(field.data):
            raise ValidationError(
                _(
                    "%(names)s is no placeholder here. There are: %(known)s",
                    names=braced(strange),
                    known=braced(sorted(texts.IN_ANSWERS)),
                )
            )
