"""The private cluster: what it leaves on the machine, and that what is done to its nodes has an effect."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from slurm import session
from slurm.cluster import PREFIX, Cluster
from slurm.configuration import ACCOUNT

pytestmark = pytest.mark.slurm

START = """
import sys, time
sys.path[:0] = {path!r}
from slurm.cluster import Cluster
cluster = Cluster(nodes=1)
print(cluster.folder, flush=True)
time.sleep(60)
"""


def links():
    """Network interfaces of this machine."""
    return sorted(path.name for path in Path("/sys/class/net").iterdir())


def processes_of(folder):
    """Command lines on this machine that name a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(folder) in line and process.pid != os.getpid():
            found.append(line)
    return found


def wait_until(condition):
    """At most ten seconds."""
    for _ in range(100):
        if condition():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def own():
    """A cluster of two nodes and the node with the cards."""
    session.require_installed()
    with Cluster(nodes=2) as cluster:
        yield cluster


def test_a_stopped_cluster_leaves_nothing():
    session.require_installed()
    before = links(), sorted(Path("/etc/slurm").iterdir()), Path("/proc/self/mountinfo").read_text()
    with Cluster(nodes=2) as cluster:
        cluster.run("sbatch", "-A", ACCOUNT, "-o", "/dev/null", "--wrap", f"setsid sleep 1000.25 # {cluster.folder}")
        cluster.wait_for(lambda: "sleep 1000.25" in str(cluster.leftovers()), "the job runs")
        assert processes_of("sleep 1000.25")
    assert not processes_of(cluster.folder)
    assert not processes_of("sleep 1000.25")
    assert not cluster.folder.exists()
    assert before == (links(), sorted(Path("/etc/slurm").iterdir()), Path("/proc/self/mountinfo").read_text())


def test_a_cluster_dies_with_the_process_that_started_it_and_the_next_one_removes_its_folder():
    session.require_installed()
    program = START.format(path=[entry for entry in sys.path if entry])
    starter = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    folder = Path(starter.stdout.readline().strip())
    assert folder.name.startswith(PREFIX)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    assert wait_until(lambda: not processes_of(folder))
    assert folder.exists()
    with Cluster(nodes=1):
        assert not folder.exists()


def test_a_node_without_power_is_missed_and_comes_back(own):
    own.power_off("n1")
    assert own.processes("n1") == []
    own.node_up("n1")
    assert own.run("srun", "-A", ACCOUNT, "-w", "n1", "hostname").stdout.split() == ["n1"]


def test_jobs_live_on_without_slurmd(own):
    own.run("sbatch", "-A", ACCOUNT, "-w", "n2", "-o", "/dev/null", "--wrap", "sleep 3; echo $SLURM_JOB_ID")
    own.wait_for(lambda: any("sleep 3" in line for line in own.leftovers()), "the job runs")
    own.kill_slurmd("n2")
    assert any("sleep 3" in line for line in own.leftovers())
    own.node_up("n2")
    own.wait_for(lambda: not own.jobs(), "the job ends")
    assert own.jobs("FAILED") == []


def test_preempted_jobs_are_queued_again(own):
    own.run("sbatch", "-A", ACCOUNT, "-w", "n2", "-o", "/dev/null", "--wrap", "sleep 30")
    own.wait_for(lambda: own.jobs("RUNNING"), "the job runs")
    result = own.run("srun", "-A", ACCOUNT, "-p", "urgent", "-w", "n2", "hostname")
    assert result.stdout.split() == ["n2"]
    (job,) = own.jobs("PENDING", "RUNNING")
    assert (job["state"], job["partition"]) == ("PENDING", "cpu")
    own.run("scancel", job["id"])
    own.wait_for(lambda: own.leftovers() == [], "nothing is left")
