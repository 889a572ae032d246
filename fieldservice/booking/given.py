"""Who and where, as a customer gives it: what drafts keep and visits are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fieldservice.geo.types import Coordinates


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person and how to reach them."""

    name: str
    email: str = ""
    phone: str = ""
    address: str = ""
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class SiteAnswers:
    """Where to come and how to get in. Without coordinates the office has to find the address."""

    address: str
    unit: str = ""
    city: str = ""
    postcode: str = ""
    country: str = "US"
    coordinates: Coordinates | None = None
    match: str = ""
    score: float | None = None
    provider: str = ""
    pin_set_by_person: bool = False
    access_kind: str = "home"
    access_notes: str = ""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> SiteAnswers:
        """The answers as a draft's row keeps them."""
        at = values.get("coordinates")
        return cls(**{**values, "coordinates": Coordinates(**at) if at else None})

    @property
    def one_line(self) -> str:
        """The address as one line of text, without the unit."""
        return ", ".join(part for part in (self.address, f"{self.city} {self.postcode}".strip()) if part)
