"""Snakemake's command line of a submission, as a list of arguments."""

import json
import re
import sys
from pathlib import Path

from gaugeflow.coordinator.profile import KEY_PATTERN, REPOSITORY, Profile
from gaugeflow.coordinator.run_folder import RunFolder, RunRecord
from gaugeflow.errors import ConfigError

OURS = ("root", "scale", "studies")
FIXED = frozenset(
    [
        "-s",
        "--snakefile",
        "-d",
        "--directory",
        "--profile",
        "--workflow-profile",
        "-C",
        "--config",
        "--configfile",
        "--configfiles",
        "--unlock",
        "-e",
        "--executor",
        "--slurm-jobname-prefix",
        "-n",
        "--dry-run",
        "--nolock",
    ]
)
"""Options that decide where a run is, or that several coordinators keep apart."""

STUDY_PATTERN = r"[A-Za-z0-9._/+-]+"


def snakefile() -> Path:
    """The workflow: of the repository from which gaugeflow runs, or of the working folder.

    Raises    ConfigError if there is none
    """
    places = [REPOSITORY / "Snakefile", Path("Snakefile").absolute()]
    for place in places:
        if place.is_file() and (place.parent / "workflow" / "rules").is_dir():
            return place
    raise ConfigError(
        f"no Snakefile with workflow/rules at {places[0]} or {places[1]}; run gaugeflow from a clone of its repository"
    )


def snakemake(record: RunRecord, folder: RunFolder, profile: Profile, *more: str) -> list[str]:
    """Arguments that run a submission in its root; the profile's own settings are repeated, --config replaces them."""
    settings = profile.settings | dict(record.settings)
    # Paths are quoted for YAML, in which --config is read.
    settings |= {"root": ".", "scale": record.scale, "studies": json.dumps([record.study])}
    line = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile()), "--directory", str(folder.root)]
    line += ["--workflow-profile", "none", "--profile", str(profile.folder)]
    if profile.executor == "slurm":
        line += ["--slurm-jobname-prefix", folder.prefix]
    if not any(profile.content.get(key) for key in ("ignore-incomplete", "rerun-incomplete")):
        line += ["--ignore-incomplete"]  # what exists is complete: every file appears in one step
    line += [*record.options, *more]
    return [*line, "--config", *(f"{key}={value}" for key, value in settings.items())]


def checked_settings(pairs: list[str]) -> dict[str, str]:
    """KEY=VALUE of the command line, as a mapping.

    Raises    ConfigError
    """
    found = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not re.fullmatch(KEY_PATTERN, key) or "\n" in value:
            raise ConfigError(f"--config: got {pair!r}, wanted KEY=VALUE with a key of workflow/config.yaml")
        if key in OURS:
            raise ConfigError(f"--config {key}: is what --root, --scale and STUDY say; leave it out")
        found[key] = value
    return found


def checked_options(options: list[str]) -> tuple[str, ...]:
    """Further arguments of Snakemake, without those that would move the run.

    Raises    ConfigError
    """
    for option in options:
        if option.partition("=")[0] in FIXED:
            raise ConfigError(f"{option}: gaugeflow chooses it for every run; leave it out, or call snakemake by hand")
    return tuple(options)


def checked_study(path: Path) -> str:
    """Absolute path of a study's file, fit for the workflow.

    Raises    ConfigError
    """
    text = str(path.absolute().resolve())
    if not re.fullmatch(STUDY_PATTERN, text):
        raise ConfigError(f"study: got path {text!r}, wanted the form {STUDY_PATTERN}; move or rename its folder")
    return text
