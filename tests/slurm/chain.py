"""A chain of chunks on two ranks of two nodes, submitted, resumed and watched: what faults are let loose on."""

import shutil
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml
from house import REPOSITORY, run
from slurm.cluster import Cluster

from gaugeflow.ensembles.reader import open_file
from gaugeflow.errors import GaugeflowError

RANKS = 2
TRAJECTORIES = 1200
"""Of a chunk: some ten seconds of one core."""

SAVED_SECONDS = 1.0
LOST_SECONDS = 20.0
"""After which a rank takes the others for lost."""

COMMIT = {"GAUGEFLOW_COMMIT": "under_test"}
"""Part of every file's provenance, and so of its hash; nobody's work on the repository may change it meanwhile."""

ONLY_THE_CHAIN = ("--until", "generate")
"""Nothing is measured: faults are let loose on chunks only."""

LOOK_SECONDS = 0.25
STALLED = 120.0
"""Seconds without a saved state after which a user would look at the job and cancel it."""

LONGEST = 400.0
"""Seconds for anything to happen."""

HMC = {"kind": "hmc", "integrator": "omf2", "tau": 1.0, "n_steps": 20}
CHAIN = {
    "label": "chain", "group": "SU2", "extents": [6, 6, 6, 6], "beta": [2.2], "chains": 2, "seed": 70101,
    "start": "mixed", "sampler": HMC, "thermalisation": 40, "warmup": 20, "save_every": TRAJECTORIES // 6,
    "configs_per_chunk": 6, "acceptance_band": [0.3, 1.0], "ranks": RANKS,
}  # fmt: skip


def write_chain(folder: Path, chunks: int) -> Path:
    """A study of one chain; return its folder."""
    scale = {"ensembles": [{**CHAIN, "chunks": chunks}], "measure": {"loops": {"max_r": 1, "max_t": 1}}, "flow": None}
    content = {"version": 1, "title": "a chain in a rough night", "scales": {"tiny": scale, "full": scale}}
    template = REPOSITORY / "workflow" / "studies" / "_template"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    for reference in folder.glob("reference*.csv"):
        reference.write_text(reference.read_text().splitlines()[0] + "\n")
    return folder


def uninterrupted(study: Path, folder: Path, chunks: int) -> list[str]:
    """Content hashes of the chunks of the same chain, computed here on one rank without Snakemake or SLURM."""
    said = run("gaugeflow", "check-study", study, "--scale", "tiny").stdout
    ensemble = next(word for word in said.split() if word.startswith("su2_4d_b2.2_"))
    folder.mkdir()
    commands = [("spec", study, "--ensemble", ensemble, "--scale", "tiny", "--out", folder / "spec.json")]
    for chunk in range(chunks):
        line = ("generate", folder / "spec.json", "--chunk", str(chunk), "--out", folder / f"{chunk:04d}.h5")
        commands.append((*line, *(("--previous", folder / f"{chunk - 1:04d}.h5") if chunk else ())))
    for command in commands:
        result = run("gaugeflow", *command, **COMMIT)
        assert result.returncode == 0, result.stderr
    return [content_hash(folder / f"{chunk:04d}.h5") for chunk in range(chunks)]


def content_hash(path: Path) -> str:
    """content_sha256 of a file of configurations."""
    with open_file(path, "configurations") as file:
        return file.content_sha256


@dataclass(frozen=True)
class Seen:
    """At `time` (seconds since the epoch) chunk `chunk` was saved up to `trajectory`; None: its file was there."""

    time: float
    chunk: int
    trajectory: int | None


@dataclass
class Chain:
    """One root folder on the cluster, its coordinator, and a witness that looks at saved states all the time.

    root     as the cluster's nodes see it
    folder   for what is not on the cluster's disks: logs of coordinators
    """

    cluster: Cluster
    study: Path
    profile: Path
    root: Path
    folder: Path
    chunks: int
    seen: list[Seen] = field(default_factory=list)
    submissions: int = 0
    stalls: list[str] = field(default_factory=list)
    _coordinator: subprocess.Popen | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Chain":
        self.folder.mkdir(parents=True, exist_ok=True)
        self._witness = threading.Thread(target=self._look)
        self._witness.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._witness.join()
        if self._coordinator is not None:
            self.kill_coordinator()

    @property
    def files(self) -> Path:
        """The root as this process sees it."""
        return self.cluster.seen_from_outside(self.root)

    def submit(self) -> None:
        """`gaugeflow submit`."""
        where = ("--profile", self.profile, "--scale", "tiny", "--root", self.root)
        self._begin("gaugeflow", "submit", self.study, *where, "--coordinator", "here", "--", *ONLY_THE_CHAIN)

    def resume(self) -> None:
        """`gaugeflow resume`; a submission that was killed before it wrote its record is made again."""
        if not (self.files / "run" / "run.json").exists():
            self.submit()
        else:
            self._begin("gaugeflow", "resume", self.root, "--coordinator", "here")

    @property
    def exit_code(self) -> int | None:
        """Of the coordinator; None while it lives."""
        return self._coordinator.poll()

    @property
    def last_output(self) -> str:
        """What the coordinator said last."""
        return (self.folder / f"coordinator.{self.submissions}.log").read_text(errors="replace")[-4000:]

    def kill_coordinator(self) -> None:
        """SIGKILL of the process that was started; it has no time to do anything."""
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._coordinator.pid).children():
                process.kill()
        self._coordinator.wait(LONGEST)

    def jobs(self, *states: str) -> list[dict[str, str]]:
        """Jobs of this root that generate, alone or together with what follows."""
        return [j for j in self.cluster.jobs(*states) if j["folder"] == str(self.root) and "generate" in j["comment"]]

    def all_jobs(self) -> list[dict[str, str]]:
        """Every job of this root that is not over."""
        return [job for job in self.cluster.jobs() if job["folder"] == str(self.root)]

    def ranks(self, job: dict[str, str]) -> list[psutil.Process]:
        """Processes of a job that compute."""
        found = []
        for node in self.cluster.layout.names:
            for process in self.cluster.processes(node):
                try:
                    line, owner = process.cmdline(), process.environ().get("SLURM_JOB_ID")
                except psutil.Error:
                    continue
                if owner == job["id"] and "generate" in line and any("gaugeflow" in word for word in line[:3]):
                    found.append(process)
        return found

    @property
    def finished(self) -> bool:
        """Whether the last chunk was seen complete."""
        return any(s.chunk == self.chunks - 1 and s.trajectory is None for s in list(self.seen))

    def wait_until_it_computes(self) -> bool:
        """Wait for a state saved from now on, resuming where no coordinator lives; False when the chain is finished."""
        began = looked = time.time()
        while time.time() < began + LONGEST:
            if self.finished:
                return False
            if any(s.time > began and s.trajectory is not None for s in self.seen[-5:]) and self.jobs("RUNNING"):
                return True
            if self.exit_code not in (None, 0):
                self.resume()
            if time.time() > looked + STALLED:
                looked = time.time()
                self._cancel_what_stands_still()
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"{self.root}: nothing was saved in {LONGEST} s\n{self._state()}\n{self.last_output}")

    def _cancel_what_stands_still(self) -> None:
        """As a user would, who finds that a job does nothing; the next attempt goes on."""
        self.stalls.append(self._state())
        self.cluster.run("scancel", *(job["id"] for job in self.jobs("RUNNING")))

    def _state(self) -> str:
        """What runs and what does not: jobs, nodes, processes that compute, logs of the last steps."""
        lines = [str(job) for job in self.all_jobs()]
        lines += [self.cluster.run("sinfo", "-h", "-N", "-p", "cpu", "-o", "%N %T").stdout]
        for job in self.jobs("RUNNING"):
            for process in self.ranks(job):
                try:
                    lines.append(f"rank {process.pid}: {process.status()}, {process.cpu_times().user:.0f} s of CPU")
                except psutil.Error:
                    continue
        for path in sorted(self.files.glob("logs/generate/*/*.log"), key=lambda path: path.stat().st_mtime)[-2:]:
            lines.append(f"{path.name}: {path.read_text(errors='replace')[-800:]}")
        return "\n".join(lines).replace(str(self.root), "ROOT")

    def finish(self, most: int = 6) -> None:
        """Resume until the study is done.

        Raises    AssertionError after `most` resumptions without a fault in between
        """
        for _ in range(most):
            try:
                if self._coordinator.wait(LONGEST) == 0:
                    return
                self.resume()
            except subprocess.TimeoutExpired:
                self._cancel_what_stands_still()
        raise AssertionError(f"{self.root}: not done after {most} resumptions\n{self.last_output}")

    def _begin(self, *line: str | Path) -> None:
        self.submissions += 1
        log = self.folder / f"coordinator.{self.submissions}.log"
        settings = {"GAUGEFLOW_CHECKPOINT_SECONDS": str(SAVED_SECONDS), "GAUGEFLOW_HEARTBEAT_SECONDS": "1"}
        settings |= {"GAUGEFLOW_STALL_SECONDS": str(LOST_SECONDS), **COMMIT}
        self._coordinator = self.cluster.begin(*line, log=log, cwd=self.folder, nice=5, **settings)

    def _look(self) -> None:
        """Write down what is saved, until told to stop."""
        known: dict[int, tuple] = {}
        while not self._stop.wait(LOOK_SECONDS):
            for chunk in range(self.chunks):
                for folder in self.files.glob("data/ensembles/*/configs"):
                    stamp, trajectory = _saved(folder / f"{chunk:04d}.h5")
                    if stamp is not None and known.get(chunk) != (stamp, trajectory):
                        known[chunk] = (stamp, trajectory)
                        self.seen.append(Seen(time.time(), chunk, trajectory))


def _saved(path: Path) -> tuple[float | None, int | None]:
    """When and up to which trajectory a chunk is saved; (date, None) for a complete one, (None, None) for none."""
    if path.exists():
        return path.stat().st_mtime, None
    state = path.with_name(path.name + ".partial") / "state.h5"
    try:
        with open_file(state, "state") as file:
            return state.stat().st_mtime, int(file.attributes["trajectory"])
    except (OSError, GaugeflowError):  # not there, or just replaced by the file
        return None, None
