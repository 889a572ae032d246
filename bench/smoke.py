"""Small versions of the benchmarks in less than a minute: legal plans, not far worse than they were."""

import json
from collections.abc import Iterator
from pathlib import Path

from bench.clock import allowed_s
from bench.instances import load
from bench.paths import DataMissing
from bench.peers import PEERS
from bench.results import Record, Run
from bench.runner import execute
from bench.worker import OURS

FLOORS = Path(__file__).parent / "floors.json"
"""By instance: the seconds of the search and the value (weight, distance, duration) that it must reach."""
PEER_INSTANCE, PEER_SECONDS = "days:visits=40,seed=3,breaks=0,load=1.3,roads=estimate", 2.0


def run() -> bool:
    """Make all runs; says what is wrong with each and returns whether nothing is."""
    faults = [*_ours(), *_peers()]
    print("\n".join(faults) if faults else "bench-smoke: every plan is legal and reaches its floor")
    return not faults


def _ours() -> Iterator[str]:
    for instance, floor in json.loads(FLOORS.read_text(encoding="utf-8")).items():
        try:
            load(instance)
        except DataMissing as missing:
            print(f"{instance}: not measured, {missing}")
            continue
        run = Run(instance=instance, engine=OURS, seconds=floor["seconds"], seed=1, threads=2)
        yield from faults_of(execute(run), floor["value"])


def faults_of(record: Record, floor: float) -> Iterator[str]:
    """What is wrong with a run of ours."""
    name = record["instance"]
    if record["violations"]:
        yield f"{name}: the plan breaks rules: {record['violations']}"
    if record["mandatory"] and record["unserved"]:
        yield f"{name}: {record['unserved']} visits are not served"
    if record["value"] > floor:
        yield f"{name}: {record['value']:g} is worse than the floor {floor:g}"
    if record["wall_s"] > allowed_s(record["seconds"]):
        yield f"{name}: back after {record['wall_s']:g} s of {record['seconds']:g}"


def _peers() -> Iterator[str]:
    """Every peer still answers with a legal plan: its library may have changed."""
    for engine in PEERS:
        run = Run(instance=PEER_INSTANCE, engine=engine, seconds=PEER_SECONDS, seed=1, threads=1)
        record = execute(run)
        if "value" not in record:
            yield f"{engine}: no plan: {record}"
        elif record["violations"] or record["unserved"] > 0.7 * 40:
            yield f"{engine}: {record['unserved']} unserved, {record['violations']}"
