"""Whether a search is back in time, and how much memory it takes, from 1 to 2,000 visits."""

from collections.abc import Sequence

from bench.instances.days import Day
from bench.instances.roads import default_roads
from bench.results import Record, Run
from bench.runner import execute
from bench.tables import markdown
from bench.worker import OURS

VISITS = (1, 10, 50, 100, 200, 500, 1000, 2000)
LATE_SHARE, LATE_S = 0.05, 0.5
MEMORY_BAR_MB = {1000: 1024}


def allowed_s(seconds: float) -> float:
    """The latest second at which a search of so many seconds may be back."""
    return seconds * (1 + LATE_SHARE) + LATE_S


def measure(visits: Sequence[int], seconds: float, threads: int) -> list[Record]:
    """One run for each size, each in a process of its own."""
    days = [Day(visits=count, roads=default_roads()) for count in visits]
    runs = [Run(instance=day.name, engine=OURS, seconds=seconds, seed=1, threads=threads) for day in days]
    return [execute(run) for run in runs]


def report(found: Sequence[Record], visits: Sequence[int]) -> tuple[str, bool]:
    """The table, and whether every bar was kept."""
    rows, kept = [], True
    for record, count in zip(found, visits, strict=True):
        late = record["wall_s"] > allowed_s(record["seconds"])
        large = record["peak_mb"] > MEMORY_BAR_MB.get(count, 1 << 30)
        kept = kept and not late and not large and not record["violations"]
        rows.append(
            [
                f"{count:,}",
                f"{record['seconds']:g} s",
                f"{record['wall_s']:.2f} s",
                f"{allowed_s(record['seconds']):.2f} s",
                f"{record['peak_mb']} MB",
                "MISSED" if late or large else "kept",
            ]
        )
    return markdown(["Visits", "asked", "took", "allowed", "peak memory", "bar"], rows), kept
