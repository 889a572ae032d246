"""Instances that others published, read by the converters of `scheduler`, with their best known values."""

import csv
from collections.abc import Iterator
from pathlib import Path

from bench.instances.instance import Instance, Measure
from bench.paths import benchmark_files
from scheduler.converters import CONVERTERS
from scheduler.converters.sdvrptw import UNIT as SDVRPTW_UNIT
from scheduler.converters.solomon import UNIT as SOLOMON_UNIT
from scheduler.converters.strsp import UNIT as STRSP_UNIT
from scheduler.converters.trsp import UNIT as TRSP_UNIT

BEST_KNOWN_DISTANCE = "best_known_distance.txt"


def _distances() -> dict[str, float]:
    """Best known distances of Solomon and Homberger, truncated to a decimal (DIMACS), by upper-case name."""
    lines = (benchmark_files("vrptw") / BEST_KNOWN_DISTANCE).read_text(encoding="utf-8").splitlines()
    return {name.upper(): float(value) for name, value in (line.split() for line in lines if line.strip())}


def _vrptw(family: str, name: str) -> Instance:
    path = benchmark_files("vrptw") / f"{name}.txt"
    return Instance(
        name=f"{family}:{name}",
        problem=CONVERTERS["solomon"]([path]),
        measure=Measure.DISTANCE,
        unit_s=SOLOMON_UNIT,
        best_known=_distances().get(name.upper()),
        mandatory=True,
    )


def load_solomon(name: str) -> Instance:
    """100 customers, distance objective, DIMACS convention."""
    return _vrptw("solomon", name)


def load_homberger(name: str) -> Instance:
    """200 and 400 customers, distance objective, DIMACS convention."""
    return _vrptw("homberger", name)


def load_sdvrptw(name: str) -> Instance:
    """Site-dependent vehicles; the best known value is the cost of the solution file."""
    path = benchmark_files("sdvrptw") / f"{name}.vrp"
    solution = path.with_suffix(".sol").read_text(encoding="utf-8")
    cost = next(line.split()[-1] for line in solution.splitlines() if line.startswith("Cost"))
    return Instance(
        name=f"sdvrptw:{name}",
        problem=CONVERTERS["sdvrptw"]([path]),
        measure=Measure.DISTANCE,
        unit_s=SDVRPTW_UNIT,
        best_known=int(cost) / SDVRPTW_UNIT,
        mandatory=True,
    )


def load_trsp(name: str) -> Instance:
    """Technicians with skills, tools and parts; the least total working time, in units of the file."""
    path = benchmark_files("trsp") / f"{name}.xml"
    times = benchmark_files("vrptw") / f"{name.partition('.')[0]}.txt"
    return Instance(
        name=f"trsp:{name}",
        problem=CONVERTERS["trsp"]([path, times]),
        measure=Measure.DURATION,
        unit_s=TRSP_UNIT,
        best_known=_durations().get(name),
        mandatory=True,
    )


def _durations() -> dict[str, float]:
    """The least of the published durations, for the instances with 25 technicians that they are of."""
    with (benchmark_files("trsp") / "best_known.csv").open(encoding="utf-8", newline="") as file:
        return {
            f"{row['instance']}.100_25-5-5-5": min(
                float(row["duration_2013_report"]), float(row["duration_thesis"])
            )
            for row in csv.DictReader(file)
        }


def load_strsp(name: str) -> Instance:
    """Technicians with levels; ``staff/instance``: staff is technicians, techniciansReduced or teams."""
    staff, _, rest = name.partition("/")
    tasks, people = _strsp_files(staff, rest)
    return Instance(
        name=f"strsp:{name}",
        problem=CONVERTERS["strsp"]([tasks, people]),
        measure=Measure.OUTSOURCING,
        unit_s=STRSP_UNIT,
    )


def _strsp_files(staff: str, name: str) -> tuple[Path, Path]:
    folder = benchmark_files("strsp")
    if staff == "teams":
        size = name.split("_")[1]
        return (
            folder / "tasks_Team" / f"{name}_Team.txt",
            folder / "technicians_Team" / f"technicians_{size}_Team.txt",
        )
    return (
        folder / "tasks_noTeam" / f"{name}_noTeam.txt",
        folder / f"{staff}_noTeam" / f"technicians_{name}_noTeam.txt",
    )


def names(family: str) -> list[str]:
    """All instances of a family of the literature that can be read, in order of name."""
    return sorted(f"{family}:{name}" for name in _NAMES[family]())


def _solomon_names() -> Iterator[str]:
    return (path.stem for path in benchmark_files("vrptw").glob("*[0-9].txt") if "_" not in path.stem)


def _homberger_names() -> Iterator[str]:
    return (path.stem for path in benchmark_files("vrptw").glob("*_*_*[0-9].txt"))


def _sdvrptw_names() -> Iterator[str]:
    return (path.stem for path in benchmark_files("sdvrptw").glob("*.vrp"))


def _trsp_names() -> Iterator[str]:
    """Those whose times are there: the XML files have none."""
    times = benchmark_files("vrptw")
    for path in benchmark_files("trsp").glob("*.xml"):
        if (times / f"{path.name.partition('.')[0]}.txt").exists():
            yield path.stem


def _strsp_names() -> Iterator[str]:
    folder = benchmark_files("strsp")
    for staff in ("technicians", "techniciansReduced"):
        for path in folder.glob(f"{staff}_noTeam/*.txt"):
            yield f"{staff}/{path.stem.removeprefix('technicians_').removesuffix('_noTeam')}"
    for path in folder.glob("tasks_Team/*.txt"):
        yield f"teams/{path.stem.removesuffix('_Team')}"


_NAMES = {
    "solomon": _solomon_names,
    "homberger": _homberger_names,
    "sdvrptw": _sdvrptw_names,
    "trsp": _trsp_names,
    "strsp": _strsp_names,
}
