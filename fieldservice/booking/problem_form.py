"""The first screen's form: a service, its questions as the office wrote them, the customer's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, SelectMultipleField, StringField, ValidationError
from wtforms.validators import Length, Optional

from fieldservice.attachments.service import Label
from fieldservice.attachments.uploads import FIELD, Labels
from fieldservice.booking import drafts
from fieldservice.booking.forms import Readable, cards, long_text, radio, text, tidy
from fieldservice.booking.returning_forms import reach_field
from fieldservice.language import written
from fieldservice.models import IntakeQuestion, QuestionKind, Service
from fieldservice.models.catalogue import NO, YES

_FURTHEST = 1_000_000  # what a number may be when the office set no bounds
_EMPTY: tuple[Any, ...] = (None, "", [])


class NumberField(StringField):  # type: ignore[misc]
    """A line for a number: what was typed stays as it is when it is none."""


class PhotoField(Field):  # type: ignore[misc]
    """Photos that answer a question. They are files of the booking, and no part of the form's answers."""

    def process_data(self, value: Any) -> None:
        """There is nothing to show again: a browser keeps no files."""
        self.data = None

    def process_formdata(self, valuelist: list[Any]) -> None:
        """What was sent is received with the other files of the form."""


class WholeNumber:
    """Accepts a whole number within the bounds of its question."""

    def __init__(self, question: IntakeQuestion) -> None:
        self.least = -_FURTHEST if question.least is None else question.least
        self.most = _FURTHEST if question.most is None else question.most

    def __call__(self, form: FlaskForm, field: Field) -> None:
        """Raise ValidationError for anything else."""
        number = number_in(field.data)
        if number is None:
            raise ValidationError(_("Enter a whole number, like 12"))
        if not self.least <= number <= self.most:
            bounds = {"least": self.least, "most": self.most}
            raise ValidationError(_("Enter a number from %(least)d to %(most)d", **bounds))


def number_in(typed: str) -> int | None:
    """The whole number that was typed; None when it is none."""
    digits = typed.removeprefix("-")
    return int(typed) if digits.isascii() and digits.isdecimal() and len(digits) <= 9 else None


class ProblemForm(FlaskForm):  # type: ignore[misc]
    """What needs fixing. `for_services` adds the choice of service and every service's questions.

    The button `check_first` asks for the first checks of the service that it names; the rest of the form may
    wait until they are through. `draft` is the token that the draft will have: the page may send files before
    the draft has begun.
    """

    draft = HiddenField()
    problem = long_text(_("Tell us more"), 2000)
    check_first = StringField(validators=[Optional(), Length(max=40), Readable()], filters=[tidy])

    asked: ClassVar[Mapping[str, Sequence[tuple[IntakeQuestion, str]]]] = {}

    @classmethod
    def for_services(cls, services: Sequence[Service], *, known_in: str = "") -> type[ProblemForm]:
        """The form of a catalogue; questions are named after their service, so that all fit in one form.

        `known_in`, a country, adds the line for customers who booked before.
        """
        fields: dict[str, Any] = {
            "service": radio(
                _("What needs fixing?"),
                [(service.code, written(service.name, service)) for service in services],
                required=_("Choose what needs fixing"),
            ),
            "asked": {
                service.code: [(q, f"about-{service.code}-{q.code}") for q in service.intake_questions]
                for service in services
            },
        }
        for service in services:
            for question, name in fields["asked"][service.code]:
                fields[name] = _question_field(question, service)
        if known_in:
            fields["known"] = reach_field(_("Your email or mobile number"), known_in, required=False)
        return type("CatalogueForm", (cls,), fields)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not drafts.is_token(self.draft.data or ""):
            self.draft.data = drafts.new_token()
        if self.check_first.data in self.asked:
            self["service"].data = self.check_first.data
            self["service"].raw_data = [self.check_first.data]

    @property
    def code(self) -> str:
        """The code of the chosen service; empty without one."""
        code = self["service"].data
        return code if code in self.asked else ""

    @property
    def says_known(self) -> str:
        """How the customer says that we know them; empty when they do not."""
        return str(self["known"].data) if "known" in self else ""

    @property
    def wants_checks(self) -> bool:
        """Whether the customer wants to try the first checks before booking."""
        return bool(self.check_first.data) and self.check_first.data == self.code

    def questions_of(self, code: str) -> list[tuple[IntakeQuestion, Field]]:
        """One service's questions with their fields."""
        return [(question, self[name]) for question, name in self.asked.get(code, ())]

    @classmethod
    def file_labels(cls) -> Labels:
        """What the files of the form show, by the names of their fields."""
        photos = {
            name: Label(name="", caption=question.label, question=question.code)
            for questions in cls.asked.values()
            for question, name in questions
            if question.kind == QuestionKind.PHOTO
        }
        return {**photos, FIELD: Label(name="")}

    def answers_of(self, code: str) -> dict[str, Any]:
        """The answers to one service's questions, by question code, without those left open."""
        return {
            question.code: number_in(self[name].data)
            if question.kind == QuestionKind.NUMBER
            else self[name].data
            for question, name in self.asked.get(code, ())
            if self[name].data not in _EMPTY
        }

    @classmethod
    def data_of(cls, code: str, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Stored answers to one service's questions, under the names that their fields have in the form."""
        return {
            name: answers[question.code]
            if question.kind == QuestionKind.CHIPS
            else str(answers[question.code])
            for question, name in cls.asked.get(code, ())
            if question.code in answers
        }

    def validate(self, extra_validators: Any = None) -> bool:
        """Also ask for what the chosen service has to know; the questions of other services do not count."""
        super().validate(extra_validators)
        if self.says_known and not self["service"].data:
            self["service"].errors = ()  # what they had before is picked for them
        for code, questions in self.asked.items():
            for question, name in questions:
                if code != self.code:
                    self[name].errors = ()
                elif question.required and self[name].data in _EMPTY and not self.wants_checks:
                    self[name].errors = [
                        _("Answer this question: %(question)s", question=self[name].label.text)
                    ]
        return not self.errors


def _question_field(question: IntakeQuestion, service: Service) -> Field:
    label, hint, unit = (written(text, service) for text in (question.label, question.hint, question.unit))
    options = [(option.code, written(option.label, service)) for option in question.options]
    match question.kind:
        case QuestionKind.CHIPS:
            return SelectMultipleField(label, choices=cards(options), description=hint)
        case QuestionKind.CHOICE:
            return radio(label, options, hint=hint)
        case QuestionKind.YES_NO:
            return radio(label, [(YES, _("Yes")), (NO, _("No"))], hint=hint)
        case QuestionKind.NUMBER:
            hint = hint or (_("In %(unit)s", unit=unit) if unit else "")
            validators = [Optional(), WholeNumber(question)]
            return NumberField(label, validators=validators, filters=[tidy], description=hint)
        case QuestionKind.PHOTO:
            return PhotoField(label, description=hint)
        case _:
            return text(label, 200, description=hint)
