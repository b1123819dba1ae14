"""Fixed provenance: files are compared byte for byte, and the repository may change while tests run."""

import pytest

from gaugeflow.ensembles.provenance import COMMIT_VARIABLE


@pytest.fixture(autouse=True)
def fixed_commit(monkeypatch):
    monkeypatch.setenv(COMMIT_VARIABLE, "0" * 40)
