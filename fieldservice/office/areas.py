"""Where a company works: its territories and their branches. Knows no web."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zlib import crc32

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import exists_one, lock_names
from fieldservice.geo.types import Coordinates
from fieldservice.models import Branch, Hold, Territory, Visit
from fieldservice.models.visit import ENDED
from fieldservice.office.records import Change, Overtaken, record
from fieldservice.office.setup import NameTaken
from fieldservice.planning.service import lock_territory

_KEPT = ("name", "time_zone", "centre_lat", "centre_lon", "radius_m", "working_days", "holidays", "active")


def as_json(territory: Territory) -> dict[str, Any]:
    """What the audit trail keeps of a territory."""
    return {name: getattr(territory, name) for name in _KEPT}


class VisitsAhead(Exception):
    """The area cannot be closed: visits in it are not over, or somebody is booking one."""


def version_of(territory: Territory) -> int:
    """Another number for another state of a territory, which counts no versions of its own."""
    return crc32(json.dumps(as_json(territory), sort_keys=True).encode())


def save(session: Session, territory: Territory, values: Mapping[str, Any], by: Change) -> None:
    """Store a territory, new or known, with these columns. Raises NameTaken, VisitsAhead, Overtaken."""
    lock_names(session, ["company", f"territory {values['name']}"])
    known = territory in session
    if known:
        lock_territory(session, territory)
        session.refresh(territory)
        if version_of(territory) != by.version:
            raise Overtaken
    same = select(Territory.id).where(Territory.name == values["name"])
    if exists_one(session, same.where(Territory.id != territory.id) if known else same):
        raise NameTaken
    if known and not values.get("active", True) and _is_busy(session, territory, by):
        raise VisitsAhead
    before = as_json(territory) if known else {}
    for name, value in values.items():
        setattr(territory, name, value)
    session.add(territory)
    session.flush()
    action = "office_changed" if before else "office_added"
    record(session, action, territory, before, as_json(territory), by)


def _is_busy(session: Session, territory: Territory, by: Change) -> bool:
    unfinished = select(Visit.id).where(Visit.territory_id == territory.id, Visit.state.not_in(ENDED))
    held = select(Hold.id).where(Hold.territory_id == territory.id, Hold.expires_at > by.now)
    return exists_one(session, unfinished) or exists_one(session, held)


def add_branch(
    session: Session,
    territory: Territory,
    by: Change,
    *,
    name: str,
    address: str,
    at: Coordinates,
) -> None:
    """A place of the company to which customers come."""
    branch = Branch(territory_id=territory.id, name=name, address=address, lat=at.lat, lon=at.lon)
    session.add(branch)
    session.flush()
    record(session, "office_added", branch, {}, {"name": name, "address": address}, by)
