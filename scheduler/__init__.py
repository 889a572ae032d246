"""Optimisation of field service routes: integers in, plans out."""

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
    "place",
    "refusals",
    "suggest",
]
