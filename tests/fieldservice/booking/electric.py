"""A company that also does wiring: who can do it decides whether a booking of both is one visit or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from fieldservice.models import Service, Territory
from tests.factories import HEATING, make_service, make_technician
from tests.fieldservice.booking import demoville
from tests.fieldservice.booking.tight import AT

WIRING = "wiring"
BOTH = {HEATING: 1, WIRING: 2}
AGE = {
    "code": "age",
    "kind": "number",
    "label": "How old is it?",
    "required": True,
    "effects": [{"from": 30, "skill": WIRING, "level": 2}, {"from": 30, "part": "Fuse box"}],
}


def open_electric_company(
    session: Session,
    people: Sequence[Mapping[str, int]],
    *,
    hours: tuple[time, time] = (time(8), time(17)),
    wiring: Mapping[str, Any] | None = None,
    **heating: Any,
) -> Territory:
    """Heating and wiring take an hour each; `people` are the skills of the technicians."""
    company = demoville.open_company(session, technicians=0, **heating)
    make_wiring(session, **(wiring or {}))
    for skills in people:
        make_technician(session, company.territory, skills=skills, hours=hours, home=AT)
    return company.territory


def make_wiring(session: Session, **overrides: Any) -> Service:
    """A service beside the heating."""
    values: dict[str, Any] = {
        "code": WIRING,
        "name": "Wiring",
        "icon": "house",
        "position": 2,
        "skills": {WIRING: 1},
        "duration": timedelta(hours=1),
        "price_text": "$120 visit",
        "intake_questions": [AGE],
    }
    return make_service(session, **(values | overrides))
