"""The changes of a proposal one by one: which stand alone, which belong together, what no longer holds.

A change is a visit that goes to another technician, finds a place or loses it (named v7), or the visits of a
route in another order (t3). A visit of a crew loses its place with all of them. What else a proposal moves in
time follows from these. Every answer is worked out on the day as it is stored now, so a change that was
accepted is none any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import scheduler
from fieldservice.planning.problem import Day, row_id, shift_id
from scheduler import costs, timeline

type Names = frozenset[str]


@dataclass(frozen=True)
class Part:
    """Changes that can be made together, the routes as they are then, and the seconds of driving they add."""

    names: Names
    routes: tuple[scheduler.Route, ...]
    added_s: int


@dataclass(frozen=True)
class _Move:
    """A visit that changes its route; None is no route."""

    name: str
    source: str | None
    target: str | None


class Parts:
    """What is left of a proposal on a day.

    `orders` are the routes that it wants, `was` the technician of each visit that it changes when it was
    made, `versions` those of the visits then, `skipped` the changes that somebody does not want.
    """

    def __init__(
        self,
        day: Day,
        orders: Mapping[str, Sequence[str]],
        was: Mapping[int, int | None],
        versions: Mapping[str, Any],
        skipped: Collection[str] = (),
    ) -> None:
        self.day, self.skipped = day, frozenset(skipped)
        known = day.problem.visit_by_id
        self.current = {route.shift: list(route.visit_ids) for route in day.plan.routes}
        self.target = {
            shift: [name for name in orders.get(shift[1:], ()) if name in known] for shift in self.current
        }
        self._was = {f"v{key}": None if who is None else shift_id(who) for key, who in was.items()}
        self._versions = versions
        self.moves: dict[str, _Move] = {}
        self.gone: set[str] = set()
        self._sort({f"t{key}": names for key, names in orders.items()})

    def _sort(self, orders: Mapping[str, Sequence[str]]) -> None:
        """Tell what is still to be done from what is done, and from what somebody changed meanwhile."""
        here = {name: shift for shift, names in self.current.items() for name in names}
        there = {name: shift for shift, names in orders.items() for name in names}
        for name, was in self._was.items():
            target, source = there.get(name), here.get(name)
            if target == was or name in self.skipped:
                continue
            row = self.day.visits.get(row_id(name))
            if row is None or row.version != self._versions.get(name):
                self.gone.add(name)
            elif source != target:
                move = _Move(name, source, target)
                known = source == was and (target is None or target in self.current)
                if known:
                    self.moves[name] = move
                else:
                    self.gone.add(name)

    @cached_property
    def reordered(self) -> Names:
        """The routes whose visits, those that stay, come in another order."""
        found = set()
        for shift, names in self.current.items():
            rank = {name: place for place, name in enumerate(self.target[shift])}
            ranks = [rank[name] for name in names if name in rank]
            if ranks != sorted(ranks) and shift not in self.skipped:
                found.add(shift)
        return frozenset(found)

    @property
    def open(self) -> Names:
        """Every change that is still to be decided."""
        return frozenset(self.moves) | self.reordered

    def part(self, name: str) -> Part | None:
        """The fewest changes that can be made together with this one; None when there is no way."""
        for names in self._around(name):
            found = self.together(names)
            if found is not None:
                return found
        return None

    def together(self, names: Collection[str]) -> Part | None:
        """These changes as a whole; None when a rule breaks or times do not hold."""
        wanted = frozenset(names) & self.open
        if not wanted or wanted != frozenset(names):
            return None
        return self._made(wanted)

    def rest(self) -> tuple[list[Part], Names]:
        """All that can still be made, and the changes that cannot.

        What belongs together is made as a whole where it can be. Where somebody changed something meanwhile,
        what still can be made is, where the plan gets better by it.
        """
        found: list[Part] = []
        left: set[str] = set(self.gone)
        for group in self.groups:
            whole = self.together(group)
            if whole is not None and (not self._touched(group) or self._helps(whole)):
                found.append(whole)
                continue
            made = self._some(group)
            found += [made] if made else []
            left |= group - (made.names if made else frozenset())
        return found, frozenset(left)

    def figures(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """What the day costs as it is, and with all that can still be made."""
        changed = {route.shift: route for part in self.rest()[0] for route in part.routes}
        routes = tuple(changed.get(route.shift, route) for route in self.day.plan.routes)
        now = costs.evaluate(self.day.problem, self.day.plan)
        return now, costs.evaluate(self.day.problem, scheduler.Plan(routes=routes))

    def visits_of(self, names: Iterable[str]) -> Names:
        """The visits that changes are about: of a route those that come at another place."""
        found = set()
        for name in names:
            ranked = [each for each in self.current.get(name, ()) if each in self.target.get(name, ())]
            ordered = sorted(ranked, key=self.target.get(name, []).index)
            found |= {each for each, other in zip(ranked, ordered, strict=True) if each != other}
            found |= {name} if name.startswith("v") else set()
        return frozenset(found)

    @cached_property
    def groups(self) -> list[Names]:
        """Changes whose routes hang together."""
        groups: list[tuple[set[str], set[str]]] = []
        for name in sorted(self.open):
            names, shifts = {name}, self._shifts(name)
            apart = []
            for other_names, other_shifts in groups:
                if other_shifts & shifts:
                    names, shifts = names | other_names, shifts | other_shifts
                else:
                    apart.append((other_names, other_shifts))
            groups = [*apart, (names, shifts)]
        return [frozenset(names) for names, _ in groups]

    def _some(self, group: Names) -> Part | None:
        """As many changes of a group as make the plan better."""
        made: Part | None = None
        for name in sorted(group):
            found = self.part(name)
            if found is None or not self._helps(found):
                continue
            more = self.together(found.names | (made.names if made else frozenset()))
            made = more if more is not None and self._helps(more) else made
        return made

    def _touched(self, group: Names) -> bool:
        """Whether somebody else has changed a route of the group."""
        shifts = {shift for name in group for shift in self._shifts(name)}
        here = {name for shift in shifts for name in self.current[shift]}
        there = {name for shift in shifts for name in self.target[shift]}
        leave = {name for name in group if name in self.moves and self.moves[name].target is None}
        expected = here - leave - self._with_leader(here, leave)
        expected |= {name for name in group if name in self.moves and self.moves[name].target}
        return expected != there

    def _helps(self, part: Part) -> bool:
        """Whether the plan is better with a part than without it."""
        shifts = {route.shift for route in part.routes}
        before = [route for route in self.day.plan.routes if route.shift in shifts]
        return self._objective(part.routes) < self._objective(before)

    def _objective(self, routes: Iterable[scheduler.Route]) -> tuple[int, int, int]:
        changed = {route.shift: route for route in routes}
        whole = tuple(changed.get(route.shift, route) for route in self.day.plan.routes)
        return costs.objective(costs.evaluate(self.day.problem, scheduler.Plan(routes=whole)))

    def _shifts(self, name: str) -> set[str]:
        if name not in self.moves:
            return {name}
        move = self.moves[name]
        helped = {shift for shift, names in self.current.items() if self._with_leader(names, {name})}
        return {shift for shift in (move.source, move.target) if shift is not None} | helped

    @staticmethod
    def _with_leader(names: Iterable[str], leave: Collection[str]) -> set[str]:
        """What members of crews do at visits that leave their routes."""
        return {name for name in names if name[0] == "c" and f"v{row_id(name)}" in leave}

    def _around(self, name: str) -> Iterable[Names]:
        """Ever more changes around one, until all that hangs together with it."""
        if name not in self.open:
            return
        yield frozenset({name})
        target = self.moves[name].target if name in self.moves else name
        near = [other.name for other in self.moves.values() if target and other.source == target]
        near = [other for other in sorted(near) if other != name]
        for other in near:
            yield frozenset({name, other})
        also = {target} & self.reordered if target else set()
        if also:
            yield frozenset({name, *also})
        yield frozenset({name, *near, *also})
        yield from (group for group in self.groups if name in group)

    def _made(self, names: Names) -> Part | None:
        shifts = sorted({shift for name in names for shift in self._shifts(name)})
        routes = [self._arranged(shift, names) for shift in shifts]
        timed = [route for route in routes if route is not None]
        if len(timed) < len(shifts) or scheduler.check(self.day.problem, scheduler.Plan(routes=tuple(timed))):
            return None
        added_s = sum(
            self._driving_s(route) - self._driving_s(self.day.plan.route_of(route.shift)) for route in timed
        )
        return Part(names, tuple(timed), added_s)

    def _driving_s(self, route: scheduler.Route) -> int:
        return costs.route_parts(self.day.problem, route).get("travel_s", 0)

    def _arranged(self, shift: str, names: Names) -> scheduler.Route | None:
        """A route with some changes: in the proposed order as far as that is known and wanted."""
        moves = [self.moves[name] for name in names if name in self.moves]
        leaves = {move.name for move in moves if move.source == shift}
        leaves |= self._with_leader(self.current[shift], {move.name for move in moves})
        comes = {move.name for move in moves if move.target == shift}
        rank = {name: place for place, name in enumerate(self.target[shift])}
        stays = [name for name in self.current[shift] if name not in leaves]
        come = sorted(comes, key=lambda name: rank[name])
        ranked = [name for name in stays if name in rank]
        if shift in names or ranked == sorted(ranked, key=lambda name: rank[name]):
            order = sorted([*ranked, *come], key=lambda name: rank[name])
            others = [name for name in stays if name not in rank]
            found = self._with(shift, order, others)
            if found is not None or not come:
                return found
        return self._with(shift, stays, come)

    def _with(self, shift: str, order: Sequence[str], others: Sequence[str]) -> scheduler.Route | None:
        """The order with others in it, each where it costs least; None when that cannot be driven."""
        best = timeline.schedule(self.day.problem, shift, order)
        for other in others:
            orders = [[*order[:place], other, *order[place:]] for place in range(len(order) + 1)]
            ways = [timeline.schedule(self.day.problem, shift, each) for each in orders]
            possible = [way for way in ways if way is not None]
            best = min(possible, key=lambda way: costs.route_cost(self.day.problem, way), default=None)
            if best is None:
                return None
            order = best.visit_ids
        return best


def merged(parts: Sequence[Part]) -> Part:
    """Parts of different routes as one."""
    routes = tuple(route for part in parts for route in part.routes)
    names = frozenset(name for part in parts for name in part.names)
    return Part(names, routes, sum(part.added_s for part in parts))


def visits_in(names: Iterable[str]) -> frozenset[int]:
    """The visits among the scheduler's names."""
    return frozenset(row_id(name) for name in names if name.startswith("v"))
