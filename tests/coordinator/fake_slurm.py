"""A scheduler of four shell scripts in PATH: jobs are lines of a file, what was asked is written down."""

import stat
from pathlib import Path

SQUEUE = 'cat "$FAKE_SLURM/jobs"\n'
SINFO = 'echo "batch|up|1-00:00:00|64|256000"\necho "short*|up|30:00|64|256000" | tr -d "*"\n'
SCANCEL = """for id in "$@"; do
  echo "$id" >> "$FAKE_SLURM/cancelled"
  grep -v "^$id|" "$FAKE_SLURM/jobs" > "$FAKE_SLURM/jobs.new" || true
  mv "$FAKE_SLURM/jobs.new" "$FAKE_SLURM/jobs"
done
"""
SBATCH = """printf '%s\\n' "$@" "" >> "$FAKE_SLURM/sbatch"
refuse() { echo "sbatch: error: $1" >&2; exit 1; }
for word in "$@"; do
  case "$word" in
    --account=mistyped) refuse "Batch job submission failed: Invalid account or account/partition combination specified";;
    --mem=*) [ "${word#--mem=}" -gt 256000 ] && refuse "Batch job submission failed: Requested node configuration is not available";;
    --time=*) [ "${word#--time=}" -gt 1440 ] && refuse "Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)";;
  esac
done
echo 4711
"""  # noqa: E501

PROFILE = """executor: slurm
jobs: 10
default-resources:
  slurm_account: "{account}"
  slurm_partition: "{partition}"
  runtime: 30
  mem_mb: 2000
"""


class FakeSlurm:
    """The scripts in a folder, what they know and what they were told."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir(parents=True)
        for name, text in {"squeue": SQUEUE, "sinfo": SINFO, "scancel": SCANCEL, "sbatch": SBATCH}.items():
            path = self.bin / name
            path.write_text(f"#!/bin/bash\n{text}")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.set_jobs()

    def set_jobs(self, *jobs: tuple[str, str, str], comment: str = "") -> None:
        """Jobs as (number, name, state)."""
        lines = [f"{number}|{name}|{state}|/work|None|1:00|30:00|{comment}\n" for number, name, state in jobs]
        (self.folder / "jobs").write_text("".join(lines))

    @property
    def numbers(self) -> list[str]:
        """Jobs that are left."""
        return [line.split("|")[0] for line in (self.folder / "jobs").read_text().splitlines()]

    @property
    def cancelled(self) -> list[str]:
        """Numbers given to scancel."""
        return self._lines("cancelled")

    @property
    def asked(self) -> list[list[str]]:
        """Arguments of every call of sbatch."""
        calls = "\n".join(self._lines("sbatch")).split("\n\n")
        return [call.strip().split("\n") for call in calls if call.strip()]

    def profile(self, account: str = "physics", partition: str = "batch") -> Path:
        """A profile for it."""
        folder = self.folder / "profile"
        folder.mkdir(exist_ok=True)
        (folder / "config.yaml").write_text(PROFILE.format(account=account, partition=partition))
        return folder

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().split("\n") if path.exists() else []
