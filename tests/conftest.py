"""Settings of all tests: skips are counted by reason, so that nothing passes by not running."""

from collections import Counter

import pytest
from parallel_hdf5 import environment


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin early what takes a minute to install."""
    if not session.config.option.collectonly and any("parallel_hdf5" in item.nodeid for item in session.items):
        environment.begin()


def pytest_sessionfinish() -> None:
    """Leave no process behind."""
    environment.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests were skipped for which reason."""
    reasons = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
