"""Settings of all tests: skips are counted by reason, so that nothing passes by not running."""

from collections import Counter

import pytest
from kernels import compile_ahead
from parallel_hdf5 import environment
from report import browser
from slurm import session as slurm_session

from workflow import pipeline_run

BROWSED = ("report/test_browser", "workflow/test_pipeline")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin early what takes minutes to install or to compile."""
    names = [] if session.config.option.collectonly else [item.nodeid for item in session.items]
    if any("parallel_hdf5" in name for name in names):
        environment.begin()
    if sum(name.startswith("tests/kernels/") for name in names) >= compile_ahead.ENOUGH:
        compile_ahead.begin()
    if any(part in name for part in BROWSED for name in names):
        browser.begin()
    if any("workflow/test_pipeline" in name for name in names):
        pipeline_run.begin()
    if any(name.startswith("tests/slurm/") for name in names):
        slurm_session.begin(any("slurm/test_demo" in name for name in names))


def pytest_sessionfinish() -> None:
    """Leave no process behind."""
    slurm_session.end()
    environment.end()
    browser.end()
    compile_ahead.end()
    pipeline_run.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests were skipped for which reason."""
    reasons = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
