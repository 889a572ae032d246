"""What processes have in common: nothing outlives its parent, and nobody waits for a collector of garbage."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from pathlib import Path

SOCKET_VARIABLE = "SUPERVISED_SOCKET"  # set by the supervisor, which keeps the port open over restarts
COUNTS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # read by prometheus-client when it is imported
_PR_SET_PDEATHSIG = 1
# Loaded here, not between fork and exec, where loading a library could block.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def count_together(folder: Path) -> None:
    """Let this process and those it forks share their counts; call it before prometheus-client is imported.

    What an earlier server left is forgotten: counts begin anew with a server, as Prometheus expects.
    """
    folder = Path(os.environ.setdefault(COUNTS_VARIABLE, str(folder)))
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink()


def settle_memory() -> None:
    """Let the garbage collector pass over what lives as long as this process: modules, mappers, templates.

    Otherwise a request now and then waits while all of it is looked through, and a forked process copies it.
    """
    gc.collect()
    gc.freeze()


def die_with_parent(parent: int) -> None:
    """Have this process killed as soon as `parent` dies, also when that has happened already.

    Linux only; elsewhere a killed parent leaves its children to their own checks.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
