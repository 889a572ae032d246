"""What the runs of an engine on an instance come to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from bench.results import Record, disturbed


@dataclass(frozen=True)
class Sample:
    """The runs of one engine on one instance that differ by their seed alone."""

    engine: str
    runs: tuple[Record, ...]

    @cached_property
    def legal(self) -> tuple[Record, ...]:
        """The runs with a plan that breaks no rule and leaves out no mandatory visit."""
        return tuple(run for run in self.runs if "value" in run and not run["violations"] and _complete(run))

    @property
    def median(self) -> float:
        """Of the value that the family compares."""
        return self._median("value")

    @property
    def worst(self) -> float:
        return max(float(run["value"]) for run in self.legal)

    @property
    def travel_s(self) -> float:
        """Median travel."""
        return self._median("travel_s")

    def _median(self, name: str) -> float:
        return median(float(run[name]) for run in self.legal)

    @property
    def rank(self) -> tuple[float, float]:
        """For the best of several: the value, then travel."""
        return self.median, self.travel_s

    @property
    def missing(self) -> str:
        """Why there is no figure."""
        reasons = [run.get("unsupported") for run in self.runs]
        return "cannot" if any(reasons) else "no plan"


def _complete(run: Record) -> bool:
    return not (run.get("mandatory") and run["unserved"])


def samples(records: Iterable[Record], seconds: Mapping[str, float]) -> dict[str, dict[str, Sample]]:
    """By instance and engine; only undisturbed runs with the `seconds` of the engine."""
    runs: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record["seconds"] == seconds.get(record["engine"]) and not disturbed(record):
            runs[record["instance"], record["engine"]].append(record)
    found: dict[str, dict[str, Sample]] = defaultdict(dict)
    for (instance, engine), group in runs.items():
        found[instance][engine] = Sample(engine, tuple(group))
    return found


def best(group: Mapping[str, Sample], engines: Iterable[str]) -> Sample | None:
    """The best of these engines."""
    able = [group[engine] for engine in engines if engine in group and group[engine].legal]
    return min(able, key=lambda sample: sample.rank, default=None)


def gap(value: float, known: float) -> float:
    """By how many per cent a value exceeds a known one."""
    return 100 * (value / known - 1)
