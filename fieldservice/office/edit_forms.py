"""The forms with which the office changes services, technicians, areas and accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Self

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    HiddenField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    TextAreaField,
    TimeField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp
from wtforms.widgets import HiddenInput

from fieldservice import plan_words
from fieldservice.auth import passwords
from fieldservice.geo.types import Coordinates
from fieldservice.models import Place, Service, Skill, Technician, Territory, UserRole
from fieldservice.models.service import MOST_TOGETHER
from fieldservice.office.forms import (
    AccountFields,
    AreaForm,
    OfficeForm,
    PersonFields,
    PlaceFields,
    text_field,
)
from fieldservice.office.people import Held, Likeness, Shift, Week
from fieldservice.office.words import PLACES, ROLES
from fieldservice.typed import DayField, Readable, WholeNumber, cards, tidy

_LEVELS = 5
_DAY_MINUTES = 24 * 60
_SKILL = "skill_"
_UNTIL = "until_"
_STARTS, _ENDS = "starts_", "ends_"


def whole(label: Any, least: int, most: int, *, needed: bool = True) -> WholeNumber:
    """A whole number from `least` to `most`."""
    wanted = _l("Enter a whole number from %(least)d to %(most)d", least=least, most=most)
    required = InputRequired(wanted) if needed else Optional()
    return WholeNumber(label, validators=[required, NumberRange(min=least, max=most, message=wanted)])


class RowForm(OfficeForm):
    """A change of one row: the version of it that the page showed, and whether others may be affected."""

    version = WholeNumber(widget=HiddenInput(), validators=[Optional()])
    sure = BooleanField(_l("Change it all the same"))

    @property
    def seen(self) -> int:
        """The version that the page was opened with."""
        return self.version.data or 0

    @property
    def levels(self) -> dict[int, int]:
        """The level of each skill that has one."""
        fields = [field for field in self if field.name.startswith(_SKILL)]
        return {int(field.name.removeprefix(_SKILL)): field.data for field in fields if field.data}

    @classmethod
    def with_skills(cls, skills: Iterable[Skill], **more: Any) -> type[Self]:
        """The form with a level for each skill, and other fields by name."""
        levels = {f"{_SKILL}{each.id}": whole(each.name, 0, _LEVELS, needed=False) for each in skills}
        return type(cls.__name__, (cls,), {**levels, **more})


class ServiceForm(RowForm):
    """What a service is, how long it takes, and which windows are offered for it."""

    code = text_field(_l("Code"), _l("Enter a short code, such as heating"), 40)
    name = text_field(_l("Name"), _l("Enter a name"))
    description = TextAreaField(
        _l("Description"),
        filters=[tidy],
        validators=[Length(max=1000, message=_l("Write at most 1000 characters")), Readable(lines=True)],
    )
    place = SelectField(_l("Where"), choices=[], validators=[InputRequired()])
    branch = SelectField(_l("Branch"), choices=[])
    duration = whole(_l("Work, in minutes"), 1, _DAY_MINUTES)
    call_link = text_field(_l("Link of a video visit"), longest=300)
    crew = whole(_l("Technicians who make it together"), 1, MOST_TOGETHER)
    setup = whole(_l("Before it, in minutes"), 0, _DAY_MINUTES)
    cleanup = whole(_l("After it, in minutes"), 0, _DAY_MINUTES)
    window_length = whole(_l("Length of an arrival window, in minutes"), 15, _DAY_MINUTES)
    lead_time = whole(_l("Shortest notice, in hours"), 0, 24 * 60)
    horizon_days = whole(_l("How many days ahead can be booked"), 1, 365)
    working_days = SelectMultipleField(_l("Days on which it is offered"), choices=[])
    max_per_day = whole(_l("At most so many a day in one area"), 1, 10_000, needed=False)
    reschedule_cutoff = whole(_l("Can be changed online until so many hours before"), 0, 24 * 60)
    cancel_cutoff = whole(_l("Can be cancelled for nothing until so many hours before"), 0, 24 * 60)
    late_fee = text_field(_l("What a late cancellation costs"), longest=200)
    price_text = text_field(_l("Price"), longest=200)
    price_note = text_field(_l("Note on the price"), longest=300)
    priority = whole(_l("Priority, higher goes first"), 1, 1000)
    position = whole(_l("Place in the list of services"), 0, 10_000)
    active = BooleanField(_l("Can be booked"))

    def __init__(self, *args: Any, branches: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.place.choices = cards(PLACES.items())
        self.branch.choices = cards([("", _l("None")), *branches])
        self.working_days.choices = cards(plan_words.weekday_choices())

    def validate_code(self, field: Field) -> None:
        """A part of addresses."""
        Regexp(r"^[a-z0-9][a-z0-9_-]*$", message=_l("Use small letters, digits, - and _"))(self, field)

    def validate_call_link(self, field: Field) -> None:
        """Customers follow it from their messages."""
        if field.data and not field.data.startswith("https://"):
            raise ValidationError(_l("Enter an address that begins with https://"))

    def validate_working_days(self, field: Field) -> None:
        """Something that is never offered is switched off instead."""
        if not field.data:
            raise ValidationError(_l("Choose at least one day"))

    def validate(self, extra_validators: Any = None) -> bool:
        """What happens at a branch has one."""
        valid = bool(super().validate(extra_validators))
        if self.place.data == Place.AT_BRANCH and not self.branch.data:
            self.branch.errors = [_l("Choose the branch to which customers come")]
            return False
        return valid

    @staticmethod
    def known(service: Service) -> dict[str, Any]:
        """What is stored, to start from."""
        shown = {name: getattr(service, name) for name in (*_SAME, "code", "version")}
        shown |= {name: _minutes(getattr(service, name)) for name in _MINUTES}
        shown |= {name: _minutes(getattr(service, name)) // 60 for name in _HOURS}
        shown |= {f"skill_{needed.skill_id}": needed.level for needed in service.skills}
        branch = str(service.branch_id or "")
        return {**shown, "working_days": list(service.working_days), "branch": branch}

    @property
    def values(self) -> dict[str, Any]:
        """Columns of the service."""
        found = {name: self[name].data for name in _SAME if name in self}
        found |= {name: timedelta(minutes=self[name].data) for name in _MINUTES}
        found |= {name: timedelta(hours=self[name].data) for name in _HOURS}
        found["working_days"] = "".join(sorted(set(self.working_days.data)))
        found["branch_id"] = int(self.branch.data) if self.branch.data else None
        return found


_SAME = (
    "name",
    "description",
    "place",
    "call_link",
    "crew",
    "horizon_days",
    "max_per_day",
    "late_fee",
    "price_text",
    "price_note",
    "priority",
    "position",
    "active",
)
_MINUTES = ("duration", "setup", "cleanup", "window_length")
_HOURS = ("lead_time", "reschedule_cutoff", "cancel_cutoff")


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def _are_hours(starts: Field, ends: Field) -> bool:
    """Whether two times are hours of work, or none; a fault stays at its field."""
    if (starts.data is None) != (ends.data is None):
        (starts if starts.data is None else ends).errors = [_l("Enter both times, or none for a day off")]
        return False
    if starts.data is not None and ends.data <= starts.data:
        ends.errors = [_l("Enter a time after the one at which work begins")]
        return False
    return True


class PersonForm(RowForm, PersonFields):
    """Who a technician is, what they can do until when, and when they usually work."""

    territory = SelectField(_l("Area"), choices=[], validators=[InputRequired()])
    account = SelectField(_l("Signs in as"), choices=[])
    from_on = DayField(_l("These hours count from"), validators=[InputRequired(_l("Choose a day"))])
    active = BooleanField(_l("Makes visits"))

    def __init__(
        self,
        *args: Any,
        territories: Iterable[tuple[str, str]],
        accounts: Iterable[tuple[str, str]],
        today: date,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        self.territory.choices = cards(territories)
        self.account.choices = cards([("", _l("No account")), *accounts])

    @classmethod
    def of(cls, skills: Iterable[Skill]) -> type[Self]:
        """The form with a level and an end for each skill, and hours for each weekday."""
        known = list(skills)
        ends = {f"{_UNTIL}{each.id}": DayField(each.name, validators=[Optional()]) for each in known}
        hours = {
            f"{which}{day}": TimeField(words, format=["%H:%M", "%H:%M:%S"], validators=[Optional()])
            for day in range(7)
            for which, words in ((_STARTS, _l("From")), (_ENDS, _l("Until")))
        }
        return cls.with_skills(known, **ends, **hours)

    def validate_from_on(self, field: Field) -> None:
        """What was worked stays as it was."""
        if field.data is not None and field.data < self._today:
            raise ValidationError(_l("Choose today or a day after it"))

    def validate(self, extra_validators: Any = None) -> bool:
        """A day has both of its times, the second after the first."""
        valid = bool(super().validate(extra_validators))
        for day in range(7):
            starts, ends = self[f"{_STARTS}{day}"], self[f"{_ENDS}{day}"]
            if not starts.errors and not ends.errors and not _are_hours(starts, ends):
                valid = False
        return valid

    @staticmethod
    def known(technician: Technician, week: Week) -> dict[str, Any]:
        """What is stored, to start from."""
        shown: dict[str, Any] = {name: getattr(technician, name) for name in ("name", "phone", "active")}
        shown |= {"address": technician.home_address, "version": technician.version}
        shown |= {"territory": str(technician.territory_id), "account": str(technician.user_id or "")}
        for held in technician.skills:
            shown |= {f"{_SKILL}{held.skill_id}": held.level, f"{_UNTIL}{held.skill_id}": held.expires_on}
        for day, shift in week.items():
            shown |= {f"{_STARTS}{day}": shift.starts, f"{_ENDS}{day}": shift.ends}
        return shown

    def likeness(self, home: Mapping[str, Any]) -> Likeness:
        """What a valid form says; `home` are the columns of where the first drive begins."""
        values = {name: self[name].data for name in ("name", "phone", "active")}
        values |= {
            "territory_id": int(self.territory.data),
            "user_id": int(self.account.data) if self.account.data else None,
            **home,
        }
        skills = {
            number: Held(level, self[f"{_UNTIL}{number}"].data) for number, level in self.levels.items()
        }
        return Likeness(values, skills, self._week, self.from_on.data)

    @property
    def _week(self) -> dict[int, Shift]:
        days = [(day, self[f"{_STARTS}{day}"].data, self[f"{_ENDS}{day}"].data) for day in range(7)]
        return {day: Shift(starts, ends) for day, starts, ends in days if starts is not None}


class ExceptionForm(RowForm):
    """One day on which somebody works other hours, or not at all."""

    on = DayField(_l("Day"), validators=[InputRequired(_l("Choose a day"))])
    starts = TimeField(_l("From"), format=["%H:%M", "%H:%M:%S"], validators=[Optional()])
    ends = TimeField(_l("Until"), format=["%H:%M", "%H:%M:%S"], validators=[Optional()])
    reason = text_field(_l("Reason"), longest=200)
    do = HiddenField(validators=[Optional(), Length(max=10)])

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today

    def validate_on(self, field: Field) -> None:
        """What was worked stays as it was."""
        if field.data is not None and field.data < self._today:
            raise ValidationError(_l("Choose today or a day after it"))

    def validate(self, extra_validators: Any = None) -> bool:
        """Both times, or none for a day off."""
        valid = bool(super().validate(extra_validators))
        if self.starts.errors or self.ends.errors:
            return False
        return _are_hours(self.starts, self.ends) and valid

    @property
    def shift(self) -> Shift | None:
        """The hours of a valid form; None for a day off."""
        return None if self.starts.data is None else Shift(self.starts.data, self.ends.data)


class AccountForm(RowForm, AccountFields):
    """Who signs in, and as what."""

    name = text_field(_l("Name"), _l("Enter a name"))
    email = EmailField(_l("E-mail address"), validators=[Optional(), Length(max=254)])
    role = SelectField(_l("Role"), choices=cards(ROLES.items()), validators=[InputRequired()])
    password = PasswordField(_l("New password"), validators=[Optional(), Length(max=passwords.LONGEST)])
    active = BooleanField(_l("May sign in"))

    @property
    def chosen(self) -> UserRole:
        """The role of a valid form."""
        return UserRole(self.role.data)


class TerritoryForm(RowForm, AreaForm):
    """Where an area is, and on which days somebody works there."""

    active = BooleanField(_l("Visits are offered here"))

    def __init__(self, *args: Any, radius_km: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._radius_km = radius_km

    @staticmethod
    def known(territory: Territory) -> dict[str, Any]:
        """What is stored, to start from."""
        return {
            "territory": territory.name,
            "radius_km": round(territory.radius_m / 1000),
            "working_days": list(territory.working_days),
            "holidays": territory.holidays,
            "active": territory.active,
        }

    def values(self, centre: Coordinates) -> dict[str, Any]:
        """Columns of the territory around a place."""
        found: dict[str, Any] = {"name": self.territory.data}
        if self.radius_km.data != self._radius_km:  # not rounded by being shown
            found["radius_m"] = self.radius_km.data * 1000
        found |= {"centre_lat": centre.lat, "centre_lon": centre.lon, "holidays": self.holidays.data}
        for name in ("time_zone", "active"):
            if name in self:
                found[name] = self[name].data
        return {**found, "working_days": "".join(sorted(set(self.working_days.data)))}


class BranchForm(PlaceFields):
    """A place of the company to which customers come."""

    branch = text_field(_l("Name of the branch"), _l("Enter a name"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in (self.address, self.latitude, self.longitude):  # the page has the area's as well
            field.id = f"branch-{field.name}"
