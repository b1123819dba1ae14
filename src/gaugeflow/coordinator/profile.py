"""Snakemake's profile of a place, as far as the coordinator has to know it: executor, resources, settings."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaugeflow.config.fields import NAME_PATTERN
from gaugeflow.config.yaml_file import read_yaml
from gaugeflow.errors import ConfigError

FILE_NAMES = ("config.v9+.yaml", "config.yaml")
PLACEHOLDER = r"\bCHANGE_[A-Z_]+"
REPOSITORY = Path(__file__).parents[3]
KEY_PATTERN = r"[a-z][a-z0-9_]*"


@dataclass(frozen=True)
class Profile:
    """A profile: its folder, its file and what that says."""

    folder: Path
    file: Path
    content: Mapping[str, Any]

    @property
    def executor(self) -> str:
        """slurm, local, or another of Snakemake's."""
        return str(self.content.get("executor", "local"))

    @property
    def settings(self) -> dict[str, str]:
        """Entries for --config, written as Snakemake reads them."""
        entries = self.content.get("config") or {}
        if isinstance(entries, Mapping):
            return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in entries.items()}
        pairs = [str(entry).partition("=") for entry in ([entries] if isinstance(entries, str) else entries)]
        if wrong := [key + sign for key, sign, _ in pairs if not sign]:
            raise ConfigError(f"{self.file}: config: got {wrong[0]!r}, wanted KEY=VALUE; correct it")
        return {key: value for key, _, value in pairs}

    def resources(self, rule: str) -> dict[str, Any]:
        """default-resources, and over them what set-resources says for the rule."""
        return _entries(self.content.get("default-resources")) | self.chosen(rule)

    def chosen(self, rule: str) -> dict[str, Any]:
        """What set-resources says for a rule, over what the rule says itself."""
        chosen = self.content.get("set-resources")
        if isinstance(chosen, Mapping):
            return _entries(chosen.get(rule))
        flat = _entries(chosen)  # "rule:resource=value"
        return {k.partition(":")[2]: v for k, v in flat.items() if k.partition(":")[0] == rule}

    @property
    def placeholders(self) -> list[str]:
        """What a site has to fill in and has not."""
        return sorted({found for text in _texts(self.content) for found in re.findall(PLACEHOLDER, text)})


def load_profile(name_or_path: str) -> Profile:
    """A profile by the name of its folder in cluster/, or by path.

    Raises    ConfigError naming the places that were searched and what is there
    """
    places = [Path("cluster"), REPOSITORY / "cluster"]
    candidates = [Path(name_or_path)] if name_or_path else []
    if re.fullmatch(NAME_PATTERN, name_or_path):
        candidates = [*(place / name_or_path for place in places), *candidates]
    for folder in candidates:
        for file in (folder / name for name in FILE_NAMES):
            if file.is_file():
                content = read_yaml(file) or {}
                if not isinstance(content, dict):
                    raise ConfigError(f"{file}: got {type(content).__name__}, wanted a mapping of Snakemake's options")
                return Profile(folder.resolve(), file.resolve(), content)
    known = sorted({file.parent.name for place in places for file in place.glob("[!_]*/config*.yaml")})
    raise ConfigError(
        f"--profile: got {name_or_path!r}, wanted a folder with config.yaml, or one of {', '.join(known) or 'none'} in "
        f"{', '.join(str(place) for place in places)}; to add a site see cluster/README.md"
    )


def _entries(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    pairs = (str(entry).partition("=") for entry in value or ())
    return {key: text for key, _, text in pairs}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    else:
        yield str(value)
