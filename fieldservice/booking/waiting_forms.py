"""Forms of the waiting list; texts are Unicode, lengths are bounded, as in `forms`."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, ValidationError

from fieldservice.booking.forms import email_text, radio, text, tidy_address


class WishForm(FlaskForm):  # type: ignore[misc]
    """Where to write once we come to an area."""

    email = email_text(_("Email"), required=_("Enter an email address"))

    @property
    def address(self) -> str:
        """The e-mail address in one spelling."""
        return tidy_address(self.email.data)


class WaitForm(FlaskForm):  # type: ignore[misc]
    """Join the waiting list or leave it."""

    wait = radio(
        _("Waiting list"), [("yes", _("Join")), ("no", _("Leave"))], required=_("Choose one of these")
    )


class OfferForm(FlaskForm):  # type: ignore[misc]
    """The answer to an offered window."""

    offer = text(_("Offer"), 12, required=_("The offer is missing"))
    answer = radio(
        _("Your answer"),
        [("take", _("Take it")), ("leave", _("Leave it"))],
        required=_("Choose one of these"),
    )

    def validate_offer(self, field: Field) -> None:
        """A number of a row."""
        if not (field.data.isascii() and field.data.isdecimal()):
            raise ValidationError(_("The offer is missing"))

    @property
    def offer_id(self) -> int:
        """Which offer was shown."""
        return int(self.offer.data)
