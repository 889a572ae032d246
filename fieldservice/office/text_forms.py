"""The form in which the company writes a text of its messages."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, StringField, TextAreaField, ValidationError
from wtforms.validators import Email, InputRequired, Length, Optional

from fieldservice.notify import texts
from fieldservice.notify.texts import Key
from fieldservice.office.forms import OfficeForm
from fieldservice.typed import Phone, Readable, tidy

_LONGEST = {"subject": 150, "heading": 120, "lead": 1500, "sms": 480}


def _too_long(most: int) -> Length:
    return Length(max=most, message=_l("Write at most %(most)d characters", most=most))


def _line(label: Any, name: str) -> StringField:
    validators = [InputRequired(_l("Write something")), _too_long(_LONGEST[name]), Readable()]
    return StringField(label, filters=[tidy], validators=validators)


def _lines(label: Any, name: str) -> TextAreaField:
    validators = [InputRequired(_l("Write something")), _too_long(_LONGEST[name]), Readable(lines=True)]
    return TextAreaField(label, filters=[tidy], validators=validators)


class TextForm(OfficeForm):
    """One text: its parts, each with the placeholders that it may and must have, and where a test goes."""

    version = HiddenField(validators=[Optional(), Length(max=12)])
    subject = _line(_l("Subject"), "subject")
    heading = _line(_l("Heading"), "heading")
    lead = _lines(_l("Words"), "lead")
    sms = _lines(_l("Text message"), "sms")
    to = StringField(_l("Where a test goes"), filters=[tidy], validators=[_too_long(254), Readable()])
    do = HiddenField(validators=[Optional(), Length(max=10)])

    def __init__(self, *args: Any, key: Key, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._key, self._country = key, country
        name, channel, _language = key
        for part in [part for parts in texts.PARTS.values() for part in parts]:
            if part not in texts.PARTS[channel]:
                del self[part]

    @property
    def words(self) -> dict[str, str]:
        """The parts as they were written."""
        return {part: self[part].data for part in texts.PARTS[self._key[1]]}

    @property
    def seen(self) -> int:
        """The version that the page was opened with."""
        return int(self.version.data) if (self.version.data or "").isdecimal() else 0

    def validate_to(self, field: Field) -> None:
        """For a test, an address of the text's channel."""
        if self.do.data != "test":
            return
        if self._key[1] == "email":
            Email(_("Enter an e-mail address such as name@example.com"))(self, field)
            return
        field.data = Phone(self._country).parse(field.data or "")
        if field.data is None:
            raise ValidationError(_("Enter a telephone number with its area code"))

    def validate_subject(self, field: Field) -> None:
        """Only placeholders that there are."""
        self._check(field, "subject")

    def validate_heading(self, field: Field) -> None:
        """Only placeholders that there are."""
        self._check(field, "heading")

    def validate_lead(self, field: Field) -> None:
        """Only placeholders that there are, and those that the message is about."""
        self._check(field, "lead")

    def validate_sms(self, field: Field) -> None:
        """Only placeholders that there are, and those that the message is about."""
        self._check(field, "sms")

    def _check(self, field: Field, part: str) -> None:
        name, channel, _language = self._key
        if strange := texts.unknown(field.data, name, channel):
            known = braced(sorted(texts.allowed(name, channel)))
            raise ValidationError(
                _(
                    "%(names)s is no placeholder here. There are: %(known)s",
                    names=braced(strange),
                    known=known,
                )
            )
        if missing := texts.missing(field.data, name, channel, part):
            raise ValidationError(_("%(names)s has to be in these words", names=braced(missing)))


def braced(names: list[str]) -> str:
    """Placeholders as they are written."""
    return ", ".join(f"{{{name}}}" for name in names)
