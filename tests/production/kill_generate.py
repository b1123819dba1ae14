"""Run `gaugeflow generate` in forked children and kill each where the plan of ensembles.kill_driver says.

python kill_generate.py SPEC OUT SEED [asynchronous]    prints {"kills": [[place, moment, phase], ..], "problems": [..]}
"""

import json
import sys
import tempfile
from pathlib import Path

from ensembles import kill_driver

from gaugeflow.cli.main import main
from gaugeflow.ensembles import production
from gaugeflow.ensembles.checkpoint import Progress
from gaugeflow.lattice.packed import PackedLattice
from gaugeflow.samplers.hmc import HMC

FINAL_PHASES = [entry for entry in kill_driver.FINAL_PHASES if entry[:2] != (1, "fsync") or entry[2] == 1]
"""Once the file has its name the next run finds it finished: no kill of phase 1 may come after that."""


def observed(original, before=None, after=None):
    """`original`, with before(arguments) and after(arguments, result) called around it."""

    def call(*arguments, **named):
        if before:
            before(arguments)
        result = original(*arguments, **named)
        if after:
            after(arguments, result)
        return result

    return call


def run(spec: Path, out: Path, report) -> None:
    """The real command, with every trajectory and every saved state reported."""
    report("phase", 2 if out.exists() else 0)
    HMC.step = observed(HMC.step, before=lambda arguments: report("computed", arguments[-1]))
    Progress.save = observed(Progress.save, after=lambda arguments, _: report("saved", arguments[1].trajectory))
    Progress.load = observed(Progress.load, after=lambda _, state: report("loaded", state.trajectory if state else -1))
    Progress.finish = observed(Progress.finish, before=lambda _: report("phase", 2))
    write = production.write_configurations
    production.write_configurations = observed(write, before=lambda _: report("phase", 1))
    command(spec, out)


def command(spec: Path, out: Path) -> None:
    """gaugeflow generate, every trajectory saved."""
    words = ["--quiet", "generate", str(spec), "--chunk", "0", "--checkpoint-seconds", "0", "--out", str(out)]
    if code := main(words):
        raise SystemExit(code)


if __name__ == "__main__":
    if sys.argv[4:] == ["asynchronous"]:
        PackedLattice.asynchronous = True
    spec_path, out_path = Path(sys.argv[1]), Path(sys.argv[2])
    answer, sys.stdout = sys.stdout, sys.stderr  # the command's own line is no JSON
    with tempfile.TemporaryDirectory() as scratch:
        command(spec_path, Path(scratch) / "warm.h5")  # kernels are loaded once, for all children
    outcome = kill_driver.main(
        out_path, int(sys.argv[3]), lambda out, report: run(spec_path, out, report), FINAL_PHASES
    )
    answer.write(json.dumps(outcome))
