"""A chain that is killed at any moment loses nothing that was saved and ends in the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ensembles import fake_chain

from gaugeflow.ensembles.verify import verify_file

DRIVER = Path(__file__).with_name("kill_driver.py")
EXACT = {"write", "fsync", "rename", "close", "remove"}


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_and_resumed_chunk_equals_the_uninterrupted_one(tmp_path, seed):
    whole, killed = tmp_path / "whole" / "0000.h5", tmp_path / "killed" / "0000.h5"
    fake_chain.run(whole)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(DRIVER), str(killed), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    places = [(place, moment) for place, moment, _ in outcome["kills"]]
    assert outcome["problems"] == []
    assert len(places) >= 20
    assert sum(place in EXACT for place, _ in places) >= 15
    assert {place for place, _ in places} >= EXACT
    assert verify_file(whole).problems == ()
    assert whole.read_bytes() == killed.read_bytes()
    assert os.listdir(killed.parent) == os.listdir(whole.parent) == ["0000.h5"]
