"""SLURM as its programs tell it: squeue, scancel, sinfo, sbatch, started with argument lists and never by a shell."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gaugeflow.errors import ConfigError, FileError

JOB_FIELDS = "%A|%j|%T|%Z|%r|%M|%l|%k"  # the comment last: it may hold anything
PARTITION_FIELDS = "%R|%a|%l|%c|%m"
ANSWER_SECONDS = 120.0
POLL_SECONDS = 2.0
CANCELLED_AT_ONCE = 200  # job ids on one command line

FINISHED = frozenset(
    [
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    ]
)
WAITING = frozenset({"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"})


@dataclass(frozen=True)
class Job:
    """A job that the scheduler knows: its name, state, working folder, and why it waits.

    elapsed, limit    as squeue prints them: [days-]hours:minutes:seconds
    comment           of Snakemake's plugin: rule_<rule>_wildcards_<values>
    """

    job_id: str
    name: str
    state: str
    folder: str
    reason: str
    elapsed: str
    limit: str
    comment: str

    @property
    def waits(self) -> bool:
        """Whether it has not begun to run."""
        return self.state in WAITING


@dataclass(frozen=True)
class Partition:
    """A partition: up or down, longest run, cores and MB of memory of its nodes, as sinfo prints them."""

    name: str
    available: str
    time_limit: str
    cores: str
    memory_mb: str


@dataclass(frozen=True)
class Request:
    """What one job asks for; empty text and 0: not said.

    runtime      minutes
    extra        further words for sbatch
    """

    account: str = ""
    partition: str = ""
    qos: str = ""
    memory_mb: int = 0
    tasks: int = 1
    runtime: int = 0
    gpus: int = 0
    extra: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Arguments of sbatch."""
        named = {"--account": self.account, "--partition": self.partition, "--qos": self.qos}
        numbers = {"--mem": self.memory_mb, "--ntasks": self.tasks, "--time": self.runtime, "--gpus": self.gpus}
        said = [f"{option}={value}" for option, value in {**named, **numbers}.items() if value]
        return [*said, *self.extra]


def present() -> bool:
    """Whether the scheduler's programs are installed here."""
    return shutil.which("squeue") is not None


def jobs_of(prefix: str) -> tuple[Job, ...]:
    """This user's unfinished jobs whose name is `prefix`, or begins with it and an underscore.

    Raises    FileError if squeue does not answer
    """
    asked = ["squeue", "--noheader", f"--user={os.getuid()}", "--states=all", f"--format={JOB_FIELDS}"]
    lines = _answer(asked).splitlines()
    found = [Job(*parts) for line in lines if len(parts := line.split("|", 7)) == 8]
    ours = [job for job in found if job.name == prefix or job.name.startswith(f"{prefix}_")]
    return tuple(job for job in ours if job.state not in FINISHED)


def cancel(job_ids: Iterable[str]) -> None:
    """Tell the scheduler to end these jobs; those that have ended already are no fault.

    Raises    FileError if scancel fails
    """
    ids = list(job_ids)
    for first in range(0, len(ids), CANCELLED_AT_ONCE):
        _answer(["scancel", *ids[first : first + CANCELLED_AT_ONCE]], harmless="Invalid job id")


def wait_until_gone(
    prefix: str, keep: Callable[[Job], bool] = lambda job: False, say: Callable[[int], None] = lambda count: None
) -> None:
    """Return when no job of this prefix is left but those that `keep` names; `say` is told the count at each look.

    Raises    FileError if squeue does not answer
    """
    pause = POLL_SECONDS / 4
    while left := [job for job in jobs_of(prefix) if not keep(job)]:
        say(len(left))
        time.sleep(pause)
        pause = min(1.5 * pause, 15 * POLL_SECONDS)


def partitions() -> tuple[Partition, ...]:
    """All partitions.

    Raises    FileError if sinfo is not there or does not answer
    """
    lines = _answer(["sinfo", "--noheader", f"--format={PARTITION_FIELDS}"]).splitlines()
    found = [Partition(*(part.strip() for part in parts)) for line in lines if len(parts := line.split("|")) == 5]
    return tuple({partition.name: partition for partition in found}.values())


def check_request(request: Request) -> str:
    """What sbatch says against a job that asks for this; empty if it would be taken. Nothing is submitted.

    Raises    FileError if sbatch is not there
    """
    result = run(["sbatch", "--test-only", *request.words(), "--wrap=true"])
    if result.returncode == 0:
        return ""
    said = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    return "; ".join(line.removeprefix("sbatch: ").removeprefix("error: ") for line in said) or "sbatch gave no reason"


def submit(name: str, command: str, request: Request, *, folder: str, output: str) -> str:
    """Submit a shell line (made with shlex.join) as a job; returns its id.

    folder, output    working folder, and the file that takes what it prints

    Raises            ConfigError with the scheduler's words if it refuses
    """
    words = [f"--job-name={name}", f"--chdir={folder}", f"--output={output}", "--open-mode=append", *request.words()]
    result = run(["sbatch", "--parsable", *words, f"--wrap={command}"])
    if result.returncode:
        raise ConfigError(f"sbatch refused job {name} ({' '.join(request.words())}): {result.stderr.strip()}")
    return result.stdout.strip().split(";")[0]


def _answer(command: Sequence[str], harmless: str = "") -> str:
    result = run(command)
    if result.returncode and not (harmless and harmless.lower() in result.stderr.lower()):
        raise FileError(
            f"{command[0]}: failed ({result.stderr.strip()}); is the scheduler up? Run it by hand, try again"
        )
    return result.stdout


def run(command: Sequence[str], seconds: float = ANSWER_SECONDS) -> subprocess.CompletedProcess[str]:
    """Run one of SLURM's programs and wait at most so long.

    Raises    FileError if it cannot be started or does not answer
    """
    pipes = {"capture_output": True, "text": True, "errors": "replace", "stdin": subprocess.DEVNULL}
    try:
        return subprocess.run(command, timeout=seconds, check=False, **pipes)
    except OSError as error:
        raise FileError(
            f"{command[0]}: cannot be started ({error.strerror}); is this a node from which SLURM jobs are submitted? "
            "Load the site's SLURM module, or use a profile without executor: slurm"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise FileError(
            f"{command[0]}: timed out, no answer in {seconds:.0f} s; is the scheduler up? Try again"
        ) from error
