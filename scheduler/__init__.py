"""Optimisation of field service routes: integers in, plans out."""

from typing import Any

from scheduler.explain import explain
from scheduler.insertion import suggest
from scheduler.model import Plan, Problem
from scheduler.rules import check

__all__ = ["Plan", "Problem", "check", "explain", "solve", "suggest"]


def __getattr__(name: str) -> Any:
    """Import `solve` when it is asked for: it needs OR-Tools, which takes seconds to load."""
    if name != "solve":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scheduler.solver import solve

    return solve
