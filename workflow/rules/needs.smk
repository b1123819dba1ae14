"""What jobs need, from the cost model: ranks, memory, minutes, cards, and which steps share a job."""

import signal
import threading
from functools import cache

from gaugeflow.config.needs import (
    cards,
    catalogue_memory_mb,
    chunk_memory_mb,
    chunk_minutes,
    packed_minutes,
    pilot_minutes,
)
from gaugeflow.config.packing import Packing, member_of

# SLURM's warning before the end of a job is for the programs, which save and stop; Snakemake and shells live on.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)

ALL_LANES = 10**6
"""More than a job may have: what limits this resource counts how many steps of a job run side by side."""

if config["bundle"] or config["job_minutes"]:
    # Set here and not in a profile: the Snakemake inside a job would not know it, and ask for more cores than there are.
    workflow.global_resources["lanes"] = max(1, config["bundle"]) if DEVICE == "cpu" else 1

MEMBERS = {name: member_of(found[0][1], [study for study, _ in found]) for name, found in OWNERS.items()}
PACKING = Packing(MEMBERS, config["job_minutes"], config["bundle"])


def ranks(wildcards):
    return ensemble_of(wildcards).ranks


def launch_of(count):
    """Nothing for one rank: it needs no launcher, and the SLURM executor refuses MPI jobs of one task."""

    def launch(wildcards):
        number = count(wildcards)
        return f"{config['launcher']} -n {number}" if number > 1 else ""

    return launch


def mpi_of(count):
    """With this resource the SLURM executor leaves srun to the launcher; without, it starts the one task itself."""

    def mpi(wildcards):
        return config["launcher"] if count(wildcards) > 1 else None

    return mpi


def tasks_of(count):
    """None for one rank: the tasks of steps that run side by side are added up, and each would get all their cores."""

    def tasks(wildcards):
        number = count(wildcards)
        return number if number > 1 else None

    return tasks


launch, mpi, tasks = launch_of(ranks), mpi_of(ranks), tasks_of(ranks)


def job_of_generate(wildcards):
    return PACKING.generate(wildcards.ensemble, int(wildcards.chunk))


def job_of_measure(wildcards):
    return PACKING.measure(wildcards.ensemble, int(wildcards.chunk))


def job_of_flow(wildcards):
    return PACKING.flow(wildcards.ensemble, int(wildcards.chunk))


def job_of_tune(wildcards):
    return PACKING.tune(wildcards.ensemble)


def lanes_of(job):
    """Steps of a chain's job run one after the other, and so does everything on a card."""

    def lanes(wildcards):
        return 1 if DEVICE == "cpu" and PACKING.side_by_side(job(wildcards)) else ALL_LANES

    return lanes


lanes_of_generate, lanes_of_measure = lanes_of(job_of_generate), lanes_of(job_of_measure)
lanes_of_flow, lanes_of_tune = lanes_of(job_of_flow), lanes_of(job_of_tune)


def memory_mb(wildcards, attempt):
    return attempt * _memory_mb(wildcards.ensemble)


@cache
def _memory_mb(name):
    studies, ensembles = zip(*OWNERS[name])
    return chunk_memory_mb(ensembles[0], studies)


def catalogue_mb(wildcards, attempt):
    return catalogue_memory_mb(ensemble_of(wildcards), attempt)


def minutes_alone(wildcards, attempt):
    return attempt * _minutes_alone(wildcards.ensemble)


@cache
def _minutes_alone(name):
    studies, ensembles = zip(*OWNERS[name])
    return chunk_minutes(ensembles[0], studies)


def minutes_of_tune(wildcards, attempt):
    return attempt * pilot_minutes(MEMBERS[wildcards.ensemble].time)


def minutes_of(step, job, starts_its_job):
    """What a step adds to a job of many, or asks for alone."""

    def minutes(wildcards, attempt):
        if job(wildcards) is None:
            return minutes_alone(wildcards, attempt)
        time = MEMBERS[wildcards.ensemble].time
        return packed_minutes(time, step, int(wildcards.chunk), starts_its_job(wildcards))

    return minutes


def starts(wildcards, folder):
    """Whether the job of a chunk begins with it: with its first chunk, or after what an earlier job has done."""
    number = int(wildcards.chunk)
    first, _ = PACKING.block(wildcards.ensemble, number)
    return number == 0 or number == first or os.path.exists(receipt(wildcards.ensemble, folder, number - 1))


def starts_chunks(wildcards):
    return starts(wildcards, "configs")


def starts_series(kind):
    """A series of a chunk begins a job only where the chunk was made before."""

    def starts_its_job(wildcards):
        made_before = os.path.exists(receipt(wildcards.ensemble, "configs", int(wildcards.chunk)))
        return made_before and starts(wildcards, f"{kind}_{wildcards.settings}")

    return starts_its_job


minutes_of_generate = minutes_of("generate", job_of_generate, starts_chunks)
minutes_of_measure = minutes_of("measure", job_of_measure, starts_series("measure"))
minutes_of_flow = minutes_of("flow", job_of_flow, starts_series("flow"))


def card_needs(wildcards):
    return cards(ranks(wildcards), config["cards_per_node"]) if DEVICE != "cpu" else {}


def gpu(wildcards):
    return card_needs(wildcards).get("gpu")


def nodes(wildcards):
    return card_needs(wildcards).get("nodes")


def tasks_per_gpu(wildcards):
    """The SLURM executor would ask for all tasks on every card."""
    return 1 if DEVICE != "cpu" and ranks(wildcards) > 1 else None


def card_for_tuning(wildcards):
    return 1 if DEVICE != "cpu" else None


def attempts_of(step):
    """Options before a command: where each attempt at a step is logged, and what its job was given."""

    def attempts(wildcards, resources):
        parts = [wildcards[key] for key in ("model", "ensemble", "settings", "chunk") if key in wildcards.keys()]
        names = {"runtime": "runtime", "mem_mb": "mem_mb", "tasks": "tasks", "gpus": "gpu"}
        given = {name: resources.get(key) for name, key in names.items()}
        asked = ",".join(f"{name}={value}" for name, value in given.items() if isinstance(value, int))
        folder = shlex.quote(str(Path(LOGS, "attempts", step, *parts)))
        return f"--attempts {folder} --asked {asked}"

    return attempts


attempts_of_tune, attempts_of_catalogue = attempts_of("tune"), attempts_of("catalogue")
attempts_of_generate, attempts_of_measure, attempts_of_flow = map(attempts_of, ("generate", "measure", "flow"))
