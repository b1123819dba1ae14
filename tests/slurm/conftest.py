"""The cluster, for every test of this folder; each leaves it as it was."""

import pytest
from slurm import session


@pytest.fixture(scope="session")
def cluster():
    """The running cluster; skips with the reason where there can be none."""
    return session.cluster()
