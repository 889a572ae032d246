"""Several services in one booking: what one visit can do, and what is left to the visits that follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from fieldservice.booking.given import SiteAnswers
from fieldservice.booking.intake import Findings, evaluate
from fieldservice.models import Needs, Service, Territory
from fieldservice.models.needs import together
from fieldservice.planning.workforce import somebody_can

MOST = 4
"""How many services one booking may have."""


@dataclass(frozen=True)
class Wanted:
    """One service with the answers to its questions, and what its customer wrote about it."""

    service: Service
    questions: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @cached_property
    def found(self) -> Findings:
        """What the answers to the service's questions come to."""
        return evaluate(self.service.intake_questions, self.questions)

    @property
    def needs(self) -> Needs:
        """What this service alone takes."""
        return self.found.needs(self.service)

    def as_json(self) -> dict[str, Any]:
        """What a work order keeps of a service that another one's visit does as well."""
        return {
            "code": self.service.code,
            "name": self.service.name,
            "minutes": round(self.needs.duration.total_seconds() / 60),
            "problem": self.problem,
            "answers": dict(self.questions),
        }

    def said(self) -> list[dict[str, Any]]:
        """The name of the service and its answers, as they stand among those of the visit's first service."""
        head = {"code": "", "question": "", "kind": "also", "answer": self.service.name, "unit": ""}
        own = {"code": "", "question": "", "kind": "text", "answer": self.problem, "unit": ""}
        return [head, *self.found.said, *([own] if self.problem else [])]


@dataclass(frozen=True)
class Leg:
    """What one visit does: one service, or several that one technician can do."""

    wanted: tuple[Wanted, ...]
    site: SiteAnswers | None = None  # where, when the booking has several sites

    @property
    def service(self) -> Service:
        """The service whose windows are offered, and whose cut-offs hold."""
        return self.wanted[0].service

    @property
    def also(self) -> tuple[Service, ...]:
        """The other services, which have to be open as well."""
        return tuple(each.service for each in self.wanted[1:])

    @property
    def needs(self) -> Needs:
        """What the visit takes."""
        return together([each.needs for each in self.wanted])


def legs_of(
    session: Session, wanted: Sequence[Wanted], territory: Territory | None, *, apart: bool
) -> tuple[Leg, ...]:
    """The visits in their order: each does what follows in the list as long as one technician can do it all.

    `apart` gives every service a visit of its own. Without a territory nobody is known yet, and it is one.
    """
    if apart:
        return tuple(Leg((each,)) for each in wanted)
    if territory is None or len(wanted) == 1:
        return (Leg(tuple(wanted)),)
    legs = [Leg((wanted[0],))]
    for each in wanted[1:]:
        longer = Leg((*legs[-1].wanted, each))
        if somebody_can(session, territory.id, longer.needs.skills):
            legs[-1] = longer
        else:
            legs.append(Leg((each,)))
    return tuple(legs)


def at_each(leg: Leg, sites: Sequence[SiteAnswers]) -> tuple[Leg, ...]:
    """The same visit at each of several sites."""
    return tuple(replace(leg, site=site) for site in sites)
