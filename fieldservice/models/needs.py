"""What a visit takes of the company's day: time on site, skills, how many come, and how urgent it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What has to be found for a visit: somebody with the skills who has this long, or several who have."""

    setup: timedelta
    duration: timedelta
    cleanup: timedelta
    skills: Mapping[str, int]
    priority: int
    crew: int = 1

    @property
    def occupied(self) -> timedelta:
        """How long the technician is on site, buffers included."""
        return self.setup + self.duration + self.cleanup


def highest(*levels: Mapping[str, int]) -> dict[str, int]:
    """Skill code -> the highest of the levels that are asked for."""
    found: dict[str, int] = {}
    for skills in levels:
        for code, level in skills.items():
            found[code] = max(level, found.get(code, 0))
    return found


def together(each: Sequence[Needs]) -> Needs:
    """What one visit takes that does the work of several: its technician arrives and leaves once."""
    return Needs(
        setup=max(needs.setup for needs in each),
        duration=sum((needs.duration for needs in each), timedelta(0)),
        cleanup=max(needs.cleanup for needs in each),
        skills=highest(*(needs.skills for needs in each)),
        priority=max(needs.priority for needs in each),
        crew=max(needs.crew for needs in each),
    )
