"""Travel tables kept in the process, extended by the places that are new."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from datetime import datetime

from fieldservice.geo.around import Around
from fieldservice.geo.travel import TravelTimes
from fieldservice.geo.types import Coordinates, TravelTable

_KEPT = 96
_PLACES = 32


class TravelTables:
    """The newest table of each key, such as a territory's day.

    The places of a day change one at a time, while a table costs the square of their number: only the rows
    and columns of new places are computed.
    """

    def __init__(self, travel: TravelTimes) -> None:
        self.travel = travel
        self._lock = threading.Lock()
        self._tables: OrderedDict[Hashable, tuple[TravelTable, datetime]] = OrderedDict()
        self._around: OrderedDict[Hashable, Around] = OrderedDict()

    def of(self, key: Hashable, places: Sequence[Coordinates], *, at: datetime) -> TravelTable:
        """A table that covers every one of `places`, for departures at about `at`."""
        wanted = list({place.key: place for place in places}.values())
        kept = self._kept(key)
        if kept is None or len(kept[0].points) > 2 * len(wanted) + 50:
            return self._keep(key, self.travel.table(wanted, at=at), at)
        return self._extended(key, kept[0], wanted, at)

    def newest(self, key: Hashable, extra: Sequence[Coordinates]) -> TravelTable | None:
        """The table that this process made last for a key, with the places in `extra`; it may lack others."""
        kept = self._kept(key)
        return None if kept is None else self._extended(key, kept[0], extra, kept[1])

    def around(self, place: Coordinates, *, at: datetime) -> Around:
        """What is known of the ways between a place and others, for departures at about `at`."""
        key = place.key, self.travel.factor(at)
        with self._lock:
            found = self._around.setdefault(key, Around(self.travel, place, at))
            self._around.move_to_end(key)
            while len(self._around) > _PLACES:
                self._around.popitem(last=False)
        return found

    def _extended(
        self, key: Hashable, table: TravelTable, wanted: Sequence[Coordinates], at: datetime
    ) -> TravelTable:
        missing = [place for place in wanted if not table.covers([place])]
        return self._keep(key, self.travel.extend(table, missing, at=at) if missing else table, at)

    def _kept(self, key: Hashable) -> tuple[TravelTable, datetime] | None:
        with self._lock:
            return self._tables.get(key)

    def _keep(self, key: Hashable, table: TravelTable, at: datetime) -> TravelTable:
        with self._lock:
            self._tables[key] = table, at
            self._tables.move_to_end(key)
            while len(self._tables) > _KEPT:
                self._tables.popitem(last=False)
        return table
