"""The demonstration on the private cluster, with other ranks than it has, beside the same without SLURM."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import yaml
from house import REPOSITORY, run, surroundings, words
from slurm.cluster import Cluster
from slurm.site import TOGETHER, copy_study, write_profile

from workflow import pipeline_run

SECONDS = 900.0
STUDIES = yaml.safe_load((REPOSITORY / "workflow" / "config.yaml").read_text())["studies"]
RANKS = {"u1_2d": 1, "su2_2d": 1, "su3_4d": 2}
"""Two ranks go to two nodes."""


class Demo:
    """Both runs, under way from the start."""

    def __init__(self, cluster: Cluster) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gaugeflow_demo_"))
        self.log = self.folder / "slurm.log"
        profile = write_profile(self.folder / "profile", settings=TOGETHER)
        self.copies = [copy_study(name, self.folder / "studies", RANKS[name]) for name in STUDIES]
        line = snakemake_line(profile, self.copies)
        self._slurm = cluster.begin(*line, log=self.log, cwd=self.folder, nice=5)
        self._local: subprocess.Popen | None = None
        if not pipeline_run.under_way():
            options = ["--config", "root=local", "scale=tiny", f"studies=[{','.join(STUDIES)}]"]
            local = words("nice", "-n", "5", "snakemake", "-s", REPOSITORY / "Snakefile", "--cores", "2", *options)
            with (self.folder / "local.log").open("w") as log:
                self._local = subprocess.Popen(
                    local, cwd=self.folder, env=surroundings(), stdout=log, stderr=log, start_new_session=True
                )

    def on_slurm(self) -> Path:
        """Folder `results` of the run on SLURM."""
        code = self._slurm.wait(SECONDS)
        assert code == 0, self.log.read_text()[-6000:]
        return self.folder / "out" / "results"

    def jobs(self) -> tuple[list[str], int]:
        """Steps of every job that was submitted, and how many jobs failed: from the log, SLURM forgets jobs."""
        said = self.log.read_text()
        names = re.findall(r"has been submitted with SLURM jobid \d+ \(log: \S+/slurm_logs/(\S+)/\d+\.log\)", said)
        return names, said.count("SLURM-job '")

    def here(self) -> Path:
        """Folder `results` of the run without SLURM: of the same studies only."""
        if self._local is not None:
            assert self._local.wait(SECONDS) == 0, (self.folder / "local.log").read_text()[-6000:]
            return self.folder / "local" / "results"
        results, files = self.folder / "local", []
        for name in STUDIES:
            files.append(results / name / "results.json")
            files[-1].parent.mkdir(parents=True)
            shutil.copyfile(pipeline_run.finished().folder / "out" / "results" / name / "results.json", files[-1])
        for command in (
            ("tables", *files, "--out", results / "latex"),
            ("validate", *files, "--out", results / "scoreboard.csv"),
        ):
            result = run("gaugeflow", *command)
            assert result.returncode == 0, result.stderr
        return results

    def stop(self) -> None:
        """Leave no process and no folder behind."""
        for process in (self._slurm, self._local):
            if process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.folder)


def snakemake_line(profile: Path, studies: list[Path]) -> list[str]:
    """Words that run tiny studies through a profile under the present folder."""
    own = yaml.safe_load((profile / "config.yaml").read_text()).get("config", [])
    settings = ["root=out", "scale=tiny", f"studies=[{','.join(map(str, studies))}]", *own]
    line = ["snakemake", "-s", str(REPOSITORY / "Snakefile"), "--workflow-profile", "none", "--profile", str(profile)]
    return [*line, "--config", *settings]


def results_without_study_hash(path: Path) -> str:
    """Text of a results.json without the hash of study.yaml, which names the number of ranks."""
    content = json.loads(path.read_text())
    del content["provenance"]["study_sha256"]["study.yaml"]
    return json.dumps(content)
