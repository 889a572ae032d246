"""Routes that a search came across, for the engine that combines them anew."""

from scheduler.engines.layout import Integers
from scheduler.engines.state import State

Column = tuple[int, tuple[int, ...], int]
"""A route: the index of its shift, the indexes of its visits in order, and its cost (seconds)."""
MOST = 30_000
"""How many routes are kept; the oldest go first."""


def visits_among(nodes: Integers, visits: int) -> tuple[int, ...]:
    """The visits of a route without the stop to restock; when the van makes it follows from them."""
    return tuple(nodes[nodes < visits].tolist())


class Pool:
    """The cheapest order of each set of visits on each kind of shift; `kinds` has a number for each shift."""

    def __init__(self, kinds: Integers) -> None:
        self._kinds = kinds.tolist()
        self._routes: dict[tuple[int, frozenset[int]], Column] = {}

    def harvest(self, state: State) -> None:
        """Take the routes of a state as they are."""
        costs, lengths = state.routes["cost"].tolist(), state.routes["count"].tolist()
        for shift, (cost, length) in enumerate(zip(costs, lengths, strict=True)):
            if length:
                nodes = state.stops["visit"][shift, 1 : length + 1]
                self.add((shift, visits_among(nodes, len(state.lists)), round(cost)))
        while len(self._routes) > MOST:
            del self._routes[next(iter(self._routes))]

    def add(self, column: Column) -> None:
        """Take a route unless its visits are known in a cheaper order."""
        key = self._kinds[column[0]], frozenset(column[1])
        known = self._routes.get(key)
        if known is None or column[2] < known[2]:
            self._routes[key] = column

    def columns(self) -> list[Column]:
        """All routes."""
        return list(self._routes.values())
