"""The compiler of the local search: numba, without the interpreter's lock, its machine code kept on disk.

Numba notices that a compiled function changed by the date of its own file alone. The cache here lies in a
folder named after the text of all compiled files instead, so that neither a changed callee nor an upgrade
with the dates of the files kept can lead to old machine code.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
import numpy as np
from llvmlite.binding import get_host_cpu_features, get_host_cpu_name  # type: ignore[import-untyped]
from numba.core import config as _config

config: Any = _config
_SOURCES = Path(__file__).parent
LAID_OUT = ("layout.py", "state.py")
"""Files that say how the arrays of compiled functions are laid out."""


def _digest() -> str:
    """Names the text of all that is compiled, the compiler and the processor."""
    processor = f"{get_host_cpu_name()} {get_host_cpu_features().flatten()}"
    found = hashlib.sha256(f"{numba.__version__} {np.__version__} {processor}".encode())
    for path in sorted(_SOURCES.glob("*.py")):
        text = path.read_bytes()
        if b"@compiled" in text or b"@inlined" in text or path.name in LAID_OUT:
            found.update(text)
    return found.hexdigest()[:16]


def cache_folder() -> Path:
    """Where machine code is kept: NUMBA_CACHE_DIR, else the user's cache, else a private temporary folder."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    for base in (Path(given) if given else home / "fieldservice-numba", _private_folder()):
        folder = base / _digest()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="fieldservice-numba-"))


def _private_folder() -> Path:
    """A folder of this user in the temporary one; a new one when somebody else has made it."""
    folder = Path(tempfile.gettempdir()) / f"fieldservice-numba-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():  # loading machine code that another user put there would run it
        folder = Path(tempfile.mkdtemp(prefix="fieldservice-numba-"))
    return folder


CACHE = cache_folder()


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Compile a function on its first call; it runs without the interpreter's lock.

    Nothing in it may allocate: without that it needs no counting of references, which would take longer than
    the search itself.
    """
    return _compile(function, inline=False)


def inlined[F: Callable[..., Any]](function: F) -> F:
    """`compiled` into every caller: to hand over the arrays takes longer than what the function does."""
    return _compile(function, inline=True)


def _compile[F: Callable[..., Any]](function: F, *, inline: bool) -> F:
    before, config.CACHE_DIR = config.CACHE_DIR, str(CACHE)
    compiler: Any = numba.njit
    try:
        options = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
        return cast(F, compiler(forceinline=inline, **options)(function))
    finally:
        config.CACHE_DIR = before


@inlined
def random_bits(state: Any) -> Any:
    """The next 64 random bits (SplitMix64, Steele, Lea and Flood 2014) of ``state[0].random``."""
    mixed = state[0].random + np.uint64(0x9E3779B97F4A7C15)
    state[0].random = mixed
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@inlined
def random_part(state: Any) -> float:
    """A random number from 0 to 1, 1 excluded."""
    return np.float64(random_bits(state) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@inlined
def random_below(state: Any, count: Any) -> Any:
    """A random whole number from 0 to `count` - 1."""
    return np.int64(random_part(state) * count)
