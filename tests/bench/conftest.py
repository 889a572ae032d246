"""The benchmark files of others, where they lie beside the checkout."""

import pytest

from bench.paths import DATA


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Skipped for want of data must not look like passed."""
    if not DATA.exists():
        terminalreporter.section("BENCHMARK FILES ARE MISSING", red=True)
        terminalreporter.line(f"{DATA} does not exist: no instance of the literature was tested.")


@pytest.fixture
def data():
    """The folder of what others made."""
    if not DATA.exists():
        pytest.skip(f"{DATA} does not exist")
    return DATA
