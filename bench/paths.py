"""Where the benchmarks read and write."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
"""What others made (instances, maps); never part of the repository."""
CACHE = ROOT / "build" / "bench"
"""Travel tables, imported maps and results; ignored by git, removed by `make clean`."""
RESULTS = CACHE / "results"


class DataMissing(Exception):
    """A file of others that a benchmark wants is not there; the text says which."""


def benchmark_files(family: str) -> Path:
    """The folder of a family of instances; raises DataMissing."""
    folder = DATA / "benchmarks" / family
    if not folder.is_dir():
        raise DataMissing(f"{folder.relative_to(ROOT.parent)} does not exist beside the checkout")
    return folder
