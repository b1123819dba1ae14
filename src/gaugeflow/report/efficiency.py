"""What jobs asked for and what they used, from the logs of all attempts at them.

JOB_LOGS/<stage>/<ensemble id>/../<n>.jsonl        see jobs/attempts.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gaugeflow.jobs.attempt import Attempt, all_attempts
from gaugeflow.report.detail_tables import MISSING, DetailTable
from gaugeflow.report.wording import count_text, time_text

STAGES = ("tune", "generate", "catalogue", "measure", "flow")

COLUMNS = (
    "ensemble", "stage", "attempts", "ended otherwise than done", "wall time", "of the time asked for",
    "memory / MB", "of the memory asked for", "MPI", "files", "CPU",
)  # fmt: skip

CAPTION = (
    "All attempts at all jobs of a stage, from their logs. Stopped: told to, with the state saved; no end: killed. "
    "Wall time and its share of what was asked for are sums over attempts. Memory is the largest of rank 0, and its "
    "share that of what was asked for per rank. MPI, files, CPU: shares of rank 0's wall time in attempts that ended: "
    "in calls of MPI; reading, writing and verifying files; computing, which is above 100 % with threads."
)


def efficiency_table(results: dict[str, Any], job_logs: Path) -> DetailTable | None:
    """One row per ensemble and stage of which an attempt is known; None where there is none.

    Raises    FileError if a log cannot be read
    """
    rows = []
    for entry in results["ensembles"]:
        for stage in STAGES:
            if attempts := all_attempts(job_logs / stage / entry["ensemble_id"]):
                rows.append((entry["label"], stage, *_row(attempts)))
    return DetailTable("Asked for and used", CAPTION, COLUMNS, tuple(rows)) if rows else None


def _row(attempts: Sequence[Attempt]) -> tuple[str, ...]:
    timed = [attempt for attempt in attempts if attempt.asked.get("runtime")]
    ends = [attempt.end for attempt in attempts if attempt.end is not None]
    seconds = sum(end["seconds"] for end in ends)
    memory_shares = _memory_shares(attempts)
    memory = max((end["max_rss_mb"] for end in ends), default=None)
    return (
        str(len(attempts)),
        _outcomes(attempts),
        time_text(sum(attempt.seconds for attempt in attempts)),
        _percent(sum(attempt.seconds for attempt in timed), 60 * sum(attempt.asked["runtime"] for attempt in timed)),
        count_text(memory),
        _percent(max(memory_shares), 1.0) if memory_shares else MISSING,
        *(_percent(sum(end[name] for end in ends), seconds) for name in ("mpi_seconds", "io_seconds", "cpu_seconds")),
    )


def _outcomes(attempts: Sequence[Attempt]) -> str:
    """How attempts ended that did not finish their job: "2 stopped, 1 no end"."""
    found = [attempt.outcome for attempt in attempts]
    counts = [(name, found.count(name)) for name in ("stopped", "failed", "no end")]
    return ", ".join(f"{count} {name}" for name, count in counts if count) or "none"


def _memory_shares(attempts: Sequence[Attempt]) -> list[float]:
    """Rank 0's memory over an equal part of what the job was given, of the attempts of which both are known."""
    return [
        attempt.end["max_rss_mb"] * max(1, attempt.asked.get("tasks", 1)) / attempt.asked["mem_mb"]
        for attempt in attempts
        if attempt.end is not None and attempt.asked.get("mem_mb")
    ]


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3g} %" if whole else MISSING
