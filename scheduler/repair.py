"""Making room for a visit by moving others: never out of their windows, never off the plan.

How is told in `scheduler.room`; visits that hang together stay where they are (`scheduler.room_linked`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from scheduler.costs import evaluate
from scheduler.insertion import Place, require_plannable
from scheduler.limits import Limit
from scheduler.links import is_linked, linked_ids
from scheduler.model import Plan, Problem, Visit, Window
from scheduler.room import Effort, Move, Rearrange, RepairedPlace, make_room
from scheduler.room_linked import room_beside_links
from scheduler.rules import check
from scheduler.validation import TIME_LIMIT_S

__all__ = ["Move", "Rearrange", "RepairedPlace", "adopted", "repair", "rooms"]


def repair(
    problem: Problem,
    plan: Plan,
    visit: Visit,
    windows: Sequence[Window],
    *,
    seconds: float,
    rearrange: Rearrange | None = None,
    seed: int = 1,
) -> list[RepairedPlace | None]:
    """Make room for a visit in each of these windows, one at a time.

    Parameters
    ----------
    problem, plan
        Every visit on the plan keeps a place inside its windows; a pinned one keeps its route, and those that
        hang together (crews, order) their start. What the plan leaves out is not looked at.
    visit
        Need not be in the problem; its own windows are not looked at. It is taken out of the plan.
    seconds
        For all windows together.
    rearrange
        Looks for better routes where chains of moves do not suffice; nothing more is done without it, nor for
        a crew.
    seed
        Of its random choices.

    Returns
    -------
    list of RepairedPlace or None
        By window a place and what moves for it; ``None`` where no room was found. A window in which the
        visit fits as it is has a place that moves nothing. The place of a crew names the places of the
        others under `together`.

    Raises
    ------
    ValueError
        When the visit's references are wrong.
    """
    limit = Limit(seconds=seconds, iterations=None, should_stop=None)
    require_plannable(problem, visit)
    hanging = is_linked(visit) or linked_ids(problem)
    find = room_beside_links if hanging else make_room
    return find(problem, plan, visit, windows, Effort(limit, rearrange, seed))


def rooms(
    problem: Problem,
    plan: Plan,
    visit: Visit,
    places: Iterable[Place],
    *,
    seconds: float,
    rearrange: Rearrange | None = None,
) -> list[RepairedPlace]:
    """`repair` for those windows of a visit that have none of the `places`."""
    has_place = {place.window for place in places}
    windows = visit.windows or ((-TIME_LIMIT_S, TIME_LIMIT_S),)
    missing = [number for number in range(len(windows)) if number not in has_place]
    if not missing:
        return []
    asked = [windows[number] for number in missing]
    found = repair(problem, plan, visit, asked, seconds=seconds, rearrange=rearrange)
    answers = zip(missing, found, strict=True)
    return [replace(place, window=number) for number, place in answers if place is not None]


def adopted(problem: Problem, plan: Plan, place: RepairedPlace) -> Plan:
    """The plan with the visit and all that moves for it; of a problem with the visit, with its cost.

    Raises
    ------
    ValueError
        When the changed routes do not serve just what they served, and the visit, or break a rule.
    """
    changed = {route.shift: route for route in place.routes}
    before = [name for route in plan.routes if route.shift in changed for name in route.visit_ids]
    after = [name for route in place.routes for name in route.visit_ids]
    new = Counter(after) - Counter(before)
    if len(new) > 1 or Counter(before) - Counter(after):
        raise ValueError("place: the routes serve others now")
    kept = [changed.pop(route.shift, route) for route in plan.routes]
    left = tuple(each for each in plan.unassigned if each.visit not in new)
    result = replace(plan, routes=(*kept, *changed.values()), unassigned=left, cost={})
    if not new.keys() <= problem.visit_by_id.keys():
        return result
    if violations := check(problem, result):
        raise ValueError(f"place: {violations[0].text}")
    return replace(result, cost=evaluate(problem, result))
