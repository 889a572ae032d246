"""Forms about what was done at a visit: the checklist with notes and parts, a photo, a signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional, Regexp

from fieldservice.field import checklist
from fieldservice.field.checklist import Item
from fieldservice.field.forms import OutboxForm
from fieldservice.language import written
from fieldservice.models import CheckKind, VanPart, VisitReport
from fieldservice.typed import Readable, WholeNumber, cards, tidy

MOST_USED = 999
NEXT = ("save", "sign")


class ReportForm(OutboxForm):
    """Notes, and by `form_for` the checklist of a visit and the parts of a van as well."""

    notes = TextAreaField(
        _l("Notes"),
        filters=[tidy],
        validators=[Length(max=2000, message=_l("Write at most 2000 characters.")), Readable(lines=True)],
    )
    next = StringField(validators=[Optional(), AnyOf(NEXT)])

    checks: Mapping[str, str] = {}
    used: Mapping[str, str] = {}

    @property
    def answers(self) -> dict[str, Any]:
        """What was answered, by the key of its item; what was left out is not in it."""
        found = {key: self[name].data for key, name in self.checks.items()}
        return {
            key: answer for key, answer in found.items() if answer is not False and answer not in ("", None)
        }

    @property
    def parts(self) -> dict[str, int]:
        """How many of each part were used."""
        return {part: self[name].data or 0 for part, name in self.used.items()}


def form_for(
    items: Sequence[Item], stock: Sequence[VanPart], report: VisitReport | None, *, fill: bool
) -> ReportForm:
    """The form for a visit's checklist and a van's parts; `fill` shows what was said before."""
    fields: dict[str, Any] = {f"check-{item.key}": _field(item) for item in items if not item.is_photo}
    limits = [Optional(), NumberRange(0, MOST_USED, _l("Enter a number from 0 to 999."))]
    for part in stock:
        fields[f"part-{part.id}"] = WholeNumber(part.name, validators=limits)
    names = {
        "checks": {item.key: f"check-{item.key}" for item in items if not item.is_photo},
        "used": {part.name: f"part-{part.id}" for part in stock},
    }
    form: ReportForm = type("VisitForm", (ReportForm,), {**fields, **names})()
    if report is not None and fill:
        form.notes.process_data(report.notes)
        for key, name in form.checks.items():
            form[name].process_data(report.checks.get(key, {}).get("answer"))
        for part in stock:
            form[f"part-{part.id}"].process_data(report.by_van.get(part.technician_id, {}).get(part.name))
    return form


def _field(item: Item) -> Any:
    row, label = item.row, written(item.label, item.service)
    words = {"description": written(row.hint, item.service)}
    if row.kind == CheckKind.TICK:
        return BooleanField(label, **words)
    if row.kind == CheckKind.NUMBER:
        low, high = row.least, row.most
        message = _limits(low, high)
        return WholeNumber(label, validators=[Optional(), NumberRange(low, high, message)], **words)
    if row.kind == CheckKind.CHOICE:
        choices = cards((option, written(option, item.service)) for option in row.options)
        return RadioField(label, choices=choices, validators=[Optional()], **words)
    text = [Length(max=500, message=_l("Write at most 500 characters.")), Readable()]
    return StringField(label, filters=[tidy], validators=text, **words)


def _limits(low: int | None, high: int | None) -> Any:
    if low is None:
        return _l("Enter a whole number of at most %(high)d.", high=high) if high is not None else None
    if high is None:
        return _l("Enter a whole number of at least %(low)d.", low=low)
    return _l("Enter a whole number from %(low)d to %(high)d.", low=low, high=high)


class WorkPhotoForm(OutboxForm):
    """A photo of the work: before, after, for an item of the checklist, or of why it cannot be done."""

    about = StringField(validators=[InputRequired(), AnyOf(checklist.PHOTOS)])
    item = HiddenField(validators=[Length(max=101), Readable()])
    sha256 = StringField(validators=[Optional(), Regexp(r"\A[0-9a-f]{64}\Z")])


class SignatureForm(OutboxForm):
    """Who signs; a drawn signature comes along as a file."""

    name = StringField(
        _l("Name of who signs"),
        filters=[tidy],
        validators=[
            InputRequired(_l("Enter the name of who signs.")),
            Length(max=120, message=_l("Write at most 120 characters.")),
            Readable(),
        ],
    )
    sha256 = StringField(validators=[Optional(), Regexp(r"\A[0-9a-f]{64}\Z")])
