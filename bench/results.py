"""Runs that were made: one JSON file each, in a folder that git ignores."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bench.paths import RESULTS, ROOT

Record = dict[str, Any]
"""What a worker printed, with the run's settings, machine, date and commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One engine on one instance."""

    instance: str
    engine: str
    seconds: float
    seed: int
    threads: int

    @property
    def path(self) -> Path:
        name = re.sub(r"[^\w.=,-]+", "_", self.instance)
        return RESULTS / name / f"{self.engine}-{self.seconds:g}s-{self.threads}t-seed{self.seed}.json"


@cache
def machine() -> str:
    """Processor, cores, memory and Python, in words."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


@cache
def commit() -> str:
    """The commit of the checkout, with a plus when files of it were changed since."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run(
        [*git, "status", "--porcelain", "scheduler"], capture_output=True, text=True, check=False
    )
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def keep(run: Run, found: Record) -> Record:
    """Write a run's record and return it."""
    record = asdict(run) | {
        "machine": machine(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit(),
        **found,
    }
    run.path.parent.mkdir(parents=True, exist_ok=True)
    run.path.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return record


LEAST_SHARE = 0.85
"""A search that got less of a core than this was disturbed."""


def kept(run: Run) -> Record | None:
    """The record of an undisturbed run that was made on this machine before."""
    if not run.path.is_file():
        return None
    record: Record = json.loads(run.path.read_text(encoding="utf-8"))
    return None if record["machine"] != machine() or disturbed(record) else record


def disturbed(record: Record) -> bool:
    """Whether other work took the processor from a search: it does not say what the engine can do."""
    alone = record["threads"] == 1 and "cpu_s" in record
    return alone and record["cpu_s"] < LEAST_SHARE * record["wall_s"]


def keep_text(name: str, text: str) -> None:
    """Write what a command found for the document, with machine, date and commit."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = f"{text}\n\n{date}; {machine()}; commit {commit()}."
    (RESULTS / f"{name}.md").write_text(content, encoding="utf-8")


def kept_text(name: str) -> str:
    """What `keep_text` wrote last, or nothing."""
    path = RESULTS / f"{name}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def records(family: str) -> Iterator[Record]:
    """Every record of a family, in order of instance and run."""
    for path in sorted(RESULTS.glob(f"{family}_*/*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))
