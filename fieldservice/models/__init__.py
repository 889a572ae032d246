"""The domain: plain SQLAlchemy classes; what a row may do lives on it."""

from fieldservice.db import Base
from fieldservice.models.booking import BookingDraft, PrivateLink
from fieldservice.models.customer import ContactRole, Customer, OfficeTask, Role, Site
from fieldservice.models.message import Job, JobState, MessageState, OutboxMessage
from fieldservice.models.plan import Hold, Pin, Plan, PlanChange, Proposal, Route, Stop, StopKind
from fieldservice.models.service import Place, Service, ServiceSkill
from fieldservice.models.user import AuditEntry, IdempotencyKey, User, UserRole, UserSession
from fieldservice.models.visit import (
    NotAllowed,
    Visit,
    VisitEvent,
    VisitState,
    Window,
    WorkOrder,
)
from fieldservice.models.waiting import AreaWish, OfferState, WaitingEntry, WaitingOffer, WaitingState
from fieldservice.models.workforce import (
    Absence,
    Branch,
    BreakRule,
    ShiftOverride,
    ShiftPattern,
    Skill,
    Technician,
    TechnicianSkill,
    Territory,
    WorkingDay,
)

__all__ = [
    "Absence",
    "AreaWish",
    "AuditEntry",
    "Base",
    "BookingDraft",
    "Branch",
    "BreakRule",
    "ContactRole",
    "Customer",
    "Hold",
    "IdempotencyKey",
    "Job",
    "JobState",
    "MessageState",
    "NotAllowed",
    "OfferState",
    "OfficeTask",
    "OutboxMessage",
    "Pin",
    "Place",
    "Plan",
    "PlanChange",
    "PrivateLink",
    "Proposal",
    "Role",
    "Route",
    "Service",
    "ServiceSkill",
    "ShiftOverride",
    "ShiftPattern",
    "Site",
    "Skill",
    "Stop",
    "StopKind",
    "Technician",
    "TechnicianSkill",
    "Territory",
    "User",
    "UserRole",
    "UserSession",
    "Visit",
    "VisitEvent",
    "VisitState",
    "WaitingEntry",
    "WaitingOffer",
    "WaitingState",
    "Window",
    "WorkOrder",
    "WorkingDay",
]
