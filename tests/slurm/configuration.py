"""slurm.conf of the private cluster: imaginary nodes, short waits, no accounting."""

import os
from dataclasses import dataclass
from pathlib import Path

NETWORK = "10.77.0"
LOGIN = "login"
LOGIN_ADDRESS = f"{NETWORK}.254"
ACCOUNT = "project"
CARDS = 3
KILL_WAIT = 5
"""Seconds between the SIGTERM of a job at its limit and SIGKILL."""

REQUEUE_WAIT = 5

NODE_SILENCE = 10
"""Seconds after which a node whose slurmd does not answer is down."""


_ACCOUNTS = f"""
-- Without an accounting database SLURM takes any account; this refuses as it would with one.
function slurm_job_submit(job, partitions, user)
  if job.account == "{ACCOUNT}" then return slurm.SUCCESS end
  return slurm.ESLURM_INVALID_ACCOUNT
end
function slurm_job_modify(job, record, partitions, user) return slurm.SUCCESS end
return slurm.SUCCESS
"""


@dataclass(frozen=True)
class Layout:
    """A folder of the cluster and its nodes: of one core each, so that the ranks of a job are on as many nodes.

    folder    everything of the cluster lies here
    nodes     number of nodes, called n1, n2, ..; one more has the cards, and as many cores
    memory    imaginary MB of each
    """

    folder: Path
    nodes: int = 5
    memory: int = 8000

    @property
    def names(self) -> list[str]:
        """Names of the nodes."""
        return [f"n{number}" for number in range(1, self.nodes + 2)]

    def address(self, node: str) -> str:
        """Internet address of a node."""
        return f"{NETWORK}.{node[1:]}"


def write(layout: Layout) -> None:
    """Write slurm.conf, gres.conf, hosts and the folders that they name."""
    folder = layout.folder
    for name in ("etc", "run", "log", "state", "spool", "munge", "disks", *(f"spool/{node}" for node in layout.names)):
        (folder / name).mkdir()
    (folder / "munge").chmod(0o700)
    key = folder / "munge" / "key"
    key.touch(0o600)
    key.write_bytes(os.urandom(1024))
    (folder / "etc" / "slurm.conf").write_text(_slurm_conf(layout))
    (folder / "etc" / "gres.conf").write_text(f"NodeName={layout.names[-1]} Name=gpu Count={CARDS} {_card_files()}\n")
    (folder / "etc" / "job_submit.lua").write_text(_ACCOUNTS)
    (folder / "etc" / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    (folder / "etc" / "plugstack.conf").write_text("")
    hosts = ["127.0.0.1 localhost", f"{LOGIN_ADDRESS} {LOGIN}"]
    hosts += [f"{layout.address(node)} {node}" for node in layout.names]
    (folder / "hosts").write_text("\n".join(hosts) + "\n")


def _card_files() -> str:
    """Device files of the fake cards; SLURM wants each to be another one."""
    return "File=/dev/null,/dev/zero,/dev/full"


def _slurm_conf(layout: Layout) -> str:
    folder, last = layout.folder, layout.names[-1]
    every = f"n[1-{layout.nodes}]"
    lines = [
        "ClusterName=gaugeflow",
        f"SlurmctldHost={LOGIN}({LOGIN_ADDRESS})",
        "SlurmUser=root",
        "SlurmdUser=root",
        "AuthType=auth/munge",
        # a job that was put back in the queue waits as long as a credential lives: two minutes if nothing is said
        f"AuthInfo=socket={folder}/run/munge.socket,cred_expire={REQUEUE_WAIT}",
        f"StateSaveLocation={folder}/state",
        f"SlurmdSpoolDir={folder}/spool/%n",
        f"SlurmctldPidFile={folder}/run/slurmctld.pid",
        f"SlurmdPidFile={folder}/run/slurmd-%n.pid",
        f"SlurmctldLogFile={folder}/log/slurmctld.log",
        f"SlurmdLogFile={folder}/log/slurmd-%n.log",
        # no systemd and no control groups in a namespace
        "ProctrackType=proctrack/linuxproc",
        "TaskPlugin=task/none",
        "JobAcctGatherType=jobacct_gather/none",
        "SwitchType=switch/none",
        "MpiDefault=none",
        # nodes have the cores and the memory that are written here
        "SlurmdParameters=config_overrides",
        "PropagateResourceLimits=NONE",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_Core_Memory",
        "GresTypes=gpu",
        "SchedulerType=sched/backfill",
        "SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0",
        "PriorityType=priority/basic",
        "PreemptType=preempt/partition_prio",
        "PreemptMode=REQUEUE",
        "JobRequeue=1",
        "ReturnToService=2",
        f"KillWait={KILL_WAIT}",
        f"SlurmdTimeout={NODE_SILENCE}",
        "SlurmctldTimeout=30",
        "BatchStartTimeout=5",
        "CompleteWait=0",
        "Waittime=0",
        "InactiveLimit=0",
        "MinJobAge=300",
        "AccountingStorageType=accounting_storage/none",
        "JobSubmitPlugins=lua",
        "EnforcePartLimits=ALL",
    ]
    for node in layout.names:
        cards, cores = (f" Gres=gpu:{CARDS}", CARDS) if node == last else ("", 1)
        lines.append(
            f"NodeName={node} NodeHostname={node} NodeAddr={layout.address(node)} CPUs={cores} Boards=1 "
            f"SocketsPerBoard=1 CoresPerSocket={cores} ThreadsPerCore=1 RealMemory={layout.memory}{cards}"
        )
    limits = "DefaultTime=5 State=UP"
    lines += [
        f"PartitionName=cpu Nodes={every} Default=YES MaxTime=1440 PriorityTier=1 {limits}",
        f"PartitionName=short Nodes={every} MaxTime=2 PriorityTier=1 DefaultTime=1 State=UP",
        f"PartitionName=gpu Nodes={last} MaxTime=360 PriorityTier=1 {limits}",
        f"PartitionName=urgent Nodes={every} MaxTime=360 PriorityTier=10 PreemptMode=OFF {limits}",
    ]
    return "\n".join(lines) + "\n"
