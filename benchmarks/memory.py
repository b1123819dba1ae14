"""Peak memory of a real generation, in bytes and in link fields (16 N^2 D bytes per site and chain).

python benchmarks/memory.py [--group SU3] [--extents 8,8,8,8 16,16,16,16] [--chains 1]
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gaugeflow.conventions import gauge_group

STUDY = """version: 1
title: peak memory of two trajectories
scales:
  full: &one
    ensembles:
      - group: {group}
        extents: {extents}
        beta: 6.0
        chains: {chains}
        seed: 1
        start: cold
        sampler: {{kind: hmc, integrator: omf2, tau: 0.2, n_steps: 4}}
        thermalisation: 0
        save_every: 1
        configs_per_chunk: 2
        chunks: 1
        acceptance_band: [0.0, 1.0]
    measure: {{}}
  tiny: *one
"""


def peak_of_generation(group: str, extents: list[int], chains: int) -> int:
    """Largest resident size in bytes of `gaugeflow generate` over two trajectories that are both saved."""
    from gaugeflow.config.load import load_study

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = folder / "study.yaml"
        study.write_text(STUDY.format(group=group, extents=extents, chains=chains))
        label = load_study(str(study), "full").ensembles[0].label
        command = [str(Path(sys.executable).with_name("gaugeflow"))]
        spec = folder / "spec.json"
        subprocess.run([*command, "spec", study, "--ensemble", label, "--out", spec], check=True, capture_output=True)
        run = [*command, "generate", spec, "--chunk", "0", "--out", folder / "0000.h5"]
        process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"generate failed with exit code {process.returncode}: {' '.join(map(str, run))}")
        return usage.ru_maxrss * 1024


def main() -> None:
    """Print peak memory for every lattice, and the slope in link fields between the smallest and the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", default="SU3")
    parser.add_argument("--extents", nargs="+", default=["4,4,4,4", "8,8,8,8", "16,16,16,8", "16,16,16,16"])
    parser.add_argument("--chains", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    for text in (options.extents[0], options.extents[-1]):  # what fits the cache and what does not: all is compiled now
        peak_of_generation(options.group, [int(e) for e in text.split(",")], options.chains)
    rows = []
    for text in options.extents:
        extents = [int(e) for e in text.split(",")]
        field = options.chains * math.prod(extents) * len(extents) * gauge_group(options.group).n ** 2 * 16
        peak = peak_of_generation(options.group, extents, options.chains)
        rows.append({"extents": extents, "field_bytes": field, "peak_bytes": peak})
        line = f"{options.group} {text:12} link field {field / 2**20:7.1f} MiB   peak {peak / 2**20:7.1f} MiB"
        if len(rows) > 1:
            first = rows[0]
            slope = (peak - first["peak_bytes"]) / (field - first["field_bytes"])
            rows[-1]["fields"] = slope
            line += f"   {slope:.1f} fields above {first['peak_bytes'] / 2**20:.0f} MiB"
        print(line, flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
