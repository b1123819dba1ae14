"""Faults of a night on a cluster let loose on chains that SLURM runs: what they are afterwards.

    python benchmarks/fault_campaign.py                     at least 60 faults, about 40 minutes; root on Linux
    python benchmarks/fault_campaign.py --each 1 --pairs 1 --minutes 10

Chains of two ranks on two nodes of a private SLURM (tests/slurm) are submitted with `gaugeflow submit`, and while they
compute, jobs are cancelled, queued again, preempted and stopped by their limit, ranks, daemons, nodes and coordinators
are killed, and their disk is filled; then `gaugeflow resume` until the study is done. Seeds decide what happens when.
The record is results/<processor>/fault_campaign.json and a table beside it. Exit code 1 if anything is wrong with any
chain, or faults are left at the end of the time.
"""

import json
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import store

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from slurm.campaign import Campaign
from slurm.cluster import Cluster
from slurm.faults import planned

DISK = 80
"""MB of the file system of one chain."""


def table(record: dict) -> str:
    """The record as Markdown."""
    seconds, chains = record["seconds"], record["chains"]
    rows = [f"| {kind.replace('_', ' ')} | {count} |" for kind, count in record["counts"].items()]
    faults, wrong = sum(len(c["happened"]) for c in chains), sum(bool(c["complaints"]) for c in chains)
    lines = [
        "# Faults on a private SLURM",
        "",
        f"{faults} faults (seed {record['seed']}) on {len(chains)} chains of {record['chunks']} chunks in "
        f"{seconds / 60:.0f} minutes; chains with anything wrong: {wrong}. Left on the nodes: "
        f"{'; '.join(record['left']) or 'nothing'}. Made by `benchmarks/fault_campaign.py`.",
        "",
        "| kind | times |",
        "|---|---|",
        *rows,
        "",
        "| chain | fault | seconds after a saved state | chunk | saved trajectory | what happened |",
        "|---|---|---|---|---|---|",
    ]
    for number, chain in enumerate(chains, 1):
        for fault in chain["happened"]:
            kinds, effects = (" + ".join(fault[key]).replace("_", " ") for key in ("kinds", "effects"))
            place = f"{fault['chunk']} | {fault['trajectory']}"
            lines.append(f"| {number} | {kinds} | {fault['delay']:.2f} | {place} | {effects} |")
    lines += [
        "",
        "| chain | attempts by their end | coordinators | stood still | seconds | wrong |",
        "|---|---|---|---|---|---|",
    ]
    for number, chain in enumerate(chains, 1):
        ends = ", ".join(f"{end} {count}" for end, count in sorted(chain["attempts"].items()))
        wrong, counts = "; ".join(chain["complaints"]) or "nothing", (chain["submissions"], len(chain["stalls"]))
        lines.append(f"| {number} | {ends} | {counts[0]} | {counts[1]} | {chain['seconds']:.0f} | {wrong} |")
    return "\n".join(lines) + "\n"


def what_is_left(cluster: Cluster) -> list[str]:
    """Jobs and processes that are there half a minute after the last chain was finished."""
    with suppress(TimeoutError):
        cluster.wait_for(lambda: not cluster.leftovers() and not cluster.jobs(), "nothing is left")
    return [*cluster.leftovers(), *map(str, cluster.jobs())]


def main() -> int:
    """Run the campaign and keep its record."""
    options = store.parser(__doc__)
    options.add_argument("--seed", type=int, default=7, help="decides which faults come in which order and when")
    options.add_argument("--each", type=int, default=5, help="how often each kind comes alone")
    options.add_argument("--pairs", type=int, default=8, help="how often two kinds come at once")
    options.add_argument("--at-once", type=int, default=3, help="chains side by side")
    options.add_argument("--chunks", type=int, default=3, help="chunks of a chain")
    options.add_argument("--minutes", type=float, default=45.0, help="no chain begins after these")
    chosen = options.parse_args()
    plan = planned(chosen.seed, chosen.each, chosen.pairs)[: 2 if chosen.quick else None]
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.0f} s: {text}\n")

    nodes, disks = 2 * chosen.at_once + 1, (DISK,) * chosen.at_once
    with tempfile.TemporaryDirectory(prefix="gaugeflow_faults_") as folder, Cluster(nodes, disks) as cluster:
        campaign = Campaign(cluster, Path(folder), plan, chunks=chosen.chunks, at_once=8)
        clock = threading.Timer(60 * chosen.minutes, campaign.close)
        clock.daemon = True
        clock.start()
        try:
            campaign.run(chosen.at_once, say)
            left = []
        except ExceptionGroup as failures:
            left = [f"unfinished: {type(error).__name__}: {error}" for error in failures.exceptions]
        clock.cancel()
        left += what_is_left(cluster)
    record = {
        "seed": chosen.seed,
        "chunks": chosen.chunks,
        "seconds": time.monotonic() - began,
        "left": left,
        "counts": dict(campaign.counts()),
        "chains": [outcome.as_json() for outcome in campaign.outcomes],
    }
    store.write(chosen.out, "fault_campaign", record)
    (chosen.out / "fault_campaign.md").write_text(table(json.loads(json.dumps(record))))
    happened = sum(len(outcome.happened) for outcome in campaign.outcomes)
    wrong = [text for outcome in campaign.outcomes for text in outcome.complaints] + left
    say(f"{happened} of {len(plan)} faults happened; {'; '.join(wrong) or 'nothing is wrong'}")
    return int(bool(wrong) or happened < len(plan))


if __name__ == "__main__":
    sys.exit(main())
