"""Travel tables kept in the process, extended by the places that are new."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from datetime import datetime

from fieldservice.geo.travel import TravelTimes
from fieldservice.geo.types import Coordinates, TravelTable

_KEPT = 96


class TravelTables:
    """The newest table of each key, such as a territory's day.

    The places of a day change one at a time, while a table costs the square of their number: only the rows
    and columns of new places are computed.
    """

    def __init__(self, travel: TravelTimes) -> None:
        self.travel = travel
        self._lock = threading.Lock()
        self._tables: OrderedDict[Hashable, TravelTable] = OrderedDict()

    def of(self, key: Hashable, places: Sequence[Coordinates], *, at: datetime) -> TravelTable:
        """A table that covers every one of `places`, for departures at about `at`."""
        wanted = list({place.key: place for place in places}.values())
        with self._lock:
            table = self._tables.get(key)
        if table is None or len(table.points) > 2 * len(wanted) + 50:
            table = self.travel.table(wanted, at=at)
        elif missing := [place for place in wanted if not table.covers([place])]:
            table = self.travel.extend(table, missing, at=at)
        with self._lock:
            self._tables[key] = table
            self._tables.move_to_end(key)
            while len(self._tables) > _KEPT:
                self._tables.popitem(last=False)
        return table
