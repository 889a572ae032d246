"""Optimisation of field service routes: integers in, plans out."""

from typing import Any

from scheduler.explain import explain
from scheduler.insertion import Place, place, refusals, suggest
from scheduler.model import (
    Break,
    Pin,
    Plan,
    Problem,
    Route,
    Shift,
    Stop,
    Unassigned,
    Violation,
    Visit,
    Weights,
)
from scheduler.rules import check

__all__ = [
    "Break",
    "Pin",
    "Place",
    "Plan",
    "Problem",
    "Route",
    "Shift",
    "Stop",
    "Unassigned",
    "Violation",
    "Visit",
    "Weights",
    "check",
    "explain",
    "place",
    "refusals",
    "solve",
    "suggest",
]


def __getattr__(name: str) -> Any:
    """Import `solve` when it is asked for: it needs OR-Tools, which takes seconds to load."""
    if name != "solve":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scheduler.solver import solve

    return solve
