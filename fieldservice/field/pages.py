"""What the phone's pages show of a visit, in words and links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask_babel import gettext as _

from fieldservice import web
from fieldservice.field.service import Tap
from fieldservice.geo import picture
from fieldservice.geo.manifest import MapDamaged, MapMissing, load_manifest
from fieldservice.language import answer_written
from fieldservice.models import Place, Visit, VisitState
from fieldservice.models.visit import ENDED
from fieldservice.planning.rows import visit_place

_TAPS = {
    VisitState.BOOKED: (Tap.ON_MY_WAY, Tap.ARRIVED, Tap.DONE),
    VisitState.DISPATCHED: (Tap.ON_MY_WAY, Tap.ARRIVED, Tap.DONE),
    VisitState.EN_ROUTE: (Tap.ARRIVED, Tap.DONE),
    VisitState.ON_SITE: (Tap.DONE,),
}
_TAP_STEPS = {Tap.ON_MY_WAY: 0, Tap.ARRIVED: 2, Tap.DONE: 3}
_STEPS = {VisitState.EN_ROUTE: 0, VisitState.ON_SITE: 2, VisitState.DONE: 3}


def taps(visit: Visit) -> tuple[Tap, ...]:
    """The taps that a visit is ready for: first the usual one, then those for a step that was not tapped."""
    return _TAPS.get(VisitState(visit.state), ())


def tap_words() -> dict[str, str]:
    """What the buttons of the taps say."""
    return {
        Tap.ON_MY_WAY: _("On my way"),
        Tap.ARRIVED: _("Arrived"),
        Tap.DONE: _("Done"),
        Tap.UNDO: _("Undo"),
    }


def step_of(kind: Tap) -> int:
    """Which step a tap leads to."""
    return _TAP_STEPS[kind]


def is_over(visit: Visit) -> bool:
    """Whether nothing more can be tapped."""
    return visit.state in ENDED


def step_names() -> list[str]:
    """The steps of a visit as the technician sees them."""
    return [_("On my way"), _("Arrived"), _("Working"), _("Done")]


def step(visit: Visit) -> int:
    """Which of the steps the visit is at; -1 before the first one."""
    return _STEPS.get(VisitState(visit.state), -1)


def address(visit: Visit) -> str:
    """Where the technician goes; empty for a visit that is made by telephone or video."""
    if visit.service.place == Place.REMOTE:
        return ""
    branch = visit.service.branch or next(iter(visit.territory.branches), None)
    if visit.service.place == Place.AT_BRANCH and branch is not None:
        return ", ".join(part for part in (branch.name, branch.address) if part)
    return visit.site.one_line


def navigation_url(visit: Visit) -> str:
    """A link that the phone's map application opens with directions; empty without a place to drive to."""
    wanted = address(visit)
    if not wanted:
        return ""
    at = visit_place(visit)
    target = f"{at.lat:.6f},{at.lon:.6f}" if at else wanted
    return "https://www.google.com/maps/dir/?" + urlencode(
        {"api": 1, "destination": target, "travelmode": "driving"}
    )


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
