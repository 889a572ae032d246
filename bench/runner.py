"""Runs engines one after the other, each as its own process on the same cores, in alternating order."""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from bench.paths import ROOT
from bench.peers import PEERS, SEEDLESS, THREADED
from bench.results import Record, Run, keep, kept
from bench.worker import OURS

ENGINES = (OURS, *PEERS)
GRACE_S = 120
"""Seconds beyond its search that a process gets to read the instance and judge the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Which engines run for how long, with which seeds.

    `fresh` ones run again even if a record is kept. After `budget_s` no run begins: what is missing then is
    made by the same command, given again.
    """

    engines: Sequence[str] = ENGINES
    seconds: float = 10.0
    peer_seconds: float = 60.0
    seeds: int = 3
    threads: int = 2
    fresh: Sequence[str] = (OURS,)
    budget_s: float = math.inf

    def runs(self, instances: Sequence[str]) -> Iterator[Run]:
        """Every run, the engines of an instance in another order for each seed."""
        for seed in range(1, self.seeds + 1):
            for number, instance in enumerate(instances):
                first = (seed + number) % len(self.engines)
                for engine in [*self.engines[first:], *self.engines[:first]]:
                    if engine not in SEEDLESS or seed == 1:
                        yield self._run(instance, engine, seed)

    def _run(self, instance: str, engine: str, seed: int) -> Run:
        ours = engine == OURS
        return Run(
            instance=instance,
            engine=engine,
            seconds=self.seconds if ours else self.peer_seconds,
            seed=seed,
            threads=self.threads if ours or engine in THREADED else 1,
        )


def make(series: Series, instances: Sequence[str]) -> list[Record]:
    """Make the runs that are not kept, and return the records of all.

    Peers with one thread run two at a time, each on a core of its own: so both have what they can use.
    """
    began = time.monotonic()
    found: list[Record] = []
    for runs in _batches(series.runs(instances)):
        records = [None if run.engine in series.fresh else kept(run) for run in runs]
        missing = [run for run, record in zip(runs, records, strict=True) if record is None]
        found += [record for record in records if record is not None]
        if missing and time.monotonic() - began < series.budget_s:
            found += _beside_each_other(missing)
    return found


def _batches(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """The runs that may share the machine: one with several threads, or two with one on two cores."""
    waiting: list[Run] = []
    for run in runs:
        if run.threads > 1 or run.engine == OURS or len(_cores()) < 2:
            yield [run]
            continue
        waiting.append(run)
        if len(waiting) == 2:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def _beside_each_other(runs: Sequence[Run]) -> list[Record]:
    if len(runs) == 1:
        return [execute(runs[0])]
    with ThreadPoolExecutor(len(runs)) as pool:
        return list(pool.map(lambda pair: execute(pair[0], core=pair[1]), zip(runs, _cores(), strict=False)))


@cache
def _warm() -> None:
    """Compile the search, as the product's worker does at its start: no search waits for it."""
    subprocess.run([sys.executable, "-m", "scheduler.engines.warm"], cwd=ROOT, check=True)


def execute(run: Run, core: int | None = None) -> Record:
    """Make one run now; on one core when told so."""
    if run.engine == OURS:
        _warm()
    command = [sys.executable, "-m", "bench.worker", run.instance, run.engine]
    command += [f"--seconds={run.seconds:g}", f"--seed={run.seed}", f"--threads={run.threads}"]
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    done = subprocess.run(
        [*pinned, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=run.seconds + GRACE_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{done.stderr[-2000:]}")
    record = keep(run, json.loads(done.stdout.splitlines()[-1]))
    print(summary(record), flush=True)
    return record


def summary(record: Record) -> str:
    """One line about a run."""
    head = f"{record['instance']} {record['engine']} {record['seconds']:g} s seed {record['seed']}: "
    for reason in ("unsupported", "no_plan"):
        if reason in record:
            return f"{head}{reason}: {record[reason]}"
    text = f"{head}{record['value']:g}, {record['unserved']} unserved, {record['travel_s']} s of travel"
    text += f", {record['wall_s']:.1f} s, {record['peak_mb']} MB"
    return text + (f", BROKEN: {record['violations']}" if record["violations"] else "")
