"""Why a visit is where it is, why it is nowhere, and the smallest change that would let it in."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scheduler.admission import overload, refusal
from scheduler.clock_refusal import clock_refusal
from scheduler.costs import route_cost, route_parts
from scheduler.insertion import Board, Place, refusals, refusals_on, suggest, without_visit
from scheduler.model import Plan, Problem, Route, Shift, Stop, Violation, Visit
from scheduler.relax import Finding, changes_by_shift, smallest_changes

ALTERNATIVES = 3
"""Other technicians that an explanation names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What can be said about one visit of a plan.

    Parameters
    ----------
    visit, shift
        Its id, and the shift that serves it; ``None`` when it is on no route.
    holds
        For a placed visit: the rules that were looked at, and hold.
    added_cost, added_travel_s
        For a placed visit: seconds of cost and of driving that its route would save without it.
    alternatives
        The cheapest place with each of the next best technicians, windows kept.
    refusals
        For an unplaced visit: for each shift the first rule that stops it.
    changes
        For an unplaced visit: for each rule the smallest change of it alone that would let the visit in.
    nobody
        For an unplaced visit: what nobody at all holds.
    """

    visit: str
    shift: str | None
    holds: tuple[Finding, ...] = ()
    added_cost: int = 0
    added_travel_s: int = 0
    alternatives: tuple[Place, ...] = ()
    refusals: tuple[Violation, ...] = ()
    changes: tuple[Finding, ...] = ()
    nobody: tuple[Finding, ...] = ()


def explain(problem: Problem, plan: Plan, visit_id: str) -> Explanation:
    """Explain where a visit is, or why it is nowhere.

    Raises
    ------
    ValueError
        When the problem has no such visit, or uses crews or order between visits.
    """
    visit = problem.visit_by_id.get(visit_id)
    if visit is None:
        raise ValueError(f"visit: there is no visit {visit_id!r}")
    for route in plan.routes:
        for stop in route.stops:
            if stop.visit == visit_id:
                return _placed(problem, plan, visit, route, stop)
    return why_not(problem, plan, visit)


def _placed(problem: Problem, plan: Plan, visit: Visit, route: Route, stop: Stop) -> Explanation:
    shift = problem.shift_by_id[route.shift]
    alone = without_visit(problem, plan, visit.id).route_of(shift.id)
    driven, driven_alone = (route_parts(problem, each).get("travel_s", 0) for each in (route, alone))
    others = (place for place in suggest(problem, plan, visit) if place.technician != shift.technician)
    return Explanation(
        visit=visit.id,
        shift=shift.id,
        holds=tuple(_holds(visit, shift, route, stop)),
        added_cost=route_cost(problem, route) - route_cost(problem, alone),
        added_travel_s=driven - driven_alone,
        alternatives=_best_by_technician(others),
    )


def _best_by_technician(places: Iterator[Place] | Sequence[Place]) -> tuple[Place, ...]:
    best: dict[str, Place] = {}
    for place in places:
        best.setdefault(place.technician, place)
    return tuple(best.values())[:ALTERNATIVES]


def _holds(visit: Visit, shift: Shift, route: Route, stop: Stop) -> Iterator[Finding]:
    name = shift.technician

    def finding(rule: str, text: str, **numbers: int | str) -> Finding:
        return Finding(rule=rule, shift=shift.id, technician=name, text=text, numbers=numbers)

    for skill, need in visit.skills.items():
        if (have := shift.skills.get(skill, -1)) >= need:
            text = f"{name} has {skill} level {have}; {need} is needed."
            yield finding("skill", text, skill=skill, need=need, have=have)
    for start, end in visit.windows:
        if start <= stop.start_s <= end:
            text = f"Work starts at {stop.start_s}, inside the window {start} to {end}."
            yield finding("window", text, start_s=stop.start_s, window_start_s=start, window_end_s=end)
            break
    done, limit = route.stops[-1].departure_s, shift.end_s + shift.overtime_s
    if done <= limit:
        text = f"The last stop ends at {done}, within the shift until {limit}."
        yield finding("shift_end", text, end_s=done, limit_s=limit)
    text = f"The drive takes {stop.travel_s} s, with {stop.start_s - stop.arrival_s} s to spare before work."
    yield finding("travel", text, travel_s=stop.travel_s, spare_s=stop.start_s - stop.arrival_s)
    if name in visit.preferred_technicians:
        yield finding("preferred", f"{name} was asked for.")
    because, before_s = _why_then(visit, route, stop)
    text = f"It starts at {stop.start_s}: {START_WORDS[because].format(before_s=before_s)}."
    yield finding("start", text, because=because, start_s=stop.start_s, before_s=before_s)


START_WORDS = {
    "pinned": "it is pinned to that time",
    "opens": "its window opens then",
    "break": "a break is taken before, until {before_s}",
    "follows": "the visit before ends at {before_s}",
    "first": "it is the first of the shift",
    "waits": "somebody else has to be there as well",
}


def _why_then(visit: Visit, route: Route, stop: Stop) -> tuple[str, int]:
    """What keeps the work from starting sooner, and when what came before it ended."""
    index = route.stops.index(stop)
    before = route.stops[index - 1] if index else None
    before_s = before.departure_s if before else stop.arrival_s - stop.travel_s
    if visit.pinned and visit.pinned.start_s is not None:
        return "pinned", before_s
    if before is not None and before.break_index is not None and before.departure_s >= stop.arrival_s:
        return "break", before_s
    if stop.start_s > stop.arrival_s:
        opens = any(stop.start_s == start for start, _ in visit.windows)
        return ("opens" if opens else "waits"), before_s
    return ("follows" if before else "first"), before_s


def ways_in(problem: Problem, plan: Plan, visit: Visit) -> Mapping[str, tuple[Finding, ...]]:
    """For each shift that a visit does not fit on, the single changes that would let it in, smallest first.

    Takes longer than `why_not`, which tells of each rule only whom it would cost least. Raises like it.
    """
    return changes_by_shift(Board(problem, plan, without=visit.id), visit)


def why_not(problem: Problem, plan: Plan, visit: Visit) -> Explanation:
    """Explain why a visit fits nowhere, such as one for a window that is not offered.

    Parameters
    ----------
    problem, plan
        As for `scheduler.insertion.suggest`.
    visit
        Need not be in the problem, and is taken out of the plan when it is on it.

    Raises
    ------
    ValueError
        When the visit's references are wrong, or it or the problem uses crews or order between visits.
    """
    stopped = refusals(problem, plan, visit)
    return Explanation(
        visit=visit.id,
        shift=None,
        alternatives=_best_by_technician(suggest(problem, plan, visit)),
        refusals=tuple(stopped.values()),
        changes=tuple(smallest_changes(Board(problem, plan, without=visit.id), visit)),
        nobody=tuple(_nobody(problem, visit)),
    )


def _nobody(problem: Problem, visit: Visit) -> Iterator[Finding]:
    """The skills that none of the shifts holds at the level that is needed."""
    for skill, need in visit.skills.items():
        have = max((shift.skills.get(skill, 0) for shift in problem.shifts), default=0)
        if all(shift.skills.get(skill, -1) < need for shift in problem.shifts):
            text = f"Nobody holds {skill} level {need}."
            numbers: dict[str, int | str] = {"skill": skill, "need": need, "have": have}
            yield Finding(rule="skill", shift=None, technician=None, text=text, numbers=numbers)


REASON_WORDS = {
    "pin": "it is pinned to another shift than that of {who}",
    "technician": "it may not be served by {who}",
    "skill": "{who} lack a skill or its level",
    "tools": "{who} do not carry a tool",
    "parts": "{who} do not carry enough parts",
    "capacity": "{who} have no capacity left",
    "max_visits": "{who} have as many visits as allowed",
    "window": "{who} could come only outside the arrival window",
    "shift_end": "the shift of {who} would have to end later",
    "duration": "the route of {who} would take longer than allowed",
    "max_travel": "{who} would drive longer than allowed",
    "late_route": "{who} are late already",
    "no_gap": "{who} have no gap that is long enough",
    "crew": "too few of {who} are free at the same time",
    "order": "{who} cannot come in time for the order, or a visit that it comes after is not planned",
}


def reasons(
    problem: Problem, plan: Plan, visits: Sequence[Visit], *, seconds: float
) -> dict[str, tuple[str, ...]]:
    """In words why each of these visits is on no route of the plan, by its id.

    One sentence a rule, with the technicians whose first shift it stops. Visits that the `seconds` do not
    suffice for, and those that would fit, are said to have been left when the search ended.
    """
    deadline = time.monotonic() + seconds
    board = Board(problem, plan)
    found: dict[str, tuple[str, ...]] = {}
    for visit in visits:
        by_rule = _people_by_rule(board, visit) if time.monotonic() < deadline else {}
        sentences = [REASON_WORDS[rule].format(who=_names(who)) for rule, who in by_rule.items()]
        if not problem.shifts:
            sentences = ["there are no shifts"]
        found[visit.id] = tuple(sentences) or ("the search ended before it was placed",)
    return found


def _people_by_rule(board: Board, visit: Visit) -> dict[str, list[str]]:
    """The technicians that each rule stops first; nobody when the visit would fit somewhere."""
    by_rule: dict[str, dict[str, None]] = defaultdict(dict)
    if visit.crew > 1 or visit.after:
        refused = refusals_on(board, visit)
        if len(refused) == len(board.problem.shifts):
            for shift_id, violation in refused.items():
                by_rule[violation.rule][board.problem.shift_by_id[shift_id].technician] = None
        return {rule: list(people) for rule, people in by_rule.items()}
    for row, shift in enumerate(board.problem.shifts):
        restock = board.problem.restock
        stopped = refusal(visit, shift, restock) or overload(visit, shift, board.visits(row), restock)
        stopped = stopped or clock_refusal(board.kernel, visit, row)
        if stopped is None:
            return {}
        by_rule[stopped.rule][shift.technician] = None
    return {rule: list(people) for rule, people in by_rule.items()}


def _names(people: Sequence[str]) -> str:
    shown = ", ".join(people[:ALTERNATIVES])
    return shown if len(people) <= ALTERNATIVES else f"{shown} and {len(people) - ALTERNATIVES} more"
