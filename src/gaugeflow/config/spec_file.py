"""spec.json: the request of an ensemble, its identity and the spec that runs, with tuned numbers filled in."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaugeflow.config.canonical import canonical_json, sha256_text
from gaugeflow.config.ensemble import EnsembleSpec, ensemble_id, resolved
from gaugeflow.config.explain import validated
from gaugeflow.config.foreign import ForeignSpec, foreign_id
from gaugeflow.config.study import Ensemble
from gaugeflow.errors import ConfigError, FileError

KEYS = {"spec", "request", "ensemble_id", "tuning"}


@dataclass(frozen=True)
class SpecFile:
    """Content of a spec.json; `text` is its canonical JSON and `sha256` the hash of that text.

    spec, request    of a chain: EnsembleSpec; of other codes' files: ForeignSpec, one and the same
    """

    spec: Any
    request: Any
    ensemble_id: str
    tuning: dict[str, Any] | None
    text: str

    @property
    def sha256(self) -> str:
        """Hash of the canonical text (64 hexadecimal characters)."""
        return sha256_text(self.text)

    def identity(self, chunk: int) -> dict[str, Any]:
        """What the log of a job says of the chunk it works on; `spec` is enough to write the spec.json again."""
        seed = getattr(self.spec, "seed", None)  # files of other codes have none
        return {"ensemble_id": self.ensemble_id, "chunk": chunk, "seed": seed, "spec": json.loads(self.text)}


def make_spec(ensemble: Ensemble, tuning: dict[str, Any] | None) -> SpecFile:
    """Resolve the spec of an ensemble.

    tuning   content of the ensemble's tuning.json with at least `ensemble_id` and `n_steps`; None if nothing is tuned

    Raises  ConfigError if a tuning is missing, not asked for, or of another ensemble
    """
    request, n_steps = ensemble.spec, None
    if isinstance(request, ForeignSpec):
        if tuning is not None:
            raise ConfigError(
                f"{ensemble.ensemble_id}: tuning: got one, wanted none: files of other codes have no sampler"
            )
        return foreign_spec(request)
    if request.tuned != (tuning is not None):
        got, wanted = ("none", "the file that gaugeflow tune writes") if request.tuned else ("one", "none")
        raise ConfigError(f"{ensemble.ensemble_id}: tuning: got {got}, wanted {wanted}; n_steps decides, see --tuning")
    if tuning is not None:
        if tuning.get("ensemble_id") != ensemble.ensemble_id:
            raise ConfigError(
                f"tuning: got a file of ensemble {tuning.get('ensemble_id')}, wanted {ensemble.ensemble_id}; "
                "run gaugeflow tune"
            )
        n_steps = tuning.get("n_steps")
        if isinstance(n_steps, bool) or not isinstance(n_steps, int) or n_steps < 1:
            raise ConfigError(f"tuning: n_steps: got {n_steps!r}, wanted a positive integer; run gaugeflow tune again")
    content = {
        "spec": resolved(request, n_steps).model_dump(mode="json"),
        "request": request.model_dump(mode="json"),
        "ensemble_id": ensemble.ensemble_id,
        "tuning": tuning,
    }
    return read_spec_text(canonical_json(content))


def foreign_spec(spec: ForeignSpec) -> SpecFile:
    """The spec file of an ensemble of files: nothing is resolved, spec and request are equal."""
    dumped = spec.model_dump(mode="json")
    content = {"spec": dumped, "request": dumped, "ensemble_id": foreign_id(spec), "tuning": None}
    return read_spec_text(canonical_json(content))


def write_spec(path: str | os.PathLike[str], ensemble: Ensemble, tuning: dict[str, Any] | None) -> SpecFile:
    """Write the resolved spec of an ensemble as indented JSON, atomically, and return it; arguments of make_spec.

    Raises  what make_spec raises, FileError if the file cannot be written
    """
    spec_file = make_spec(ensemble, tuning)
    _write_atomically(Path(path), json.dumps(json.loads(spec_file.text), indent=2, sort_keys=True) + "\n")
    return spec_file


def read_spec(path: str | os.PathLike[str]) -> SpecFile:
    """Read a spec.json.

    Raises  FileError if it cannot be read or is not a spec whose id belongs to its request
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}); make it with gaugeflow spec") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: not a text file; make it with gaugeflow spec") from error
    return read_spec_text(text, where=str(path))


def read_spec_text(text: str, where: str = "spec") -> SpecFile:
    """Parse the JSON text of a spec, as stored in spec.json and in every HDF5 file.

    Raises  FileError naming what is wrong, with `where` in front
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{where}: not JSON ({error}); make it with gaugeflow spec") from error
    if not isinstance(content, dict) or set(content) != KEYS:
        got = ", ".join(sorted(content)) if isinstance(content, dict) else type(content).__name__
        raise FileError(
            f"{where}: got {got or 'nothing'}, wanted the keys {', '.join(sorted(KEYS))}; make it with gaugeflow spec"
        )
    try:
        spec = _validated(content["spec"], f"{where}: spec")
        request = _validated(content["request"], f"{where}: request")
    except ConfigError as error:
        raise FileError(str(error)) from error
    try:
        canonical = canonical_json(content)
    except ValueError as error:
        raise FileError(f"{where}: tuning: not a finite number ({error}); make it again") from error
    _check_identity(spec, request, content, where)
    return SpecFile(spec, request, content["ensemble_id"], content["tuning"], canonical)


def _validated(content: Any, where: str) -> EnsembleSpec | ForeignSpec:
    """A chain, or files of other codes: the latter say so under `kind`."""
    if isinstance(content, dict) and content.get("kind") == "foreign":
        return validated(ForeignSpec, content, where)
    return validated(EnsembleSpec, content, where)


def _check_identity(
    spec: EnsembleSpec | ForeignSpec, request: EnsembleSpec | ForeignSpec, content: dict[str, Any], where: str
) -> None:
    wanted = foreign_id(request) if isinstance(request, ForeignSpec) else ensemble_id(request)
    if content["ensemble_id"] != wanted:
        raise FileError(
            f"{where}: got ensemble_id {content['ensemble_id']!r}, wanted {wanted}; the file was edited: make it again"
        )
    if isinstance(request, ForeignSpec) or isinstance(spec, ForeignSpec):
        if spec != request or content["tuning"] is not None:
            raise FileError(f"{where}: spec and request differ, or files have a tuning; make it again")
        return
    n_steps = getattr(spec.sampler, "n_steps", None) if request.tuned else None
    if spec.tuned or resolved(request, n_steps) != spec:
        raise FileError(
            f"{where}: spec and request differ in more than the seed made from the request and the n_steps that were "
            "tuned; the file was edited: make it again"
        )
    if not isinstance(content["tuning"], dict | None):
        raise FileError(f"{where}: tuning: got {type(content['tuning']).__name__}, wanted a mapping or null")


def _write_atomically(path: Path, text: str) -> None:
    """Temporary file in the same folder, fsync, rename; ensembles.atomic does the same one layer up."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError(f"{path}: cannot be written ({error.strerror}); free space or choose another --out") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
