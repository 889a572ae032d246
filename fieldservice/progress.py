"""How far a long command is, as bars on a terminal or lines in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn


@contextmanager
def map_progress(name: str) -> Iterator[Callable[[str, float], None]]:
    """Yields what `import_map` tells its progress to: the stage and how much of it is done, 0 to 1."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        stages: dict[str, TaskID] = {}

        def tell(stage: str, done: float) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(f"{name}: {stage}", total=1.0)
                if not console.is_terminal:
                    console.print(f"{name}: {stage}")
            bars.update(stages[stage], completed=done)

        yield tell
