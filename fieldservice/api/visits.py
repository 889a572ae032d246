"""Visits as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fieldservice.booking import manage
from fieldservice.models import Role, Visit


def as_json(visit: Visit, *, now: datetime) -> dict[str, Any]:
    """What the schema of a visit is filled with."""
    order, site, stop, window = visit.work_order, visit.site, visit.stop, visit.window
    contact = order.contact(Role.REQUESTER)
    return {
        "id": visit.id,
        "reference": visit.reference,
        "state": visit.state,
        "service": order.service.code,
        "title": order.title,
        "territory": visit.territory_id,
        "window": {"starts_at": window.starts_at, "ends_at": window.ends_at} if window else None,
        "planned": {
            "technician": stop.technician_id,
            "starts_at": stop.starts_at,
            "ends_at": stop.ends_at,
        }
        if stop
        else None,
        "site": {
            "address": site.address,
            "unit": site.unit,
            "city": site.city,
            "postcode": site.postcode,
            "latitude": site.lat,
            "longitude": site.lon,
        },
        "requester": {"name": contact.name, "email": contact.email, "phone": contact.phone}
        if contact
        else None,
        "problem": order.problem,
        "duration_minutes": round(visit.service_duration.total_seconds() / 60),
        "fee": manage.cancel_fee(visit, now=now),
        "version": visit.version,
        "created_at": visit.created_at,
    }
