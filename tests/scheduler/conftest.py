"""The benchmark files of others, where they lie beside the checkout."""

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[3] / "shared" / "data" / "benchmarks"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Skipped for want of data must not look like passed."""
    if not BENCHMARKS.exists():
        terminalreporter.section("BENCHMARK FILES ARE MISSING", red=True)
        terminalreporter.line(f"{BENCHMARKS} does not exist: no converter was tested on real files.")


@pytest.fixture
def benchmarks() -> Path:
    """The folder of benchmark files."""
    if not BENCHMARKS.exists():
        pytest.skip(f"{BENCHMARKS} does not exist")
    return BENCHMARKS
