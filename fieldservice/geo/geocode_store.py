"""What online geocoders answered, what persons pinned, whose turn it is: one SQLite file for everyone."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fieldservice.geo.address import Address, Match
from fieldservice.geo.address_text import normal
from fieldservice.geo.types import Coordinates

KEPT = timedelta(days=90)
"""How long an online answer is believed; a service's "not found" a tenth of that. A pin never ends."""

_LONGEST_HOLD = timedelta(hours=1)
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE answer (
    text TEXT PRIMARY KEY, address TEXT, provider TEXT NOT NULL, match TEXT NOT NULL, score REAL NOT NULL,
    stored_at TEXT NOT NULL
) STRICT;
CREATE TABLE turn (service TEXT PRIMARY KEY, next_at TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer from the store: the address, or None for "the service knows no such address"."""

    address: Address | None


class GeocodeStore:
    """The file. Every call opens it anew, so threads and processes may share the object."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, text: str, now: datetime) -> Stored | None:
        """What is known about a typed address, None when that is nothing or too old."""
        with self._transaction(write=False) as db:
            row = db.execute(
                "SELECT address, match, stored_at FROM answer WHERE text = ?", (normal(text),)
            ).fetchone()
        if row is None:
            return None
        address, match, stored_at = row
        age = now - datetime.fromisoformat(stored_at)
        if match != Match.PIN and age > (KEPT if address else KEPT / 10):
            return None
        return Stored(_address(json.loads(address)) if address else None)

    def put(self, text: str, address: Address | None, *, provider: str, now: datetime) -> None:
        """Keep an answer; a person's pin is never overwritten by anything but a later pin."""
        match, score = (address.match, address.score) if address else ("none", 0.0)
        with self._transaction() as db:
            db.execute(
                """INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (text) DO UPDATE SET
                address = excluded.address, provider = excluded.provider, match = excluded.match,
                score = excluded.score, stored_at = excluded.stored_at
                WHERE answer.match <> 'pin' OR excluded.match = 'pin'""",
                (
                    normal(text),
                    json.dumps(asdict(address)) if address else None,
                    provider,
                    str(match),
                    score,
                    now.astimezone(UTC).isoformat(),
                ),
            )

    def take_turn(self, service: str, interval: timedelta, now: datetime) -> timedelta:
        """Reserve the next request to a service that allows one per `interval`; returns how long to wait.

        Nothing is reserved when the wait is longer than ten intervals: the caller should come back then.
        """
        with self._transaction() as db:
            free_at = self._free_at(db, service, now)
            wait = free_at - now
            if wait <= 10 * interval:
                self._set_free_at(db, service, free_at + interval)
        return wait

    def hold(self, service: str, until: datetime) -> None:
        """Let no process ask a service before `until`, because it said so."""
        with self._transaction() as db:
            self._set_free_at(db, service, until)

    @staticmethod
    def _free_at(db: sqlite3.Connection, service: str, now: datetime) -> datetime:
        row = db.execute("SELECT next_at FROM turn WHERE service = ?", (service,)).fetchone()
        free_at = datetime.fromisoformat(row[0]) if row else now
        # a time far ahead was written before the clock was set back
        return free_at if now < free_at <= now + _LONGEST_HOLD else now

    @staticmethod
    def _set_free_at(db: sqlite3.Connection, service: str, at: datetime) -> None:
        db.execute("INSERT OR REPLACE INTO turn VALUES (?, ?)", (service, at.astimezone(UTC).isoformat()))

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        if not self._path.exists():
            self._create()
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as db:
            db.execute(f"BEGIN {'IMMEDIATE' if write else 'DEFERRED'}")
            yield db
            db.execute("COMMIT")

    def _create(self) -> None:
        """Make the file beside its place and link it there, whole: several processes may be the first."""
        handle, name = tempfile.mkstemp(dir=self._path.parent)
        os.close(handle)
        draft = Path(name)
        try:
            with closing(sqlite3.connect(draft)) as db:
                db.executescript(_SCHEMA)
            with suppress(FileExistsError):
                self._path.hardlink_to(draft)
        finally:
            draft.unlink()


def _address(raw: dict[str, Any]) -> Address:
    return Address(**raw | {"coordinates": Coordinates(**raw["coordinates"]), "match": Match(raw["match"])})
