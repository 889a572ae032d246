"""The steps of a visit's work as its history has them: tapped, taken back, corrected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fieldservice.models.visit import Visit


class VisitState(StrEnum):
    """A visit's way from the request to its end."""

    REQUESTED = "requested"
    BOOKED = "booked"
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    DONE = "done"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    COULD_NOT_DO = "could_not_do"


class NotAllowed(Exception):
    """A visit cannot go from its present state to the wanted one."""

    def __init__(self, visit: Visit, wanted: VisitState) -> None:
        super().__init__(f"visit {visit.id} is {visit.state}, it cannot become {wanted}")
        self.visit = visit
        self.wanted = wanted


_STEPS: Mapping[str, str] = {
    VisitState.EN_ROUTE: "on_my_way",
    VisitState.ON_SITE: "arrived",
    VisitState.DONE: "done",
}
_AT_SITE = ("on_my_way", "arrived")
# Which steps still count after one was taken back, by the state that the visit went back to.
_KEEPS: Mapping[str, tuple[str, ...]] = {
    VisitState.EN_ROUTE: ("on_my_way",),
    VisitState.ON_SITE: (*_AT_SITE, "working"),
}


class Steps:
    """What a visit's history says of the work; mixed into the visit."""

    if TYPE_CHECKING:
        state: Any
        events: Any
        record: Any

    @property
    def moments(self) -> dict[str, datetime]:
        """When each step of the work was that counts, by its name: on_my_way, arrived, working, done.

        What was taken back is gone, and what was corrected has its other moment.
        """
        found: dict[str, datetime] = {}
        for event in self.events:
            if event.kind == "undone":
                kept = _AT_SITE if "step" in event.payload else _KEEPS.get(event.to_state, ())
                found = {name: at for name, at in found.items() if name in kept}
            elif event.kind == "state" and event.to_state in _STEPS:
                found[_STEPS[event.to_state]] = event.occurred_at
            elif event.kind in ("working", "corrected"):
                found[event.payload["step"]] = event.occurred_at
        return found

    @property
    def working_since(self) -> datetime | None:
        """When the technician at the site began to work, if they said so."""
        return self.moments.get("working") if self.state == VisitState.ON_SITE else None

    def begin_working(self, *, payload: Mapping[str, Any] | None = None, **event: Any) -> None:
        """The technician at the site began to work; raises NotAllowed anywhere else."""
        if self.state != VisitState.ON_SITE:
            raise NotAllowed(self, VisitState.ON_SITE)  # type: ignore[arg-type]
        self.record("working", payload={"step": "working", **(payload or {})}, **event)

    def stop_working(self, *, payload: Mapping[str, Any] | None = None, **event: Any) -> None:
        """Take back that the work began."""
        state = VisitState(self.state)
        self.record(
            "undone",
            from_state=state,
            to_state=state,
            payload={"step": "working", **(payload or {})},
            **event,
        )

    def correct(
        self,
        step: str,
        state: VisitState | None,
        *,
        was: datetime,
        moment: datetime,
        reason: str,
        **event: Any,
    ) -> None:
        """Put a step of the work at another moment; what was tapped stays in the history."""
        payload = {"step": step, "was": was.isoformat(), "reason": reason}
        self.record("corrected", occurred_at=moment, to_state=state or "", payload=payload, **event)
