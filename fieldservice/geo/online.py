"""Nominatim and Photon through geopy: off unless set, one request at a time for the whole installation."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from geopy.adapters import RequestsAdapter
from geopy.exc import GeocoderRateLimited, GeopyError
from geopy.geocoders import Nominatim, Photon
from geopy.location import Location
from rapidfuzz import fuzz

from fieldservice.geo.address import CHECK_SCORE, Address, Match
from fieldservice.geo.address_text import house_number, normal, words
from fieldservice.geo.geocode_store import GeocodeStore
from fieldservice.geo.types import Coordinates

USER_AGENT = "fieldservice-scheduling"
INTERVAL = timedelta(seconds=1)
"""What the public services allow one application: one request per second."""

_TIMEOUT_S = 5
_RETRY_AFTER = timedelta(minutes=1)
_CITY_KEYS = ("city", "town", "village", "municipality", "hamlet", "suburb")

type ServiceKind = Literal["nominatim", "photon"]

_NONSENSE = (GeopyError, ValueError, LookupError, TypeError, AttributeError)
"""What geopy raises for a refusal, and what reading an answer of an unexpected shape comes to."""


class GeocoderBusy(Exception):
    """The service wants fewer requests; `retry_after` says when to come back."""

    def __init__(self, service: str, retry_after: timedelta) -> None:
        super().__init__(f"{service} is busy for {retry_after.total_seconds():.0f} s")
        self.retry_after = retry_after


class GeocoderDown(Exception):
    """The service did not answer, refused us or spoke nonsense."""


class OnlineGeocoder:
    """One service behind the rate limit that all processes share."""

    def __init__(
        self,
        kind: ServiceKind,
        url: str,
        store: GeocodeStore,
        *,
        now: Callable[[], datetime],
        interval: timedelta = INTERVAL,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self.kind = kind
        self._store, self._now, self._interval = store, now, interval
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"not the address of a geocoder: {url}")
        service = Nominatim if kind == "nominatim" else Photon
        self._geocoder = service(
            domain=parts.netloc + parts.path.rstrip("/"),
            scheme=parts.scheme,
            user_agent=USER_AGENT,
            timeout=timeout_s,
            # without this, requests sleeps through a 429 for as long as the server says
            adapter_factory=lambda **options: RequestsAdapter(max_retries=0, **options),
        )

    def locate(self, text: str) -> Address | None:
        """What the service knows; waits its turn. Raises GeocoderBusy or GeocoderDown."""
        wait = self._store.take_turn(self.kind, self._interval, self._now())
        if wait > 10 * self._interval:
            raise GeocoderBusy(self.kind, wait)
        time.sleep(max(0.0, wait.total_seconds()))
        try:
            found = self._geocoder.geocode(text, **self._options())
            return self._address(text, found) if found else None
        except GeocoderRateLimited as error:
            retry_after = timedelta(seconds=error.retry_after) if error.retry_after else _RETRY_AFTER
            self._store.hold(self.kind, self._now() + retry_after)
            raise GeocoderBusy(self.kind, retry_after) from error
        except _NONSENSE as error:
            raise GeocoderDown(f"{self.kind}: {error}") from error

    def _options(self) -> dict[str, Any]:
        return {"addressdetails": True} if self.kind == "nominatim" else {}

    def _address(self, text: str, found: Location) -> Address | None:
        """The answer as an address; how well it fits the question is judged here, the services do not say."""
        parts = _nominatim(found.raw) if self.kind == "nominatim" else _photon(found.raw)
        number_asked = parts["number"] and house_number(parts["number"]) in words(text)
        match = Match.EXACT if number_asked else Match.STREET if parts["street"] else Match.PLACE
        score = float(fuzz.token_set_ratio(normal(text), normal(" ".join(parts.values()))))
        if score < CHECK_SCORE:
            return None
        return Address(
            **parts,
            coordinates=Coordinates(found.latitude, found.longitude),
            match=match,
            score=round(score, 1),
            provider=self.kind,
            label=str(found.address),
        )


def _nominatim(raw: Mapping[str, Any]) -> dict[str, str]:
    parts = raw.get("address", {})
    return {
        "number": str(parts.get("house_number", "")),
        "street": str(parts.get("road", "")),
        "city": str(next((parts[key] for key in _CITY_KEYS if key in parts), "")),
        "postcode": str(parts.get("postcode", "")),
        "country": str(parts.get("country_code", "")).upper(),
    }


def _photon(raw: Mapping[str, Any]) -> dict[str, str]:
    parts = raw.get("properties", {})
    street = parts.get("street") or (parts.get("name", "") if parts.get("osm_key") == "highway" else "")
    return {
        "number": str(parts.get("housenumber", "")),
        "street": str(street),
        "city": str(parts.get("city") or parts.get("town") or parts.get("village") or ""),
        "postcode": str(parts.get("postcode", "")),
        "country": str(parts.get("countrycode", "")).upper(),
    }
