"""What windows are looked for: a service at a place, with what the customer's answers change about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.orm import object_session

import scheduler
from fieldservice.geo.types import Coordinates
from fieldservice.models import Needs, Service, Territory, Visit, Window
from fieldservice.planning.linked import links_of, room_of
from fieldservice.planning.problem import PREFERRED_TECHNICIAN_S, Day, seconds, shift_id
from fieldservice.planning.rows import place_of, visit_place


@dataclass(frozen=True)
class Ask:
    """What a customer wants placed: the service, where, who would be welcome.

    `changed` is what it takes when the customer's answers ask for other than the service says. `also` are
    services that the same visit does: a window has to be open for all of them.
    """

    service: Service
    territory: Territory
    place: Coordinates
    preferred_technician_id: int | None = None
    only_technician_id: int | None = None  # nobody else is looked for
    changed: Needs | None = None
    also: tuple[Service, ...] = ()

    @property
    def crew(self) -> int:
        """How many technicians come."""
        return self.needs.crew

    @property
    def needs(self) -> Needs:
        """What has to be found for it."""
        return self.changed or self.service.needs()

    def visit(self, day: Day, name: str, window: Window, *, location: int | None = None) -> scheduler.Visit:
        """The wish for one window as the scheduler's visit; `location` for a place that the day lacks."""
        preferred, only, needs = self.preferred_technician_id, self.only_technician_id, self.needs
        return scheduler.Visit(
            id=name,
            location=day.location(self.place) if location is None else location,
            service_s=seconds(needs.occupied),
            windows=((day.seconds(window.starts_at), day.seconds(window.ends_at)),),
            skills=needs.skills,
            priority=needs.priority,
            promised=True,
            preferred_technicians={shift_id(preferred): PREFERRED_TECHNICIAN_S} if preferred else {},
            technicians=frozenset({shift_id(only)}) if only else None,
            crew=self.crew,
        )

    def of(self, technician_id: int | None) -> Ask:
        """The same wish for one technician; unchanged for None."""
        if technician_id is None:
            return self
        return replace(self, preferred_technician_id=technician_id, only_technician_id=technician_id)


def ask_for(
    service: Service,
    territory: Territory,
    site_at: Coordinates | None,
    *,
    preferred: int | None = None,
    changed: Needs | None = None,
    also: tuple[Service, ...] = (),
) -> Ask | None:
    """The wish for a service at a site; None when the service needs a site whose coordinates are unknown."""
    at = place_of(service, territory, site_at)
    return None if at is None else Ask(service, territory, at, preferred, changed=changed, also=also)


def ask_of(visit: Visit) -> Ask | None:
    """The wish behind a visit, for another window; None while its site has no coordinates."""
    at, preferred = visit_place(visit), visit.preferred_technician_id
    also = tuple(visit.work_order.services[1:])
    changed = visit.needs()
    if at is None:
        return None
    session = object_session(visit)
    links = links_of(session, [visit.id]) if session else ()
    ask = Ask(visit.service, visit.territory, at, preferred, changed=changed, also=also)
    return replace(ask, only_technician_id=room_of(links, visit.id, stays=False).technician_id)
