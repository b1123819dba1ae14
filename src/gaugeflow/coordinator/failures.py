"""What went wrong in a run of Snakemake: jobs whose last attempt failed, then errors that only Snakemake saw."""

import re
from pathlib import Path

from gaugeflow.coordinator.attempted import Failure, failures_below
from gaugeflow.coordinator.run_folder import RunFolder

SHOWN = 20
LAST_LINES = 15
REASON_LENGTH = 400
BLOCK = re.compile(r"^Error in (?:rule|group) (?P<rule>[^:\n]+?)(?: \(.*\))?:\n(?P<body>(?:^ +.*\n)+)", re.MULTILINE)
LOG = re.compile(r"^ +log: (?P<log>\S+)", re.MULTILINE)
MESSAGE = re.compile(r"^ +message: (?P<message>.+)$", re.MULTILINE)


def failure_lines(folder: RunFolder, log: Path) -> list[str]:
    """Lines for the end of a failed run: one per job, with exit code, reason and log."""
    failures = failures_below(folder.root, frozenset())
    lines = [failure_text(failure) for failure in failures]
    jobs = {(failure.rule, failure.job) for failure in failures}
    said = log.read_text(encoding="utf-8", errors="replace")
    for block in BLOCK.finditer(said):
        rule, found = block["rule"], LOG.search(block["body"])
        if any(rule == one and _same_job(job, found["log"] if found else "") for one, job in jobs):
            continue
        message = MESSAGE.search(block["body"])
        said_by_snakemake = message["message"] if message and message["message"] != "None" else ""
        reason = said_by_snakemake or (_last_line(folder.root / found["log"]) if found else "") or "failed"
        lines.append(f"{rule}: {reason}; log {found['log'] if found else log}")
    lines = list(dict.fromkeys(lines))
    if not lines:
        return [f"Snakemake failed; its last lines in {log}:", *said.splitlines()[-LAST_LINES:]]
    more = [f".. and {len(lines) - SHOWN} more: gaugeflow status {folder.root}"] if len(lines) > SHOWN else []
    return [f"{len(lines)} jobs failed:" if len(lines) > 1 else "one job failed:", *lines[:SHOWN], *more]


def failure_text(failure: Failure) -> str:
    """One line: rule, job, exit code, reason, log."""
    code = "killed" if failure.exit_code is None else f"exit {failure.exit_code}"
    reason = failure.reason if len(failure.reason) <= REASON_LENGTH else failure.reason[:REASON_LENGTH] + " .."
    return f"{failure.rule} {failure.job}: {code}, attempt {failure.attempts}: {reason}; log {failure.log}"


def _same_job(job: str, log: str) -> bool:
    """Whether Snakemake's log of a rule is that of a job: logs/<rule>/<job>.log."""
    return log.removesuffix(".log").endswith(job)


def _last_line(path: Path) -> str:
    """The last line of a log that says something; empty if there is none."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return ""
    return next((line[:REASON_LENGTH] for line in reversed(lines) if line), "")
