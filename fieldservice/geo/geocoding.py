"""From a typed address to a place: persons' pins, the map's index, then online services where set up."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from fieldservice.config import Settings
from fieldservice.geo.address import Address, Match, pinned
from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.geocode_store import GeocodeStore
from fieldservice.geo.manifest import ADDRESSES, MapDamaged, MapMissing, load_manifest
from fieldservice.geo.online import GeocoderBusy, GeocoderDown, OnlineGeocoder, ServiceKind
from fieldservice.geo.types import Coordinates

__all__ = [
    "Address",
    "AddressIndex",
    "GeocoderBusy",
    "GeocoderDown",
    "GeocodingChain",
    "Match",
    "OnlineGeocoder",
    "open_geocoding",
]

_log = logging.getLogger(__name__)


class GeocodingChain:
    """Asks who knows best first: a person's pin, the map's index, stored answers, online services in turn."""

    def __init__(
        self,
        index: AddressIndex | None,
        store: GeocodeStore,
        online: Sequence[OnlineGeocoder] = (),
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._index, self._store, self._online, self._now = index, store, online, now

    def locate(self, text: str) -> Address | None:
        """The address, None when nobody knows it; never raises for a service in trouble.

        Only an address that is `certain` may be planned without a person looking at the pin.
        """
        try:
            return self.ask(text)
        except (GeocoderBusy, GeocoderDown) as error:
            _log.warning("an address stays unknown for now: %s", error)
            return None

    def ask(self, text: str) -> Address | None:
        """Like `locate`, but raises GeocoderBusy or GeocoderDown when asking later may find more."""
        stored = self._store.get(text, self._now())
        if stored and stored.address and stored.address.match is Match.PIN:
            return stored.address
        local = self._index.locate(text) if self._index is not None else None
        if local and local.certain:
            return local
        found = stored.address if stored else self._ask_online(text, local)
        return max(
            (address for address in (found, local) if address),
            key=lambda address: (address.certain, address.score),
            default=None,
        )

    def suggest(self, text: str, limit: int = 6) -> list[Address]:
        """Completions from the map's index alone: public services forbid being asked at every key."""
        return self._index.suggest(text, limit) if self._index is not None else []

    def remember_pin(self, text: str, address: Address, coordinates: Coordinates) -> Address:
        """Keep where a person says that a typed address is; from now on that is the answer."""
        pin = pinned(address, coordinates)
        self._store.put(text, pin, provider=pin.provider, now=self._now())
        return pin

    def _ask_online(self, text: str, local: Address | None) -> Address | None:
        """Ask the services until one is certain; raises their trouble if nobody has any idea."""
        best: Address | None = None
        trouble: GeocoderBusy | GeocoderDown | None = None
        for service in self._online:
            try:
                found = service.locate(text)
            except (GeocoderBusy, GeocoderDown) as error:
                trouble = error
                continue
            if found and (best is None or found.score > best.score):
                best = found
            if found and found.certain:
                break
        if trouble is None and self._online:
            provider = best.provider if best else self._online[-1].kind
            self._store.put(text, best, provider=provider, now=self._now())
        if trouble and not best and not local:
            raise trouble
        return best


def open_geocoding(settings: Settings, *, now: Callable[[], datetime]) -> GeocodingChain:
    """The chain that the settings describe; without a usable map only pins and online services answer."""
    store = GeocodeStore(settings.data_dir / "geocoding.sqlite")
    services: dict[ServiceKind, str] = {"nominatim": settings.nominatim_url, "photon": settings.photon_url}
    online = [OnlineGeocoder(kind, url, store, now=now) for kind, url in services.items() if url]
    try:
        manifest = load_manifest(settings.map_path)
    except MapMissing:
        return GeocodingChain(None, store, online, now=now)
    except MapDamaged as error:
        _log.warning("addresses cannot be looked up on the map: %s", error)
        return GeocodingChain(None, store, online, now=now)
    return GeocodingChain(AddressIndex(manifest.path(settings.map_path, ADDRESSES)), store, online, now=now)
