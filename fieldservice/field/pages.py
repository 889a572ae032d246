"""What the phone's pages show of a visit, in words and links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from fieldservice import web
from fieldservice.field.service import Tap
from fieldservice.field.ways import directions
from fieldservice.geo import picture
from fieldservice.geo.manifest import MapDamaged, MapMissing, load_manifest
from fieldservice.language import answer_written
from fieldservice.models import Navigation, Place, Visit, VisitState
from fieldservice.models.visit import ENDED
from fieldservice.planning.rows import visit_place

_TAPS = {
    VisitState.BOOKED: (Tap.ON_MY_WAY, Tap.ARRIVED, Tap.DONE),
    VisitState.DISPATCHED: (Tap.ON_MY_WAY, Tap.ARRIVED, Tap.DONE),
    VisitState.EN_ROUTE: (Tap.ARRIVED, Tap.DONE),
}
_TAP_STEPS = {Tap.ON_MY_WAY: 0, Tap.ARRIVED: 1, Tap.WORKING: 2, Tap.DONE: 3}
_STEPS = {VisitState.EN_ROUTE: 0, VisitState.DONE: 3}


def taps(visit: Visit) -> tuple[Tap, ...]:
    """The taps that a visit is ready for: first the usual one, then those for a step that was not tapped."""
    if visit.state == VisitState.ON_SITE:
        return (Tap.DONE,) if visit.working_since else (Tap.WORKING, Tap.DONE)
    return _TAPS.get(VisitState(visit.state), ())


def tap_words() -> dict[str, str]:
    """What the buttons of the taps say."""
    return {
        Tap.ON_MY_WAY: _("On my way"),
        Tap.ARRIVED: _("Arrived"),
        Tap.WORKING: _("Start work"),
        Tap.DONE: _("Done"),
        Tap.UNDO: _("Undo"),
    }


def step_of(kind: Tap) -> int:
    """Which step a tap leads to."""
    return _TAP_STEPS[kind]


def is_over(visit: Visit) -> bool:
    """Whether nothing more can be tapped."""
    return visit.state in ENDED


def tap_names() -> dict[Tap, str]:
    """What each step is called."""
    return {
        Tap.ON_MY_WAY: _("On my way"),
        Tap.ARRIVED: _("Arrived"),
        Tap.WORKING: _("Working"),
        Tap.DONE: _("Done"),
    }


def step_names() -> list[str]:
    """The steps of a visit as the technician sees them."""
    return list(tap_names().values())


def step(visit: Visit) -> int:
    """Which of the steps the visit is at; -1 before the first one."""
    if visit.state == VisitState.ON_SITE:
        return 2 if visit.working_since else 1
    return _STEPS.get(VisitState(visit.state), -1)


def address(visit: Visit) -> str:
    """Where the technician goes; empty for a visit that is made by telephone or video."""
    if visit.service.place == Place.REMOTE:
        return ""
    branch = visit.service.branch or next(iter(visit.territory.branches), None)
    if visit.service.place == Place.AT_BRANCH and branch is not None:
        return ", ".join(part for part in (branch.name, branch.address) if part)
    return visit.site.one_line


def navigation_url(visit: Visit, chosen: Navigation | None = None) -> str:
    """A link that opens directions in the chosen application; empty without a place to drive to."""
    wanted = address(visit)
    return directions(chosen or Navigation.GOOGLE, visit_place(visit), wanted) if wanted else ""


def surroundings(visit: Visit) -> tuple[picture.Shape, ...]:
    """The streets around the place of a visit; none without a place or an imported map."""
    at, folder = visit_place(visit), web.services().settings.map_path
    try:
        tiles = folder / load_manifest(folder).tiles.file
        return picture.around(tiles, at) if at else ()
    except (MapMissing, MapDamaged, OSError):
        return ()


def answers(visit: Visit) -> list[str]:
    """What the customer answered to the questions of the booking page."""
    return [_in_words(said, visit) for said in visit.work_order.said if said["kind"] != "tried"]


def tried(visit: Visit) -> list[str]:
    """What the customer tried before booking, and what came of it."""
    return [_in_words(said, visit) for said in visit.work_order.said if said["kind"] == "tried"]


def _in_words(said: Mapping[str, Any], visit: Visit) -> str:
    return web.answer_words(answer_written(said, visit.work_order.services))
