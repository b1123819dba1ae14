"""Registers and spilled bytes of every kernel of the CUDA source, from nvcc: prints the table that the tests compare.

python benchmarks/cuda_registers.py > tests/kernels/cuda_registers.csv        4D, 64 bytes of lanes; needs nvcc
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from gaugeflow.kernels.dispatch import gpu_width, kernels_for

CARDS = ("sm_80", "sm_90")
CASES = [
    *((group, "float64", card) for group in ("U1", "SU2", "SU3", "U2") for card in CARDS),
    *(("SU3", "float32", card) for card in CARDS),
]
USED = re.compile(
    r"entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers", re.DOTALL
)


def column(group: str, precision: str, card: str) -> str:
    """Name of a column: group, precision unless float64, architecture."""
    return "_".join([group, *([precision] if precision != "float64" else []), card])


def measure(group: str, precision: str, card: str) -> dict[str, tuple[int, int]]:
    """Kernel -> (registers, spilled bytes)."""
    text = kernels_for(group, 4, gpu_width(precision), precision).text
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "kernels.cu"
        source.write_text(text)
        command = ["nvcc", "-cubin", f"-arch={card}", "-fmad=false", "-Xptxas=-v", str(source), "-o", f"{name}/out"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"nvcc failed for {group} {precision} {card}:\n{done.stderr[-2000:]}")
    return {kernel: (int(used), int(a) + int(b)) for kernel, a, b, used in USED.findall(done.stderr)}


def main() -> None:
    """Print the table as CSV: registers per case, and spilled bytes of the cases that spill."""
    found = {column(*case): measure(*case) for case in CASES}
    spilling = [name for name, kernels in found.items() if any(spilled for _, spilled in kernels.values())]
    print(",".join(["kernel", *found, *(f"{name}_spilled" for name in spilling)]))
    for kernel in sorted(next(iter(found.values()))):
        used = [found[name][kernel][0] for name in found]
        print(",".join(map(str, [kernel, *used, *(found[name][kernel][1] for name in spilling)])))
    if spilling:
        print(f"spilled: {', '.join(spilling)}", file=sys.stderr)


if __name__ == "__main__":
    main()
