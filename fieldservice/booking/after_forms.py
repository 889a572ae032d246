"""The forms of what comes after booking: what customers write and decide."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length

from fieldservice.booking.drafts import Contact
from fieldservice.booking.forms import cards, email_text, long_text, radio, text
from fieldservice.language import name_of
from fieldservice.models import ContactRole, FeedbackKind, Purpose, Site, WorkOrder
from fieldservice.models.conversation import LONGEST_MESSAGE
from fieldservice.notify.translations import languages
from fieldservice.typed import Phone, Readable, tidy

POINTS = {
    "on_time": _("On time"),
    "fixed": _("Fixed first time"),
    "clear_price": _("Clear price"),
    "tidy": _("Tidy"),
    "waited": _("Had to wait"),
    "not_fixed": _("Not fixed"),
}
"""What can stand out in a visit."""


class MessageForm(FlaskForm):  # type: ignore[misc]
    """A message to the office."""

    body = TextAreaField(
        _("Your message"),
        filters=[tidy],
        validators=[
            DataRequired(_("Write your message")),
            Length(max=LONGEST_MESSAGE, message=_("Use %(max)d characters or fewer")),
            Readable(lines=True),
        ],
    )


class DetailsForm(FlaskForm):  # type: ignore[misc]
    """How to reach the customer, and how to get in."""

    name = text(_("Full name"), 120, required=_("Enter your full name"))
    phone = text(_("Mobile number"), 32)
    email = email_text(_("Email"))
    access_notes = long_text(_("Entry notes"), 500)
    problem = long_text(_("Notes for the technician"), 2000)

    def __init__(self, *args: Any, country: str, calls_back: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dialling, self.calls_back = Phone(country), calls_back

    @staticmethod
    def known(contact: ContactRole, order: WorkOrder, site: Site) -> dict[str, str]:
        """What is stored, to start from."""
        return {
            "name": contact.name,
            "phone": contact.phone,
            "email": contact.email,
            "access_notes": site.access_notes,
            "problem": order.problem,
        }

    def validate_phone(self, field: Field) -> None:
        """A number that can be dialled."""
        if field.data and self.dialling.parse(field.data) is None:
            raise ValidationError(_("Enter a phone number, like 410 555 0187"))

    def validate(self, extra_validators: Any = None) -> bool:
        """Also ask for one way at least to reach the customer."""
        valid: bool = super().validate(extra_validators)
        if self.calls_back and not self.phone.data:
            self.phone.errors = [_("Enter the phone number that we call")]
            return False
        if not (self.phone.data or self.email.data):
            self.phone.errors = self.phone.errors or [_("Enter a mobile number or an email address")]
            return False
        return valid

    @property
    def contact(self) -> Contact:
        """How to reach the customer from now on."""
        local, at, domain = self.email.data.rpartition("@")
        phone = self.dialling.parse(self.phone.data) or "" if self.phone.data else ""
        return Contact(name=self.name.data, phone=phone, email=f"{local}{at}{domain.lower()}")


class RatingForm(FlaskForm):  # type: ignore[misc]
    """One tap: how it was, from 1 to 5."""

    rating = StringField(
        _("Overall"),
        validators=[
            InputRequired(_("Choose a number of stars")),
            AnyOf([str(stars) for stars in range(1, 6)], message=_("Choose a number of stars")),
        ],
    )


class FeedbackForm(FlaskForm):  # type: ignore[misc]
    """What there is to say beside the stars."""

    points = SelectMultipleField(_("What stood out?"), choices=cards(list(POINTS.items())))
    body = long_text(_("Anything else?"), LONGEST_MESSAGE)
    kind = radio(
        _("What is it?"),
        [
            (FeedbackKind.COMPLIMENT.value, _("A compliment")),
            (FeedbackKind.COMPLAINT.value, _("A complaint")),
        ],
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """A complaint needs words: somebody has to answer it."""
        valid: bool = super().validate(extra_validators)
        if self.kind.data == FeedbackKind.COMPLAINT and not (self.body.data or self.body.errors):
            self.body.errors = [_("Tell us what went wrong, so that we can answer")]
            return False
        return valid


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The code that was sent."""

    code = StringField(
        _("Code from the message"),
        filters=[lambda typed: "".join((typed or "").split())],
        validators=[DataRequired(_("Enter the code from the message")), Length(max=20), Readable()],
    )

    def validate_code(self, field: Field) -> None:
        """Six digits."""
        if not (len(field.data) == 6 and field.data.isascii() and field.data.isdecimal()):
            raise ValidationError(_("The code has six digits"))


class ConsentForm(FlaskForm):  # type: ignore[misc]
    """What the customer wants to get."""

    reminders = BooleanField(_("Reminders before the visit"))
    texts = BooleanField(_("Text messages beside emails"))
    feedback = BooleanField(_("A question how it went"))
    offers = BooleanField(_("A message when the next service is due"))

    def decisions(self) -> dict[Purpose, bool]:
        """Each purpose with a yes or no."""
        return {purpose: bool(self[purpose.value].data) for purpose in Purpose}


class LanguageForm(FlaskForm):  # type: ignore[misc]
    """In which language the customer is spoken to."""

    language = SelectField(
        _("Language"),
        choices=lambda: [(code, name_of(code)) for code in languages()],
        validate_choice=False,  # its message has no words of ours
        validators=[AnyOf(languages(), message=_("Choose one of these"))],
    )


class EraseForm(FlaskForm):  # type: ignore[misc]
    """Really?"""

    sure = BooleanField(
        _("Yes, erase my data. I know that it cannot be brought back."),
        validators=[InputRequired(_("Tick the box to erase your data"))],
    )
