"""What customers type, with a limit on everything: a value that does not fit is answered in words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    RadioField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import AnyOf, DataRequired, Email, InputRequired, Length, Optional

from fieldservice.booking.drafts import Contact, SiteAnswers
from fieldservice.booking.several import MOST
from fieldservice.geo.types import Coordinates
from fieldservice.models import Window
from fieldservice.planning.windows import window_from
from fieldservice.typed import Phone
from fieldservice.typed import Readable as Readable
from fieldservice.typed import cards as cards
from fieldservice.typed import tidy as tidy


def text(label: Any, longest: int, *, required: Any = None, **options: Any) -> StringField:
    """One line of text up to a length."""
    first = DataRequired(required) if required else Optional()
    too_long = Length(max=longest, message=_("Use %(max)d characters or fewer"))
    return StringField(label, validators=[first, too_long, Readable()], filters=[tidy], **options)


def long_text(label: Any, longest: int) -> TextAreaField:
    """Lines of text up to a length."""
    too_long = Length(max=longest, message=_("Use %(max)d characters or fewer"))
    return TextAreaField(label, validators=[Optional(), too_long, Readable(lines=True)], filters=[tidy])


def radio(
    label: Any, choices: Sequence[tuple[str, Any]], *, required: Any = None, hint: str = ""
) -> RadioField:
    """One of the choices; `required` is said when there is none, or a foreign one."""
    message = required or _("Choose one of these")
    first = InputRequired(message) if required else Optional(strip_whitespace=False)  # blanks are no choice
    known = AnyOf([value for value, _label in choices], message=message)
    return RadioField(
        label, choices=cards(choices), validators=[first, known], validate_choice=False, description=hint
    )


class AddressForm(FlaskForm):  # type: ignore[misc]
    """Where to come and how to get in.

    `by` says how the address is given: searched for (`q`), by hand, or `known` from before.
    """

    by = StringField(filters=[tidy])
    q = text(_("Find your address"), 200)
    street = text(_("Street address"), 200)
    no_number = BooleanField(_("The address has no house number"))
    city = text(_("City"), 100)
    postcode = text(_("ZIP code"), 16)
    unit = text(_("Apartment or unit"), 60)
    access_kind = radio(
        _("How do we get in?"),
        [
            ("home", _("Someone over 18 will be home")),
            ("code", _("Use a code, key box or doorman")),
        ],
    )
    access_notes = long_text(_("Note for the technician"), 500)
    pin_lat = text(_("Latitude"), 24)
    pin_lon = text(_("Longitude"), 24)

    def __init__(self, *args: Any, with_access: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.with_access = with_access

    def validate(self, extra_validators: Any = None) -> bool:
        """Also ask for what only the whole form knows to be missing."""
        valid: bool = super().validate(extra_validators)
        missing = []
        street = {"search": self.q, "hand": self.street}.get(self.by.data)
        numbered = self.by.data == "search" or not self.no_number.data
        if street is not None and not _is_street(street.data, numbered=numbered):
            missing.append((street, _("Enter a street address with a house number")))
        if self.by.data == "hand" and not (self.city.data or self.postcode.data):
            missing.append((self.city, _("Enter the city or the ZIP code")))
        if self.with_access and not self.access_kind.data:
            missing.append((self.access_kind, _("Tell us how to get in, or that you’ll be home")))
        return _add_errors(missing) and valid

    @property
    def written(self) -> str:
        """The address as text to look for; empty when the known one is meant."""
        if self.by.data == "hand":
            town = f"{self.city.data} {self.postcode.data}".strip()
            return ", ".join(part for part in (self.street.data, town) if part)
        return str(self.q.data) if self.by.data == "search" else ""

    @property
    def pin(self) -> Coordinates | None:
        """Where a person put the pin; None when it was not moved or is no place on earth."""
        try:
            lat, lon = float(self.pin_lat.data), float(self.pin_lon.data)
            return Coordinates(lat, lon) if math.isfinite(lat) and math.isfinite(lon) else None
        except ValueError:
            return None

    def to_site(self, known: SiteAnswers | None, country: str) -> SiteAnswers:
        """The answers; a newly written address has no coordinates yet."""
        access = {
            "unit": self.unit.data,
            "access_kind": self.access_kind.data or "",
            "access_notes": self.access_notes.data,
        }
        if self.by.data == "hand":
            return SiteAnswers(
                address=self.street.data,
                city=self.city.data,
                postcode=self.postcode.data,
                country=country,
                **access,
            )
        if self.by.data == "search" or known is None:
            return SiteAnswers(address=self.q.data, country=country, **access)
        return SiteAnswers(**{**_fields(known), **access})


def _fields(site: SiteAnswers) -> dict[str, Any]:
    return {name: getattr(site, name) for name in site.__dataclass_fields__}


def _is_street(typed: str, *, numbered: bool) -> bool:
    return bool(typed) and (not numbered or any(char.isdigit() for char in typed))


def _add_errors(missing: Iterable[tuple[Field, Any]]) -> bool:
    """Put errors on fields that have none yet; says whether there was nothing to put."""
    missing = list(missing)
    for field, message in missing:
        field.errors = field.errors or [message]
    return not missing


class PlaceForm(FlaskForm):  # type: ignore[misc]
    """Which of the places that were found is meant; `written` keeps the address as it was written."""

    place = StringField()

    WRITTEN = "written"

    @classmethod
    def for_places(cls, places: Sequence[tuple[str, Any]]) -> type[PlaceForm]:
        """The form of some found places."""
        choices = [*places, (cls.WRITTEN, _("None of these. Keep it as I wrote it"))]
        field = radio(_("Which place is it?"), choices, required=_("Choose a place"))
        return type("FoundPlaces", (cls,), {"place": field})


WITH_ROOM = "room:"
"""Begins the value of a window that others have to move for."""


NEXT_VISIT = "/"
"""Stands in the value between the windows of visits that follow each other."""


class TimeForm(FlaskForm):  # type: ignore[misc]
    """Which window suits; the page fills in the choices."""

    window = RadioField(
        _("Arrival window"),
        choices=[],
        validators=[InputRequired(_("Choose an arrival window")), Length(max=40 * MOST)],
        validate_choice=False,  # what is offered is judged when the window is reserved
    )

    def validate_window(self, field: Field) -> None:
        """The value is the instant at which a window starts, of each visit in order."""
        for start in self._starts(field.data):
            if start_in(start) is None:
                raise ValidationError(_("Choose an arrival window"))

    def chosen(self, length: timedelta, zone: ZoneInfo) -> Window:
        """The chosen window of a service whose windows have this length by the clocks of the zone."""
        return self.chosen_all([length], zone)[0]

    def chosen_all(self, lengths: Sequence[timedelta], zone: ZoneInfo) -> tuple[Window, ...]:
        """The chosen windows; a page that is out of date may send more or fewer of them than lengths."""
        starts = [datetime.fromisoformat(start) for start in self._starts(self.window.data)]
        return tuple(
            window_from(start, lengths[min(position, len(lengths) - 1)], zone)
            for position, start in enumerate(starts)
        )

    @staticmethod
    def _starts(value: str) -> list[str]:
        return value.removeprefix(WITH_ROOM).split(NEXT_VISIT)

    @property
    def needs_room(self) -> bool:
        """Whether the window was offered as one that others have to move for."""
        return str(self.window.data).startswith(WITH_ROOM)


class MoreForm(FlaskForm):  # type: ignore[misc]
    """Further windows of the same question, under ids of their own."""

    window = RadioField(_("Also possible on this day"), choices=[], validate_choice=False, id="more-window")


def email_text(label: Any, *, required: Any = None) -> StringField:
    """An e-mail address; `required` is said when there is none."""
    wrong = _("Enter an email address in the correct format, like name@example.com")
    return StringField(
        label,
        validators=[
            DataRequired(required) if required else Optional(),
            Length(max=254, message=_("Use %(max)d characters or fewer")),
            Email(wrong),
        ],
        filters=[tidy],
    )


@dataclass(frozen=True)
class Internal:
    """Who is a part of the company and gives a cost centre: a known customer, or one with such an address."""

    known: bool = False
    domains: frozenset[str] = frozenset()
    pattern: str = ""

    @property
    def asked(self) -> bool:
        """Whether the form has to show the question."""
        return self.known or bool(self.domains)

    def includes(self, email: str) -> bool:
        """Whether who has this address is an internal customer."""
        return self.known or email.rpartition("@")[2].lower() in self.domains

    def fault(self, email: str, cost_centre: str) -> Any:
        """What is wrong with the cost centre; None when nothing is."""
        if self.asked and cost_centre and not re.fullmatch(self.pattern, cost_centre):
            return _("This is not one of our cost centres. Check how it is written")
        if self.includes(email) and not cost_centre:
            return _("Enter the cost centre that pays for the visit")
        return None


class ContactForm(FlaskForm):  # type: ignore[misc]
    """Who asks, and who else there is: the person at the door, the one who pays."""

    name = text(_("Full name"), 120, required=_("Enter your full name"))
    phone = text(_("Mobile number"), 32)
    email = email_text(_("Email"))
    site_name = text(_("Name of the person at the address"), 120)
    site_phone = text(_("Their mobile number"), 32)
    payer_name = text(_("Name of the person or company that pays"), 120)
    payer_email = email_text(_("Their email"))
    payer_address = text(_("Address for the invoice"), 300)
    payer_reference = text(_("Their reference, such as an order number"), 80)
    approver_email = email_text(_("Email of the person who has to agree first"))
    cost_centre = text(_("Cost centre"), 40)

    def __init__(
        self,
        *args: Any,
        country: str,
        internal: Internal | None = None,
        calls_back: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.dialling, self.calls_back = Phone(country), calls_back
        self.internal = internal or Internal()

    def validate_phone(self, field: Field) -> None:
        """A number that can be dialled."""
        if field.data and self.dialling.parse(field.data) is None:
            raise ValidationError(_("Enter a phone number, like 410 555 0187"))

    validate_site_phone = validate_phone

    def validate(self, extra_validators: Any = None) -> bool:
        """Also ask for one way at least to reach the customer, and for whole contacts."""
        valid: bool = super().validate(extra_validators)
        missing = []
        if self.calls_back and not (self.phone.data or self.site_phone.data):
            missing.append((self.phone, _("Enter the phone number that we call")))
        elif not (self.phone.data or self.email.data):
            missing.append((self.phone, _("Enter a mobile number or an email address")))
        if self.site_phone.data and not self.site_name.data:
            missing.append((self.site_name, _("Enter the name of the person at the address")))
        if self.of_the_payer and not self.payer_name.data:
            missing.append((self.payer_name, _("Enter the name of the person or company that pays")))
        if self.approver and self.approver.lower() == self.requester.email.lower():
            missing.append((self.approver_email, _("Enter the email of somebody else than yourself")))
        if (fault := self.internal.fault(self.requester.email, self.cost_centre.data)) is not None:
            missing.append((self.cost_centre, fault))
        return _add_errors(missing) and valid

    @property
    def of_the_payer(self) -> bool:
        """Whether anything is said about the payer but a name."""
        return bool(self.payer_email.data or self.payer_address.data or self.payer_reference.data)

    @property
    def says_more(self) -> bool:
        """Whether the part about other people has something to show."""
        parts = [field for field in self if field.name.startswith(("site_", "payer_", "approver_"))]
        return any(field.data or field.errors for field in parts)

    @property
    def approver(self) -> str:
        """Whom to ask before anything is promised; empty when nobody has to agree."""
        return tidy_address(self.approver_email.data) if self.approver_email.data else ""

    @property
    def requester(self) -> Contact:
        """Who asks."""
        return Contact(
            name=self.name.data, email=tidy_address(self.email.data), phone=self._number(self.phone.data)
        )

    @property
    def site_contact(self) -> Contact | None:
        """Who lets the technician in, when that is somebody else."""
        if not self.site_name.data:
            return None
        return Contact(name=self.site_name.data, phone=self._number(self.site_phone.data))

    @property
    def payer(self) -> Contact | None:
        """Who pays, when that is somebody else."""
        if not self.payer_name.data:
            return None
        return Contact(
            name=self.payer_name.data,
            email=tidy_address(self.payer_email.data),
            address=self.payer_address.data,
            reference=self.payer_reference.data,
        )

    @property
    def typed(self) -> dict[str, str]:
        """What was typed, to be shown again."""
        return {field.name: field.data for field in self if field.type == "StringField" and field.data}

    def _number(self, typed: str) -> str:
        return (self.dialling.parse(typed) or "") if typed else ""


def tidy_address(typed: str) -> str:
    """One spelling of an e-mail address; the part before the @ stays as it was typed."""
    local, at, domain = typed.rpartition("@")
    return f"{local}{at}{domain.lower()}"


class CancelForm(FlaskForm):  # type: ignore[misc]
    """Why the customer cancels, if they want to say; `fee` is what the page said that it costs."""

    reason = long_text(_("Why do you cancel?"), 500)
    fee = HiddenField(validators=[Length(max=200)])


def start_in(typed: str) -> datetime | None:
    """The start of a window as a page wrote it; None for anything else."""
    try:
        starts_at = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return starts_at if starts_at.tzinfo is not None and 2000 <= starts_at.year <= 2200 else None
