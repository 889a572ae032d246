"""One engine on one instance, in a process of its own: prints what came out as one line of JSON."""

import argparse
import json
import resource
import time
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from typing import Any

from bench.instances import Instance, Measure, load
from bench.judge import judge
from bench.peers import NoPlan, Peer, Search, Unsupported, peer
from scheduler.costs import evaluate
from scheduler.model import Plan
from scheduler.rules import check
from scheduler.solver import solve

OURS = "fieldservice"
PACKAGES = {"ortools-gls": "ortools", "ortools-ils": "ortools", "pyvrp": "pyvrp", "vroom": "pyvroom"}


def run(instance: Instance, engine: str, search: Search) -> dict[str, Any]:
    """What an engine makes of an instance; ``unsupported`` says why there is no plan."""
    solver = _ours if engine == OURS else partial(_judged, engine, peer(engine))
    began, cpu = time.perf_counter(), time.process_time()
    try:
        plan, extra = solver(instance, search)
    except Unsupported as reason:
        return {"unsupported": str(reason)}
    except NoPlan as reason:
        return {"no_plan": str(reason)}
    found = {
        "wall_s": round(extra.pop("done", time.perf_counter()) - began, 2),
        "cpu_s": round(extra.pop("cpu", time.process_time()) - cpu, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    cost = evaluate(instance.problem, plan)
    violations = check(instance.problem, plan)
    return found | {
        "violations": [each.text for each in violations[:5]],
        "value": round(instance.value(plan), 3),
        "weight": cost["unassigned_weight"],
        "unserved": cost["unassigned"],
        "travel_s": cost["travel_s"],
        "distance_m": cost["distance_m"],
        **extra,
    }


def _ours(instance: Instance, search: Search) -> tuple[Plan, dict[str, Any]]:
    """Our plan, with the clocks at the end of the search: judging is not counted."""
    plan = solve(instance.problem, seconds=search.seconds, threads=search.threads, seed=search.seed)
    return plan, _clocks() | {"stats": dict(plan.stats)}


def _judged(engine: str, solver: Peer, instance: Instance, search: Search) -> tuple[Plan, dict[str, Any]]:
    orders = solver(instance.problem, search)
    clocks = _clocks()
    judged = judge(instance.problem, orders)
    return judged.plan, clocks | {"repairs": judged.repairs, "version": version(PACKAGES[engine])}


def _clocks() -> dict[str, Any]:
    return {"done": time.perf_counter(), "cpu": time.process_time()}


def main() -> None:
    """``python -m bench.worker INSTANCE ENGINE --seconds 10 --seed 1 --threads 2``."""
    parser = argparse.ArgumentParser(prog="python -m bench.worker")
    parser.add_argument("instance")
    parser.add_argument("engine")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    instance = load(chosen.instance)
    search = Search(
        seconds=chosen.seconds,
        seed=chosen.seed,
        threads=chosen.threads,
        mandatory=instance.mandatory,
        price=instance.unit_s if instance.measure is Measure.OUTSOURCING else None,
    )
    found: Mapping[str, Any] = run(instance, chosen.engine, search)
    head = {"note": instance.note, "best_known": instance.best_known, "mandatory": instance.mandatory}
    print(json.dumps({**head, **found}))


if __name__ == "__main__":
    main()
