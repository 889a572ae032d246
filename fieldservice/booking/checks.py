"""First checks: the way that answers make through them, and where it ends. No database, no web."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldservice.models import Ending, TroubleshootingStep
from fieldservice.models.catalogue import NEXT, YES

TRIED = "tried"
"""The kind of an answer to a check, beside the kinds of questions."""
_ENDINGS = frozenset(Ending)


@dataclass(frozen=True)
class Way:
    """The checks that were answered, in order; the one that is next, or the ending."""

    answered: tuple[TroubleshootingStep, ...] = ()
    step: TroubleshootingStep | None = None
    ending: Ending | None = None

    @property
    def last(self) -> TroubleshootingStep | None:
        """The check that was answered last."""
        return self.answered[-1] if self.answered else None

    @property
    def advice(self) -> str | None:
        """What to do when the checks end with a call; None when they do not."""
        return self.last.advice if self.last is not None and self.ending == Ending.CALL_US else None


def follow(steps: Sequence[TroubleshootingStep], tried: Mapping[str, str]) -> Way:
    """The way that answers, yes or no by the codes of checks, make.

    Checks only lead forward, so every way ends; one that leads nowhere ends in a booking.
    """
    answered: list[TroubleshootingStep] = []
    at = 0
    while at < len(steps):
        step = steps[at]
        if step.code not in tried:
            return Way(tuple(answered), step=step)
        answered.append(step)
        target = step.on_yes if tried[step.code] == YES else step.on_no
        if target in _ENDINGS:
            return Way(tuple(answered), ending=Ending(target))
        at = _index(steps, at, target)
    return Way(tuple(answered), ending=Ending.BOOK if steps else None)


def _index(steps: Sequence[TroubleshootingStep], at: int, target: str) -> int:
    if target == NEXT:
        return at + 1
    later = (number for number in range(at + 1, len(steps)) if steps[number].code == target)
    return next(later, len(steps))


def said(way: Way, tried: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    """The answers on the way, in the words of the checks, as they are kept with the visit."""
    return tuple(
        {
            "code": step.code,
            "question": f"{step.title}: {step.question}",
            "kind": TRIED,
            "answer": tried[step.code],
            "unit": "",
        }
        for step in way.answered
    )
