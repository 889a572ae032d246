"""Many at the same instant: who won, how long each took, and what must be true of the stops afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from fieldservice.db import Database
from fieldservice.models import Base


@dataclass
class Outcome[T]:
    """One contestant's result and the seconds until it was there."""

    result: T
    seconds: float


def all_at_once[T](works: Sequence[Callable[[], T]]) -> list[Outcome[T]]:
    """Run all in threads that start behind one barrier; an exception of any is raised here."""
    barrier = threading.Barrier(len(works))
    outcomes: list[Outcome[T]] = []
    failures: list[BaseException] = []

    def contend(work: Callable[[], T]) -> None:
        try:
            barrier.wait(timeout=60)
            began = time.perf_counter()
            result = work()
            outcomes.append(Outcome(result, time.perf_counter() - began))
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=contend, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return outcomes


def percentile(seconds: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def overlaps(db: Database) -> int:
    """How many pairs of stops have one technician at the same time, counted without the product's code."""
    query = """
        SELECT count(*) FROM stop a JOIN stop b ON a.technician_id = b.technician_id AND a.id < b.id
        WHERE a.starts_at < b.ends_at AND b.starts_at < a.ends_at"""
    with db.reading() as session:
        return int(session.execute(text(query)).scalar_one())


def count(db: Database, table: str, where: str = "1 = 1") -> int:
    """How many rows a table has."""
    with db.reading() as session:
        return int(session.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())


def row_counts(db: Database) -> dict[str, int]:
    """How many rows each table has."""
    return {table.name: count(db, f'"{table.name}"') for table in Base.metadata.sorted_tables}
