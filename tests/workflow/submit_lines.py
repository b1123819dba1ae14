"""Snakemake up to the point where the SLURM executor would submit: prints one JSON line per job, and ends.

python submit_lines.py ARGUMENTS OF SNAKEMAKE
"""

import json
import os
import shlex
import sys

import snakemake.cli
from snakemake_executor_plugin_slurm import Executor
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string

NOTHING = ("run_uuid", "slurm_logfile", "comment_str", "account", "partition", "workdir")


def show(executor, jobs):
    """What is asked for each job, and its steps, with the executor's own functions."""
    for job in jobs:
        line = get_submit_command(job, dict.fromkeys(NOTHING, "")) + set_gres_string(job)
        members = job.jobs if job.is_group() else [job]
        steps = sorted([step.rule.name, step.wildcards.ensemble, step.wildcards.chunk] for step in members)
        print(
            "SUBMIT",
            json.dumps({"line": shlex.split(line), "mpi": job.resources.get("mpi") is not None, "steps": steps}),
        )
    sys.stdout.flush()
    os._exit(0)


Executor.run_jobs = show
snakemake.cli.main(sys.argv[1:])
