"""Problems from other formats, one module each: its docstring says what is carried over, in which units."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scheduler.converters.sdvrptw import sdvrptw
from scheduler.converters.solomon import solomon
from scheduler.converters.strsp import strsp
from scheduler.converters.trsp import trsp
from scheduler.converters.vroom import vroom
from scheduler.model import Problem

CONVERTERS: Mapping[str, Callable[[Sequence[Path]], Problem]] = {
    "sdvrptw": sdvrptw,
    "solomon": solomon,
    "strsp": strsp,
    "trsp": trsp,
    "vroom": vroom,
}
"""By the name that the command line gives them."""
