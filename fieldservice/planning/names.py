"""What the scheduler calls things: v7 is a visit, h3 a held slot, t2 a technician and their shift.

A visit that a crew makes is v7 on the route of whoever leads it, and c7@4 on that of each other member. What
is held for a crew is h3@4 on the route of each.
"""

from __future__ import annotations

from fieldservice.models import Hold, Stop, Visit


def shift_id(technician_id: int) -> str:
    """The scheduler's name of a technician's shift and of the technician."""
    return f"t{technician_id}"


def visit_id(visit: Visit) -> str:
    """The scheduler's name of a visit."""
    return f"v{visit.id}"


def hold_id(hold: Hold) -> str:
    """The scheduler's name of a held slot."""
    return f"h{hold.id}"


def member_id(number: int, technician_id: int) -> str:
    """The scheduler's name of what a member of a crew does at a visit."""
    return f"c{number}@{technician_id}"


def row_id(name: str) -> int:
    """The row behind a scheduler's name; of a member's the visit."""
    return int(name[1:].partition("@")[0])


def visit_number(name: str | None) -> int | None:
    """The visit that is made under this name, led or helped with; None for a held slot and a break."""
    return row_id(name) if name and name[0] in "vc" else None


def name_of(stop: Stop) -> str | None:
    """The scheduler's name of what is done at a stop; None for a break."""
    if stop.crew_visit_id is not None:
        return member_id(stop.crew_visit_id, stop.technician_id)
    if stop.visit_id is not None:
        return f"v{stop.visit_id}"
    return held_name(stop.hold, stop.technician_id) if stop.hold is not None else None


def held_name(hold: Hold, technician_id: int) -> str:
    """The scheduler's name of a held slot on a technician's route."""
    return f"{hold_id(hold)}@{technician_id}" if hold.crew > 1 else hold_id(hold)


def whole(name: str) -> str:
    """What a name is a part of: a slot that is held for a crew."""
    return name.partition("@")[0]
