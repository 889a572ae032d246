"""Every instance that the benchmarks know, by name: ``family:instance``."""

from collections.abc import Callable, Mapping

from bench.instances import days, literature
from bench.instances.instance import Instance, Measure

__all__ = ["FAMILIES", "LITERATURE", "Instance", "Measure", "load"]

LITERATURE = ("trsp", "strsp", "sdvrptw", "solomon", "homberger")
FAMILIES: Mapping[str, Callable[[str], Instance]] = {
    "days": days.load,
    **{family: getattr(literature, f"load_{family}") for family in LITERATURE},
}


def load(name: str) -> Instance:
    """The instance of a name such as ``solomon:R101`` or ``days:visits=200,seed=1,breaks=1``.

    Raises
    ------
    KeyError
        When there is no such family.
    DataMissing
        When its files are not there.
    """
    family, _, rest = name.partition(":")
    return FAMILIES[family](rest)
