"""The forms with which a company is set up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from typing import Any
from zoneinfo import available_timezones

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    FloatField,
    HiddenField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TimeField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from fieldservice import auth, plan_words
from fieldservice.auth import passwords, refusals
from fieldservice.geo.geocoding import GeocodingChain
from fieldservice.geo.types import Coordinates
from fieldservice.models import Skill
from fieldservice.office.setup import Hours
from fieldservice.office.starters import TRADES
from fieldservice.typed import Phone, Readable, WholeNumber, cards, tidy

_LONGEST_TEXT = 120
_LONGEST_RADIUS_KM = 500
_NOT_FOUND = _l("This address was not found. Check it, or enter its latitude and longitude")


def text_field(label: Any, message: Any = None, longest: int = _LONGEST_TEXT) -> StringField:
    """A line of text; with a message it must not be empty."""
    required = DataRequired(message) if message else Optional()
    too_long = _l("Write at most %(most)d characters", most=longest)
    return StringField(
        label, filters=[tidy], validators=[required, Length(max=longest, message=too_long), Readable()]
    )


def clock_field(label: Any) -> TimeField:
    """A time of the day."""
    required = InputRequired(_l("Enter a time such as 08:00"))
    return TimeField(label, format=["%H:%M", "%H:%M:%S"], validators=[required])


class OfficeForm(FlaskForm):  # type: ignore[misc]
    """What every change of the office carries."""

    idempotency_key = HiddenField(validators=[InputRequired(), Length(min=8, max=64)])


class AccountFields(FlaskForm):  # type: ignore[misc]
    """With what somebody signs in."""

    def refuse(self, error: auth.UserRefused) -> None:
        """Show why an account was refused at the field that it is about."""
        for kind, name, words in _REFUSALS:
            if isinstance(error, kind):
                self[name].errors = [words]
                return
        raise error


_REFUSALS: tuple[tuple[type[auth.UserRefused], str, Any], ...] = (
    (refusals.NameInvalid, "name", _l("Enter a name of at most 120 characters")),
    (refusals.EmailInvalid, "email", _l("Enter an e-mail address such as name@example.com")),
    (refusals.EmailTaken, "email", _l("Somebody else signs in with this address")),
    (refusals.PasswordTooShort, "password", _l("Choose a password of at least 8 characters")),
    (refusals.PasswordTooLong, "password", _l("Choose a password of at most 128 characters")),
    (refusals.PasswordTooCommon, "password", _l("Anybody would try this password first; choose another")),
)


class FirstForm(AccountFields):
    """The first administrator."""

    name = text_field(_l("Your name"), _l("Enter your name"))
    email = EmailField(
        _l("E-mail address"), validators=[InputRequired(_l("Enter your e-mail address")), Length(max=254)]
    )
    password = PasswordField(
        _l("Password"), validators=[InputRequired(_l("Choose a password")), Length(max=passwords.LONGEST)]
    )


class PlaceFields(OfficeForm):
    """Where something is: an address that the map knows, or coordinates."""

    address = text_field(_l("Address"), longest=300)
    latitude = FloatField(
        _l("Latitude"),
        validators=[Optional(), NumberRange(min=-90, max=90, message=_l("Enter a number from -90 to 90"))],
    )
    longitude = FloatField(
        _l("Longitude"),
        validators=[
            Optional(),
            NumberRange(min=-180, max=180, message=_l("Enter a number from -180 to 180")),
        ],
    )

    def place(self, geocoding: GeocodingChain, default: Coordinates | None = None) -> Coordinates | None:
        """The place of a valid form; None leaves the fault at its field. `default`: for nothing typed."""
        if self.latitude.data is not None and self.longitude.data is not None:
            return Coordinates(self.latitude.data, self.longitude.data)
        if self.latitude.data is not None or self.longitude.data is not None:
            missing = self.longitude if self.longitude.data is None else self.latitude
            missing.errors = [_l("Enter both, latitude and longitude")]
            return None
        if not self.address.data and default is not None:
            return default
        found = geocoding.locate(self.address.data) if self.address.data else None
        if found is None:
            self.address.errors = [_NOT_FOUND if self.address.data else _l("Enter an address")]
            return None
        return found.coordinates


class AreaForm(PlaceFields):
    """An area where the company works."""

    territory = text_field(_l("Name of the area"), _l("Enter a name, such as the town"))
    time_zone = SelectField(_l("Time zone"), choices=[], validators=[InputRequired(_l("Choose a time zone"))])
    radius_km = WholeNumber(
        _l("How far you drive from there, in km"),
        validators=[
            InputRequired(_l("Enter a number of kilometres")),
            NumberRange(
                min=1,
                max=_LONGEST_RADIUS_KM,
                message=_l("Enter a number from 1 to %(most)d", most=_LONGEST_RADIUS_KM),
            ),
        ],
    )
    working_days = SelectMultipleField(_l("Working days"), choices=[])
    holidays = text_field(_l("Country of public holidays"), longest=16)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(name, name.replace("_", " ")) for name in sorted(available_timezones())]
        self.time_zone.choices = cards([("", _l("Choose a time zone")), *zones])
        self.working_days.choices = cards(plan_words.weekday_choices())

    def validate_working_days(self, field: Field) -> None:
        """Somebody works some day."""
        if not field.data:
            raise ValidationError(_l("Choose at least one day"))

    def validate_holidays(self, field: Field) -> None:
        """A country, with a part of it after a hyphen, whose holidays are known."""
        import holidays  # a large package

        country, _hyphen, part = (field.data or "").partition("-")
        known = holidays.list_supported_countries()
        if field.data and (country not in known or (part and part not in known[country])):
            raise ValidationError(_l("Enter a country such as US, or with a part of it such as US-MD"))


class CompanyForm(AreaForm):
    """The company and the first area where it works."""

    company = text_field(_l("Company name"), _l("Enter the name of the company"))
    phone = text_field(_l("Telephone"), _l("Enter the number that customers may call"), 32)

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._country = country

    def validate_phone(self, field: Field) -> None:
        """Customers' phones dial what is written there."""
        if Phone(self._country).parse(field.data or "") is None:
            raise ValidationError(_l("Enter a telephone number with its area code"))


class ServicesForm(OfficeForm):
    """The trades whose services a company begins with."""

    trades = SelectMultipleField(
        _l("What do you do?"),
        choices=cards(
            [
                ("heating", _l("Heating and hot water")),
                ("appliances", _l("Household appliances")),
                ("it", _l("IT consulting")),
            ]
        ),
    )

    def validate_trades(self, field: Field) -> None:
        """At least one, of those that there are."""
        if not set(field.data or ()) & set(TRADES):
            raise ValidationError(_l("Choose at least one"))


class PersonFields(PlaceFields):
    """Who somebody of the company is, and where they live; `country` is the company's."""

    name = text_field(_l("Name"), _l("Enter a name"))
    phone = text_field(_l("Telephone"), longest=32)

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._country = country

    def validate_phone(self, field: Field) -> None:
        """Empty, or a number that can be dialled; kept in international form."""
        if not field.data:
            return
        field.data = Phone(self._country).parse(field.data)
        if field.data is None:
            raise ValidationError(_l("Enter a telephone number with its area code"))


class TechnicianForm(AccountFields, PersonFields):
    """Somebody who makes visits, and with what they sign in."""

    email = EmailField(_l("E-mail address"), validators=[Optional(), Length(max=254)])
    password = PasswordField(_l("First password"), validators=[Optional(), Length(max=passwords.LONGEST)])
    skills = SelectMultipleField(_l("Skills"), choices=[])
    weekdays = SelectMultipleField(_l("Works on"), choices=[])
    starts = clock_field(_l("From"))
    ends = clock_field(_l("Until"))
    lunch = BooleanField(_l("A break of half an hour around noon"))

    def __init__(self, *args: Any, skills: Iterable[Skill], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.skills.choices = cards((skill.code, skill.name) for skill in skills)
        self.weekdays.choices = cards(plan_words.weekday_choices())

    def validate_weekdays(self, field: Field) -> None:
        """Somebody who never works is no help."""
        if not field.data:
            raise ValidationError(_l("Choose at least one day"))

    def validate_ends(self, field: Field) -> None:
        """The day ends after it began."""
        starts: time | None = self.starts.data
        if field.data is not None and starts is not None and field.data <= starts:
            raise ValidationError(_l("Enter a time after the one at which work begins"))

    def validate(self, extra_validators: Any = None) -> bool:
        """An account needs both of its parts, even where nothing was typed."""
        valid = bool(super().validate(extra_validators))
        if self.email.data and not self.password.data:
            self.password.errors = [_l("Choose a password")]
            return False
        return valid

    @property
    def hours(self) -> Hours:
        """The usual hours of a valid form."""
        days = "".join(sorted(set(self.weekdays.data)))
        return Hours(days, self.starts.data, self.ends.data, self.lunch.data)
