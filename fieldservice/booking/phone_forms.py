"""All that is asked while somebody is on the phone, on one screen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import DateField, Field, RadioField, SelectField, ValidationError
from wtforms.validators import AnyOf, Length, Optional

from fieldservice.booking.drafts import Contact, SiteAnswers
from fieldservice.booking.forms import email_text, long_text, start_in, text, tidy_address
from fieldservice.booking.problem_form import ProblemForm
from fieldservice.language import name_of
from fieldservice.models import IntakeQuestion, QuestionKind
from fieldservice.notify.translations import languages
from fieldservice.typed import Phone


class PhoneForm(ProblemForm):
    """Who calls and where to come, unless that is known; the service with its questions; a window.

    `known` is the site of a customer who has been served before: its address is not asked for again.
    """

    problem = long_text(_("What the customer says"), 2000)
    name = text(_("Full name"), 120, required=_("Enter the customer’s name"))
    phone = text(_("Phone number"), 32)
    email = email_text(_("Email"))
    street = text(_("Street address"), 200)
    unit = text(_("Apartment or unit"), 60)
    city = text(_("City"), 100)
    postcode = text(_("ZIP code"), 16)
    access_notes = long_text(_("Note for the technician"), 500)
    language = SelectField(
        _("Language of messages"),
        choices=lambda: [("", _("As before, or ours")), *((code, name_of(code)) for code in languages())],
        validate_choice=False,
        validators=[Optional(), AnyOf(languages(), message=_("Choose one of these"))],
    )
    not_before = DateField(_("Not before"), validators=[Optional()])
    window = RadioField(
        _("Arrival window"), choices=[], validators=[Optional(), Length(max=40)], validate_choice=False
    )

    def __init__(
        self,
        *args: Any,
        country: str,
        called_for: Collection[str] = (),
        known: SiteAnswers | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.country, self.known, self.dialling = country, known, Phone(country)
        self.called_for = called_for  # the services for which somebody is called

    def questions_of(self, code: str) -> list[tuple[IntakeQuestion, Field]]:
        """One service's questions with their fields; nobody can show a photo on the phone."""
        asked = super().questions_of(code)
        return [(question, field) for question, field in asked if question.kind != QuestionKind.PHOTO]

    def validate_phone(self, field: Field) -> None:
        """A number that can be dialled."""
        if field.data and self.dialling.parse(field.data) is None:
            raise ValidationError(_("Enter a phone number, like 410 555 0187"))

    def validate_window(self, field: Field) -> None:
        """The value is the instant at which a window starts."""
        if start_in(field.data) is None:
            raise ValidationError(_("Choose an arrival window"))

    def validate(self, extra_validators: Any = None) -> bool:
        """Also ask for an address and for one way at least to reach the customer."""
        super().validate(extra_validators)
        for question, name in self.asked.get(self.code, ()):
            if question.kind == QuestionKind.PHOTO:
                self[name].errors = ()
        if self.code in self.called_for and not self.phone.data:
            self.phone.errors = [_("Enter the phone number that we call")]
        elif not (self.phone.data or self.email.data):
            self.phone.errors = [_("Enter a phone number or an email address")]
        if self.known is None and not self.street.data:
            self.street.errors = [_("Enter a street address with a house number")]
        return not self.errors

    @property
    def requester(self) -> Contact:
        """Who calls."""
        number = self.dialling.parse(self.phone.data) if self.phone.data else None
        return Contact(name=self.name.data, email=tidy_address(self.email.data), phone=number or "")

    @property
    def site(self) -> SiteAnswers:
        """Where to come; a new address has no coordinates yet. Looked up before it is judged."""
        if self.known is not None:
            return self.known
        return SiteAnswers(
            address=_on_one_line(self.street.data),
            unit=_on_one_line(self.unit.data),
            city=_on_one_line(self.city.data),
            postcode=_on_one_line(self.postcode.data),
            country=self.country,
            access_notes=self.access_notes.data,
        )


def _on_one_line(text: str | None) -> str:
    return "".join(char for char in text or "" if char.isprintable())
