"""Snakemake's own share of the demo: its process's CPU time against the wall time of the run.

    python benchmarks/scheduler_share.py            from the repository, environment active

Jobs are children of the Snakemake process, so its own CPU time (RUSAGE_SELF: reading the workflow, building the graph,
starting and watching jobs) is what scheduling costs; the wall time is that of the whole run, its output fresh.
"""

import resource
import sys
import tempfile
import time

from snakemake.cli import main


def run() -> None:
    """Run the demo into a temporary folder and print the share."""
    with tempfile.TemporaryDirectory() as root:
        began = time.monotonic()
        try:
            main(["--cores", "2", "--quiet", "all", "--config", f"root={root}/demo"])
        except SystemExit as stop:
            if stop.code:
                raise
        wall = time.monotonic() - began
    own = resource.getrusage(resource.RUSAGE_SELF)
    cpu = own.ru_utime + own.ru_stime
    sys.stdout.write(
        f"wall {wall:.1f} s, Snakemake itself {cpu:.1f} s of CPU: {100 * cpu / wall:.1f} % of the wall time\n"
    )


if __name__ == "__main__":
    run()
