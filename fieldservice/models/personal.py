"""Which columns tell something about customers. A test refuses a column of text that is in neither list.

What is in `CUSTOMERS` is part of what a customer downloads, unless it is somebody else's, and is gone after
they had it erased (`fieldservice.booking.personal`).
"""

from __future__ import annotations

from collections.abc import Mapping

CUSTOMERS: Mapping[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        "approval": "email reason",
        "area_wish": "email city postcode",
        "attachment": "name",
        "booking_draft": "answers",
        "contact_role": "name email phone address reference",
        "conversation_message": "body folded",
        "customer": "name email phone",
        "feedback": "body",
        "guest": "address name",
        "job": "payload",
        "kept_work": "label fields reason file_name",
        "occurrence": "skip_reason",
        "office_task": "detail",
        "inbound_message": "sender body",
        "outbox_message": "recipient payload last_error sent_subject sent_text",
        "push_device": "endpoint p256dh auth",
        "service_plan": "end_reason",
        "unreachable": "address reason",
        "site": "address unit city postcode access_notes",
        "visit_asset": "name make model serial",
        "visit_event": "payload",
        "visit_report": "checks parts notes signed_by",
        "work_order": "problem answers said also cost_centre",
    }.items()
}
"""What customers typed, or what says who and where they are."""

OTHERS: Mapping[str, frozenset[str]] = {
    table: frozenset(columns.split())
    for table, columns in {
        "absence": "kind reason",
        "abuse_sign": "network kind",
        "access_code": "nonce",
        "api_token": "name token_hash scopes",
        "approval": "request_key state nonce token_hash",
        "area_wish": "locale",
        "attachment": "key small_key draft_token question about item caption media_type "
        "sha256 sent_sha256 actor scan_state",
        "audit_entry": "actor action subject_kind detail",
        "booking_draft": "token network",
        "branch": "name address",
        "canned_answer": "language title body",
        "company_profile": "name phone",
        "checklist_item": "code kind label hint unit options",
        "consent": "purpose",
        "contact_role": "role",
        "conversation_message": "author channel",
        "customer": "locale kind",
        "faq_entry": "question answer",
        "guest": "channel locale network",
        "feedback": "points kind",
        "hours_correction": "reason event_key",
        "idempotency_key": "key request_hash location body content_type",
        "intake_effect": "answer kind words",
        "intake_option": "code label",
        "intake_question": "code kind label hint unit",
        "job": "kind dedupe_key state lease_owner progress result error created_by",
        "kept_work": "item_id kind file_key sha256 decision",
        "office_task": "kind",
        "inbound_message": "channel provider_key outcome",
        "message_text": "name channel language words",
        "outbox_message": "dedupe_key kind channel role state lease_owner mail_id",
        "text_stop": "phone",  # kept, so that a later booking with the number does not bring texts again
        "pin": "reason",
        "plan_change": "kind actor summary before after",
        "private_link": "nonce token_hash",
        "phone_choice": "navigation",
        "route_seen": "visits",
        "push_device": "login endpoint_hash locale",
        "proposal": "state based_on routes summary goal",
        "service": "code name icon description place late_fee price_text price_note reminders working_days"
        " call_link",
        "service_plan": "unit renewal preferred_weekdays preferred_part",
        "shift_override": "reason",
        "shift_wish": "kind words state event_key answer",
        "service_translation": "language texts",
        "site": "country geocoded_by geocode_match access_kind",
        "skill": "code name",
        "spent_puzzle": "challenge",
        "stop": "kind",
        "technician": "name phone home_address",
        "territory": "name time_zone holidays working_days",
        "troubleshooting_result": "step ending",
        "troubleshooting_step": "code title text question on_yes on_no advice",
        "unreachable": "channel",
        "user": "email name password role fs_uniquifier",
        "user_session": "token_hash user_agent",
        "van_part": "name",
        "visit": "reference state late_fee fee_due skills parts accepted_violations",
        "visit_report": "vans",
        "visit_event": "kind from_state to_state actor event_key",
        "visitor_code": "token purpose channel address_hash nonce",
        "waiting_entry": "state seen looked",
        "waiting_offer": "state",
        "window_offer": "windows state asked_by",
        "work_order": "source request_key locale",
    }.items()
}
"""About staff, about the company, or about nobody. A POST's answer is kept for a day and leads elsewhere."""
