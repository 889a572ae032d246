"""Other solvers on the same problems. Each turns a problem into its own model and answers with orders.

They are installed by `make bench` in an environment of their own; importing this package needs none of them.
"""

from importlib import import_module

from bench.peers.common import NoPlan, Orders, Peer, Search, Unsupported

__all__ = ["PEERS", "SEEDLESS", "THREADED", "NoPlan", "Orders", "Peer", "Search", "Unsupported", "peer"]

PEERS = {
    "ortools-gls": "bench.peers.ortools_peer:guided",
    "ortools-ils": "bench.peers.ortools_peer:iterated",
    "pyvrp": "bench.peers.pyvrp_peer:solve",
    "vroom": "bench.peers.vroom_peer:solve",
}
THREADED = frozenset({"vroom"})
"""The peers that can use more than one thread."""
SEEDLESS = frozenset({"vroom", "ortools-gls", "ortools-ils"})
"""The peers that find the same plan with every seed: VROOM takes none, OR-Tools' searches do not use it."""


def peer(name: str) -> Peer:
    """The solver of that name, its library imported now."""
    module, _, function = PEERS[name].partition(":")
    found: Peer = getattr(import_module(module), function)
    return found
