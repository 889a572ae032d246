"""Real addresses of an imported map at which a made-up company can have customers."""

from random import Random

from fieldservice.geo.address import Address
from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.roads import RoadTravelTimes

_LONGEST_S = 3600
_BATCH = 300


class TooFewAddresses(Exception):
    """The map has not as many addresses on its road network as were asked for."""


def sample_addresses(
    index: AddressIndex, roads: RoadTravelTimes, n: int, seed: int, *, max_snap_m: float = 100
) -> list[Address]:
    """`n` distinct addresses within `max_snap_m` of the main road network, each within an hour of its centre.

    The same map and seed give the same addresses; raises TooFewAddresses.
    """
    order = list(range(len(index)))
    Random(seed).shuffle(order)
    chosen: dict[str, Address] = {}
    for start in range(0, len(order), _BATCH):
        for address in _reachable(index.sample(order[start : start + _BATCH]), roads, max_snap_m):
            chosen.setdefault(address.label, address)
        if len(chosen) >= n:
            return list(chosen.values())[:n]
    raise TooFewAddresses(f"{len(chosen)} of {n} addresses lie on the road network")


def _reachable(addresses: list[Address], roads: RoadTravelTimes, max_snap_m: float) -> list[Address]:
    points = [address.coordinates for address in addresses]
    there, back, snap = roads.from_anchor(points)
    on_network = (there < _LONGEST_S) & (back < _LONGEST_S) & (snap <= max_snap_m)
    return [address for address, good in zip(addresses, on_network.tolist(), strict=True) if good]
