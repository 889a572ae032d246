"""The forms of customers who booked before: how we know them, and the code."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, Form, StringField, ValidationError
from wtforms.validators import Email

from fieldservice.auth.visitors import Reach
from fieldservice.booking.forms import radio, text, tidy_address
from fieldservice.models import Site
from fieldservice.typed import Phone

LONGEST = 254


class Reachable:
    """Accepts an e-mail address or a number that can be dialled."""

    def __init__(self, country: str) -> None:
        self.country = country

    def __call__(self, form: Form, field: Field) -> None:
        """Raise ValidationError for anything else."""
        if "@" in field.data:
            Email(_("Enter an email address in the correct format, like name@example.com"))(form, field)
        elif Phone(self.country).parse(field.data) is None:
            raise ValidationError(_("Enter an email address or a mobile number"))


def reach_field(label: Any, country: str, *, required: bool) -> StringField:
    """A line for an e-mail address or a phone number."""
    words = _("Enter the email address or the mobile number of your earlier booking")
    field = text(label, LONGEST, required=words if required else None)
    field.kwargs["validators"].append(Reachable(country))
    return field


def reach_in(typed: str, country: str) -> Reach:
    """Where a code goes that is sent to what was typed into a valid field."""
    if "@" in typed:
        return Reach("email", tidy_address(typed))
    return Reach("sms", Phone(country).parse(typed) or "")


class ReturningForm(FlaskForm):  # type: ignore[misc]
    """How the customer is known. `of_country` adds the field."""

    @classmethod
    def of_country(cls, country: str) -> type[ReturningForm]:
        """The form where phone numbers are written as in this country."""
        field = reach_field(_("Email or mobile number"), country, required=True)
        return type("KnownForm", (cls,), {"known": field})


class SavedSiteForm(FlaskForm):  # type: ignore[misc]
    """Which of the customer's sites is meant."""

    site = StringField()

    @classmethod
    def for_sites(cls, sites: list[Site]) -> type[SavedSiteForm]:
        """The form of some saved sites."""
        choices = [(str(site.id), site.address) for site in sites]
        return type(
            "SavedSites",
            (cls,),
            {"site": radio(_("Where should we come?"), choices, required=_("Choose an address"))},
        )
