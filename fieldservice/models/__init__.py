"""The domain: plain SQLAlchemy classes; what a row may do lives on it."""

from fieldservice.db import Base
from fieldservice.models.aftercare import AccessCode, Consent, Feedback, FeedbackKind, Purpose
from fieldservice.models.api import ApiToken
from fieldservice.models.approval import Approval, ApprovalState
from fieldservice.models.asset import VisitAsset
from fieldservice.models.attachment import Attachment, ScanState
from fieldservice.models.booking import BookingDraft, PrivateLink
from fieldservice.models.canned_answer import CannedAnswer
from fieldservice.models.catalogue import (
    EffectKind,
    Ending,
    FaqEntry,
    IntakeEffect,
    IntakeOption,
    IntakeQuestion,
    QuestionKind,
    TroubleshootingResult,
    TroubleshootingStep,
)
from fieldservice.models.closing import CheckKind, ChecklistItem, VanPart, VisitReport
from fieldservice.models.company import CompanyProfile
from fieldservice.models.conversation import Author, Channel, Conversation, ConversationMessage
from fieldservice.models.customer import ContactRole, Customer, CustomerKind, OfficeTask, Role, Site
from fieldservice.models.guest import Guest
from fieldservice.models.hours import HoursCorrection, ShiftWish, WishKind, WishState
from fieldservice.models.inbound import InboundMessage, Outcome, TextStop, Unreachable
from fieldservice.models.kept import KeptDecision, KeptWork
from fieldservice.models.message import Job, JobState, MessageState, OutboxMessage
from fieldservice.models.message_text import MessageText
from fieldservice.models.needs import Needs
from fieldservice.models.phone import Navigation, PhoneChoice, RouteSeen
from fieldservice.models.plan import Hold, Pin, Plan, PlanChange, Presence, Proposal, Route, Stop, StopKind
from fieldservice.models.position import DrivePosition, PositionSharing
from fieldservice.models.push import PushDevice
from fieldservice.models.service import Place, Service, ServiceSkill, ServiceTranslation
from fieldservice.models.service_plan import Occurrence, OccurrenceState, PartOfDay, Renewal, ServicePlan
from fieldservice.models.user import AuditEntry, IdempotencyKey, User, UserRole, UserSession
from fieldservice.models.visit import NotAllowed, Visit, VisitState, Window
from fieldservice.models.visit_event import VisitEvent
from fieldservice.models.visit_link import VisitLink
from fieldservice.models.visitor import AbuseSign, CodePurpose, SpentPuzzle, VisitorCode
from fieldservice.models.waiting import (
    AreaWish,
    OfferState,
    WaitingEntry,
    WaitingOffer,
    WaitingState,
    WindowOffer,
)
from fieldservice.models.work_order import WorkOrder
from fieldservice.models.workforce import (
    Absence,
    AbsenceKind,
    Branch,
    BreakRule,
    NoShift,
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
    "AbuseSign",
    "AbsenceKind",
    "AccessCode",
    "ApiToken",
    "Approval",
    "ApprovalState",
    "AreaWish",
    "Attachment",
    "AuditEntry",
    "Author",
    "Base",
    "BookingDraft",
    "Branch",
    "BreakRule",
    "CannedAnswer",
    "Channel",
    "CheckKind",
    "ChecklistItem",
    "CodePurpose",
    "Consent",
    "CompanyProfile",
    "ContactRole",
    "Conversation",
    "ConversationMessage",
    "Customer",
    "CustomerKind",
    "DrivePosition",
    "EffectKind",
    "Ending",
    "FaqEntry",
    "Feedback",
    "FeedbackKind",
    "Guest",
    "Hold",
    "HoursCorrection",
    "IdempotencyKey",
    "IntakeEffect",
    "IntakeOption",
    "IntakeQuestion",
    "Job",
    "JobState",
    "KeptDecision",
    "KeptWork",
    "MessageState",
    "MessageText",
    "Needs",
    "Navigation",
    "NotAllowed",
    "Occurrence",
    "OccurrenceState",
    "NoShift",
    "OfferState",
    "OfficeTask",
    "InboundMessage",
    "Outcome",
    "TextStop",
    "Unreachable",
    "OutboxMessage",
    "PartOfDay",
    "PhoneChoice",
    "Pin",
    "Place",
    "Plan",
    "PlanChange",
    "PositionSharing",
    "Presence",
    "PrivateLink",
    "Proposal",
    "QuestionKind",
    "Purpose",
    "PushDevice",
    "Renewal",
    "Role",
    "Route",
    "RouteSeen",
    "ScanState",
    "Service",
    "ServicePlan",
    "ServiceSkill",
    "ServiceTranslation",
    "ShiftOverride",
    "ShiftPattern",
    "ShiftWish",
    "Site",
    "Skill",
    "SpentPuzzle",
    "Stop",
    "StopKind",
    "Technician",
    "TechnicianSkill",
    "Territory",
    "TroubleshootingResult",
    "TroubleshootingStep",
    "User",
    "UserRole",
    "UserSession",
    "VanPart",
    "Visit",
    "VisitAsset",
    "VisitEvent",
    "VisitLink",
    "VisitReport",
    "VisitState",
    "VisitorCode",
    "WaitingEntry",
    "WaitingOffer",
    "WaitingState",
    "WindowOffer",
    "WishKind",
    "WishState",
    "Window",
    "WorkOrder",
    "WorkingDay",
]
