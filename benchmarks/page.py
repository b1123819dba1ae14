"""The page docs/benchmarks.md, written from the records in results/ and from other_codes.csv.

python benchmarks/page.py [--check]        --check: exit code 1 if the page is not what the records say
"""

import argparse
import csv
import sys
from pathlib import Path

import store

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
OTHERS = Path(__file__).resolve().with_name("other_codes.csv")
KERNELS = ("force", "drift", "plaquette", "leapfrog", "rk3", "clover", "momenta", "overrelax", "heatbath")
DETAILED = "su3_16x16x16x16"
COMPARED = {"16^4": "su3_16x16x16x16", "8^4": "su3_8x8x8x8", "24^3 x 48": "su3_24x24x24x48"}
OTHER_PEAK = "64 to 75 GFLOP/s and 9 to 14 GB/s from memory"

HEAD = """# Benchmarks

Made by `python benchmarks/page.py` from the records in `benchmarks/results/`; `make bench` measures them (about eight
minutes, alone on the machine) and writes this page, `make bench-gpu` does the same on a GPU. Do not edit it by hand.

Times are the smallest of several samples: CPU time of the thread, wall time with several threads or ranks. "peak" is
that of fused multiply-adds and "bandwidth" that of arrays as large as the fields, both measured in the same run; bytes
are the compulsory ones (every field once). "roofline" is the larger of operations / peak and bytes / bandwidth, as a
share of the time. Machines are shared and differ: compare numbers of one run only.
"""


def table(titles, rows) -> list[str]:
    """Lines of a Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return [f"| {' | '.join(map(str, line))} |" for line in lines] + [""]


def number(value: float | None) -> str:
    """Three or four digits; "-" for None."""
    return "-" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def lattice_text(lattice: dict) -> str:
    """SU(3) 16^4, 128 chains, 2 threads, float32 (the usual is left out)."""
    group = lattice["group"].replace("U", "U(") + ")"
    extras = [f"{lattice['chains']} chains"] if lattice["chains"] > 1 else []
    extras += [f"{lattice['threads']} threads"] if lattice.get("threads", 1) > 1 else []
    extras += [lattice["precision"]] if lattice.get("precision", "float64") != "float64" else []
    return ", ".join([f"{group} {store.volume_text(lattice['extents'])}", *extras])


def time_and_share(row: dict | None) -> str:
    """ns per site (share of the roofline in %); "-" for a kernel that the record has not."""
    return "-" if row is None else f"{number(row['ns'])} ({100 * row['roofline_share']:.0f})"


def kernels_part(records: dict[str, dict]) -> list[str]:
    """ns per site of all cases, and every number of one of them."""
    cases = {name: record for name, record in records.items() if "kernels" in record}
    rows = [
        [
            lattice_text(record["lattice"]),
            *(time_and_share(record["kernels"].get(kernel)) for kernel in KERNELS),
            f"{record['limits']['flop'] / 1e9:.0f}, {record['limits']['fields'] / 1e9:.0f}",
        ]
        for record in cases.values()
    ]
    lines = ["ns per site (share of the roofline in %); the last column: peak in GFLOP/s, bandwidth in GB/s.", ""]
    lines += table(["lattice", *KERNELS, "limits"], rows)
    if DETAILED in cases:
        record = cases[DETAILED]
        lines += [f"All numbers of {lattice_text(record['lattice'])}:", ""]
        shares = ("% of peak", "GB/s", "% of bandwidth", "% of roofline")
        titles = ["kernel", "ns/site", "flop", "bytes", "GFLOP/s", *shares]
        rows = [
            [name, number(row["ns"]), row["flop"], row["bytes"], number(row["gflops"]), number(100 * row["peak_share"]),
             number(row["gbytes"]), number(100 * row["bandwidth_share"]), number(100 * row["roofline_share"])]
            for name, row in record["kernels"].items()
        ]  # fmt: skip
        lines += table(titles, rows)
    return lines


def trajectories_part(rows: list[dict]) -> list[str]:
    """Whole trajectories, flow steps and memory."""
    lines = ["### Trajectories", ""]
    lines += ["tau = 1 with the omf2 steps stated (two forces and two link updates each), everything included; links +"]
    lines += ["momenta are the unit of memory: held between trajectories / at the peak.", ""]
    titles = ["lattice", "steps", "s", "trajectories per core-hour", "million link updates per s", "flow step, ns/site"]
    found = [
        [lattice_text(row), row["n_steps"], number(row["seconds"]), number(row["trajectories_per_core_hour"]),
         number(row["link_updates_per_second"] / 1e6), number(row["flow_step_ns_per_site"]),
         number(row["bytes_per_site"]), f"{row['held_fields']:.2f} / {row['peak_fields']:.2f}"]
        for row in rows
    ]  # fmt: skip
    return lines + table([*titles, "bytes/site", "memory"], found)


def integrators_part(rows: list[dict]) -> list[str]:
    """Integrators at equal acceptance."""
    lines = [f"### Integrators at acceptance {rows[0]['target']}, tau = {rows[0]['tau']}", ""]
    lines += ["Per unit of MD time; steps are interpolated between the two numbers around the acceptance.", ""]
    titles = ["lattice", "beta", "integrator", "order", "steps", "forces", "ms", "fewer forces than leapfrog", "faster"]
    found = [
        [lattice_text({**row, "chains": 1}), row["beta"], row["integrator"], row["order"], f"{row['n_steps']:.2f}",
         f"{row['forces']:.1f}", number(1e3 * row["seconds"]), f"{row['fewer_forces']:.2f} x", f"{row['faster']:.2f} x"]
        for row in rows
    ]  # fmt: skip
    return lines + table(titles, found)


def ranks_part(record: dict) -> list[str]:
    """Weak and strong scaling."""
    group = record["group"].replace("U", "U(") + ")"
    lines = [f"### Ranks and threads: {record['operation']} step of {group}, {record['cores']} cores", ""]
    lines += ["Speed-up in sites per second; beside it that of the bandwidth of as many cores, from the same run."]
    lines += ["weak, strong: ranks of one thread; threads: one rank of several.", ""]
    rows = [
        [row["mode"], row["ranks"], store.volume_text(row["extents"]), number(row["ns"]), f"{row['speedup']:.2f}",
         f"{row['efficiency']:.2f}", number(row["bandwidth_speedup"]), f"{100 * row['halo_share']:.1f}",
         "oversubscribed" if row["oversubscribed"] else ""]
        for row in record["rows"]
    ]  # fmt: skip
    titles = ["scaling", "count", "lattice", "ns/site", "speed-up", "efficiency", "bandwidth's", "halo, % of time", ""]
    return lines + table(titles, rows)


def chains_part(rows: list[dict]) -> list[str]:
    """Many small lattices."""
    lines = ["### Many small lattices: leapfrog step, ns per site against the number of chains", ""]
    counts = sorted({row["chains"] for row in rows})
    found = []
    for group in dict.fromkeys(row["group"] for row in rows):
        mine = {row["chains"]: row for row in rows if row["group"] == group}
        text = lattice_text({**next(iter(mine.values())), "chains": 1})
        found.append([text, *(number(mine[c]["ns"]) if c in mine else "-" for c in counts)])
    return lines + table(["lattice", *counts], found)


def memory_part(rows: list[dict]) -> list[str]:
    """Peak memory of generating processes."""
    lines = ["### Peak memory of `gaugeflow generate`, SU(3), one chain", ""]
    found = [
        [store.volume_text(row["extents"]), number(row["field_bytes"] / 2**20), number(row["peak_bytes"] / 2**20),
         number(row.get("fields"))]
        for row in rows
    ]  # fmt: skip
    titles = ["lattice", "link field, MiB", "peak, MiB", "link fields above the smallest lattice"]
    return lines + table(titles, found)


def io_part(rows: list[dict]) -> list[str]:
    """Rates of reading and writing, in the columns that the record has."""

    def text(value):
        return number(value) if isinstance(value, float) else value

    def cells(row):
        return [store.volume_text(value) if isinstance(value, list) else text(value) for value in row.values()]

    return ["### Reading and writing", "", *table(list(rows[0]), [cells(row) for row in rows])]


def prototype_part(record: dict) -> list[str]:
    """Our time over that of the prototype of the kernel design, one sample of each in turn in one process."""
    lines = ["### Against the prototype of the kernel design: ours / theirs, in turn in one process", ""]
    found = {lattice: rows for lattice, rows in record.items() if lattice[0].isdigit()}
    names = list(dict.fromkeys(name for ops in found.values() for name in ops))

    def ratios(ops):
        return [f"{ops[name]['ratio']:.2f}" if name in ops else "-" for name in names]

    rows = [[store.volume_text(lattice.split(",")[::-1]), *ratios(ops)] for lattice, ops in found.items()]
    return lines + table(["lattice", *names], rows)


def others_part(records: dict[str, dict]) -> list[str]:
    """Other codes' figures beside ours."""
    with OTHERS.open() as file:
        others = list(csv.DictReader(file))
    lines = ["### Beside other codes", ""]
    lines += ["SU(3), float64, one core, ns per site. Theirs were measured on Intel Sapphire Rapids with a peak of"]
    lines += [f"{OTHER_PEAK}; ours on this machine, limits below. The machines differ: so do the peaks.", ""]
    codes = list(dict.fromkeys((row["code"], row["version"]) for row in others))
    rows = []
    for lattice, case in COMPARED.items():
        record = records.get(case)
        if record is None:
            continue
        for kernel in KERNELS:
            theirs = {(o["code"], o["version"]): o["ns_per_site"] for o in others
                      if (o["kernel"], o["lattice"]) == (kernel, lattice)}  # fmt: skip
            if theirs and kernel in record["kernels"]:
                ours = number(record["kernels"][kernel]["ns"])
                rows.append([f"{kernel}, {lattice}", ours, *(theirs.get(code, "-") for code in codes)])
    limits = next(records[c]["limits"] for c in COMPARED.values() if c in records)
    ours = f"here: {limits['flop'] / 1e9:.0f} GFLOP/s, {limits['copy'] / 1e9:.0f} GB/s"
    return lines + table(["kernel", ours, *(f"{code} {version}".strip() for code, version in codes)], rows)


def machine_part(folder: Path) -> list[str]:
    """Everything about one processor or card."""
    records = store.read(folder)
    lines = [f"## {folder.name}", ""]
    if (folder / "roofline.svg").exists():
        lines += [f"![roofline](../benchmarks/results/{folder.name}/roofline.svg)", ""]
    lines += kernels_part(records)
    parts = {
        "trajectories": trajectories_part,
        "integrators": integrators_part,
        "many_chains": chains_part,
        "io_rates": io_part,
    }
    for name, part in parts.items():
        if name in records:
            lines += part(records[name]["rows"])
    if "rank_scaling" in records:
        lines += ranks_part(records["rank_scaling"])
    if "memory" in records:
        lines += memory_part(records["memory"])
    if "against_prototype" in records:
        lines += prototype_part(records["against_prototype"])
    if any(case in records for case in COMPARED.values()) and "card" not in next(iter(records.values())):
        lines += others_part(records)
    return lines


def page(results: Path = store.RESULTS) -> str:
    """Text of the page."""
    folders = sorted(path for path in results.iterdir() if any(name != "dag_building" for name in store.read(path)))
    return "\n".join([HEAD, *(line for folder in folders for line in machine_part(folder))]).rstrip() + "\n"


def main() -> None:
    """Write the page, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        PAGE.write_text(page())
        print(PAGE.name)
    elif not PAGE.exists() or PAGE.read_text() != page():
        sys.exit("docs/benchmarks.md is not what the records say; run python benchmarks/page.py")


if __name__ == "__main__":
    main()
