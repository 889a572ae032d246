"""How far a long command is, as bars on a terminal or lines in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

LAST_STAGE = "finish"


@contextmanager
def map_progress(name: str) -> Iterator[Callable[[str, float], None]]:
    """Yields what `import_map` tells its progress to: the stage and how much of it is done, 0 to 1.

    The bars are drawn from the first word to the last, so that lines may be printed before and after.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    bars = Progress(*columns, console=console, disable=not console.is_terminal)
    stages: dict[str, TaskID] = {}

    def tell(stage: str, done: float) -> None:
        if stage not in stages:
            bars.start()
            stages[stage] = bars.add_task(f"{name}: {stage}", total=1.0)
            if not console.is_terminal:
                console.print(f"{name}: {stage}")
        bars.update(stages[stage], completed=done)
        if stage == LAST_STAGE and done >= 1:
            bars.stop()

    try:
        yield tell
    finally:
        bars.stop()
