"""What must hold for a chain after its faults."""

from collections import defaultdict
from datetime import datetime
from pathlib import Path

from slurm.chain import Chain, content_hash

from gaugeflow.jobs.attempt import Attempt, all_attempts

CLOCK = 0.05
"""Seconds by which the witness may see a state after an attempt that started from it: both read one clock."""


def complaints(chain: Chain, wanted: list[str]) -> list[str]:
    """Everything that is wrong; `wanted` are the content hashes of the uninterrupted chain."""
    return [*_other_links(chain, wanted), *_computed_again(chain), *_unsound(chain), *_left(chain)]


def _configs(chain: Chain) -> Path:
    (folder,) = chain.files.glob("data/ensembles/*/configs")
    return folder


def _other_links(chain: Chain, wanted: list[str]) -> list[str]:
    found = [content_hash(_configs(chain) / f"{chunk:04d}.h5") for chunk in range(chain.chunks)]
    return [f"chunk {chunk} has other content" for chunk in range(chain.chunks) if found[chunk] != wanted[chunk]]


def _computed_again(chain: Chain) -> list[str]:
    """Attempts that started before a state, or a file, which the witness had seen by then."""
    found = [] if attempts(chain) else ["no attempt was recorded"]
    for attempt in attempts(chain):
        for entry in attempt.chunks:
            began, chunk = datetime.fromisoformat(entry["time"]).timestamp(), entry["chunk"]
            before = [s for s in chain.seen if s.chunk == chunk and s.time < began - CLOCK]
            if _computed(attempt) and any(s.trajectory is None for s in before):
                found.append(f"{attempt.path}: computed chunk {chunk} again, which was complete")
            saved = max((s.trajectory for s in before if s.trajectory is not None), default=None)
            started = entry["continued_after"]
            if saved is not None and (started is None or started < saved) and _computed(attempt):
                found.append(f"{attempt.path}: went on after trajectory {started}, {saved} was saved")
    return found


def attempts(chain: Chain) -> list[Attempt]:
    """Attempts at chunks of the chain, with what they worked on."""
    return [attempt for attempt in all_attempts(chain.files / "logs" / "attempts" / "generate") if attempt.chunks]


def _computed(attempt: Attempt) -> bool:
    """Whether an attempt computed anything; one without an end may have."""
    return attempt.end is None or bool(attempt.end["trajectories"])


def outcomes(chain: Chain) -> dict[str, int]:
    """How many attempts ended how: done, stopped, failed, no end (killed)."""
    out: dict[str, int] = defaultdict(int)
    for attempt in attempts(chain):
        out[attempt.outcome] += 1
    return dict(out)


def _unsound(chain: Chain) -> list[str]:
    files = sorted(chain.files.glob("data/ensembles/*/*/*.h5"))
    inside = [str(chain.root / path.relative_to(chain.files)) for path in files]
    said = chain.cluster.run("gaugeflow", "check", *inside)
    return [] if said.returncode == 0 else [f"gaugeflow check: {said.stdout}{said.stderr}"]


def _left(chain: Chain) -> list[str]:
    scratch = [*chain.files.rglob("*.partial"), *chain.files.rglob("*.tmp*"), *chain.files.rglob("*.lock")]
    scratch = [path for path in scratch if ".snakemake" not in path.parts]
    found = [f"left behind: {path.relative_to(chain.files)}" for path in scratch]
    return found + [f"job left behind: {job}" for job in chain.all_jobs()]
