"""What goes in and out, in the words of the glossary; instants are UTC, days are of the territory."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from fieldservice.api.fields import AskedRow, Cursor, Day, Degrees, Instant, Row, Text, Word
from fieldservice.models import JobState, MessageState, VisitState
from fieldservice.planning.goals import Goal


class Problem(Schema):
    """Why a request was refused (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "What a program may decide on."})
    detail = fields.String(required=True, metadata={"description": "A sentence for a person."})
    errors = fields.Raw(metadata={"description": "Faults by the names of fields."})
    violations = fields.List(fields.String(), metadata={"description": "The rules that would be broken."})


class PageQuery(Schema):
    """One page of a list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    cursor = Cursor(load_default=0, metadata={"description": "`next` of the page before."})


class WindowSchema(Schema):
    """An arrival window."""

    starts_at = Instant(required=True)
    ends_at = Instant(required=True)

    @validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        """A window ends after it starts."""
        if data["starts_at"] >= data["ends_at"]:
            raise ValidationError("A window ends after it starts.", "ends_at")


# ---------- Services and slots ----------


class ServiceSchema(Schema):
    """Something that can be booked."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    place = fields.String(required=True)
    duration_minutes = fields.Integer(required=True)
    price_text = fields.String(required=True)
    questions = fields.List(fields.Dict(), required=True)


class ServicesSchema(Schema):
    """All that can be booked."""

    items = fields.List(fields.Nested(ServiceSchema), required=True)


class SlotQuery(Schema):
    """What windows are asked for."""

    service = Text(40, least=1, required=True)
    latitude = Degrees(90, required=True)
    longitude = Degrees(180, required=True)
    first_day = Day(metadata={"description": "Today without it."})
    days = fields.Integer(load_default=7, validate=validate.Range(1, 14))


class SlotSchema(Schema):
    """A window that can be kept now; it is not reserved."""

    starts_at = Instant(required=True)
    ends_at = Instant(required=True)
    estimated = fields.Boolean(required=True, metadata={"description": "Its travel times are estimates."})


class SlotsSchema(Schema):
    """The windows that can be kept now."""

    territory = fields.Integer(required=True)
    time_zone = fields.String(required=True)
    items = fields.List(fields.Nested(SlotSchema), required=True)


# ---------- Bookings and visits ----------


class ContactSchema(Schema):
    """A person and how to reach them; an e-mail address, a phone number or both."""

    name = Text(120, least=1, required=True)
    email = fields.Email(validate=validate.Length(max=254))
    phone = Text(32, load_default="")

    @validates_schema
    def can_be_reached(self, data: dict[str, Any], **_: Any) -> None:
        """Somebody who cannot be reached cannot be told anything."""
        if not data.get("email") and not data["phone"]:
            raise ValidationError("Send an e-mail address or a phone number.", "email")


class SiteSchema(Schema):
    """Where to come; without coordinates the address is looked up."""

    address = Text(200, least=1, required=True)
    unit = Text(60, load_default="")
    city = Text(100, load_default="")
    postcode = Text(16, load_default="")
    latitude = Degrees(90, load_default=None, allow_none=True)
    longitude = Degrees(180, load_default=None, allow_none=True)
    access_notes = Text(500, lines=True, load_default="")

    @validates_schema
    def whole(self, data: dict[str, Any], **_: Any) -> None:
        """Half a place is none."""
        if (data["latitude"] is None) != (data["longitude"] is None):
            raise ValidationError("Send both coordinates or none.", "latitude")


class BookingSchema(Schema):
    """A booking; without a window the office finds the time."""

    service = Text(40, least=1, required=True)
    window = fields.Nested(WindowSchema, load_default=None, allow_none=True)
    site = fields.Nested(SiteSchema, required=True)
    requester = fields.Nested(ContactSchema, required=True)
    problem = Text(2000, lines=True, load_default="")
    answers = fields.Dict(keys=Text(40), values=fields.Raw(), load_default=dict)


class PlannedSchema(Schema):
    """Who comes, and when by the present plan."""

    technician = fields.Integer(required=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)


class VisitSiteSchema(Schema):
    """Where a visit goes."""

    address = fields.String(required=True)
    unit = fields.String(required=True)
    city = fields.String(required=True)
    postcode = fields.String(required=True)
    latitude = fields.Float(required=True, allow_none=True)
    longitude = fields.Float(required=True, allow_none=True)


class PersonSchema(Schema):
    """Whom to ask."""

    name = fields.String(required=True)
    email = fields.String(required=True)
    phone = fields.String(required=True)


class VisitSchema(Schema):
    """One trip by one technician to one site."""

    id = fields.Integer(required=True)
    reference = fields.String(required=True)
    state = Word(VisitState, required=True)
    service = fields.String(required=True)
    title = fields.String(required=True)
    territory = fields.Integer(required=True)
    window = fields.Nested(WindowSchema, required=True, allow_none=True)
    planned = fields.Nested(PlannedSchema, required=True, allow_none=True)
    site = fields.Nested(VisitSiteSchema, required=True)
    requester = fields.Nested(PersonSchema, required=True, allow_none=True)
    problem = fields.String(required=True)
    duration_minutes = fields.Integer(required=True)
    fee = fields.String(required=True, metadata={"description": "What cancelling costs now, in words."})
    version = fields.Integer(required=True)
    created_at = Instant(required=True)


class VisitPage(Schema):
    """A page of visits."""

    items = fields.List(fields.Nested(VisitSchema), required=True)
    next = Cursor(required=True, allow_none=True)


class VisitQuery(PageQuery):
    """Which visits; `first_day` and `last_day` are of the promised window, in UTC."""

    territory = AskedRow()
    state = Word(VisitState)
    first_day = Day()
    last_day = Day()


class RescheduleSchema(Schema):
    """Another window, under the customer's cut-off."""

    window = fields.Nested(WindowSchema, required=True)


class CancelSchema(Schema):
    """The end of a visit, under the customer's cut-off; `fee` agrees to what it costs."""

    reason = Text(200, load_default="")
    fee = Text(200, load_default="")


class MoveSchema(Schema):
    """Where the office wants a visit; `confirmed` breaks rules that a person may break."""

    technician = Row(required=True)
    day = Day(required=True)
    starts_at = Instant(load_default=None, allow_none=True)
    plan_version = Row(required=True)
    confirmed = fields.Boolean(load_default=False)
    reason = Text(200, load_default="")


# ---------- Technicians, shifts, plans ----------


class TechnicianSchema(Schema):
    """Who makes visits; `skills` are levels by code."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    territory = fields.Integer(required=True)
    phone = fields.String(required=True)
    active = fields.Boolean(required=True)
    skills = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class TechnicianPage(Schema):
    """A page of technicians."""

    items = fields.List(fields.Nested(TechnicianSchema), required=True)
    next = Cursor(required=True, allow_none=True)


class TechnicianQuery(PageQuery):
    """Which technicians."""

    territory = AskedRow()


class ShiftQuery(Schema):
    """Whose shifts, from a day on."""

    territory = AskedRow(required=True)
    first_day = Day(required=True)
    days = fields.Integer(load_default=7, validate=validate.Range(1, 31))


class ShiftSchema(Schema):
    """One technician's working interval."""

    technician = fields.Integer(required=True)
    day = Day(required=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)


class ShiftsSchema(Schema):
    """Shifts, by day and technician."""

    items = fields.List(fields.Nested(ShiftSchema), required=True)


class StopSchema(Schema):
    """A visit, a break or a reserved window on a route."""

    kind = fields.String(required=True)
    visit = fields.Integer(required=True, allow_none=True)
    arrives_at = Instant(required=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)


class RouteSchema(Schema):
    """The stops of one technician."""

    technician = fields.Integer(required=True)
    stops = fields.List(fields.Nested(StopSchema), required=True)


class PlanSchema(Schema):
    """The plan of a territory's day."""

    territory = fields.Integer(required=True)
    day = Day(required=True)
    version = fields.Integer(required=True)
    dispatched_at = Instant(required=True, allow_none=True)
    routes = fields.List(fields.Nested(RouteSchema), required=True)
    unassigned = fields.List(fields.Integer(), required=True)


# ---------- Optimisation runs, messages ----------


class AskedRunSchema(Schema):
    """What the planner is asked for."""

    territory = Row(required=True)
    day = Day(required=True)
    goal = Word(Goal, load_default=Goal.BALANCED)


class ProposalSchema(Schema):
    """A plan that a run found."""

    id = fields.Integer(required=True)
    goal = fields.String(required=True)
    state = fields.String(required=True)
    visits_changed = fields.Integer(required=True)
    driving_before_s = fields.Integer(required=True)
    driving_after_s = fields.Integer(required=True)
    unassigned_before = fields.Integer(required=True)
    unassigned_after = fields.Integer(required=True)


class RunSchema(Schema):
    """One search for a better plan; `progress` are figures of the best one so far."""

    id = fields.Integer(required=True)
    territory = fields.Integer(required=True)
    day = Day(required=True)
    state = Word(JobState, required=True)
    progress = fields.Dict(required=True)
    proposals = fields.List(fields.Nested(ProposalSchema), required=True)
    created_at = Instant(required=True)
    finished_at = Instant(required=True, allow_none=True)


class AcceptSchema(Schema):
    """Which plan of the run."""

    proposal = Row(required=True)


class AdoptedSchema(Schema):
    """What became of a plan; left out is what somebody touched meanwhile."""

    adopted = fields.List(fields.Integer(), required=True)
    left_out = fields.List(fields.Integer(), required=True)


class NothingSchema(Schema):
    """No content of a request: what is wanted is in the address."""


class MessageSchema(Schema):
    """One message to a customer on one channel."""

    id = fields.Integer(required=True)
    visit = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True)
    channel = fields.String(required=True)
    recipient = fields.String(required=True)
    state = Word(MessageState, required=True)
    due_at = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)


class MessagePage(Schema):
    """A page of messages."""

    items = fields.List(fields.Nested(MessageSchema), required=True)
    next = Cursor(required=True, allow_none=True)


class MessageQuery(PageQuery):
    """Which messages."""

    visit = AskedRow()
    state = Word(MessageState)
