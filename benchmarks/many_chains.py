"""Many small 2D lattices at once: cost of a leapfrog step per site against the number of chains.

python benchmarks/many_chains.py        record in benchmarks/results/<processor>/many_chains.json
"""

import math

import store

from gaugeflow.cli.timings import LEAST_SECONDS, fastest, operations
from gaugeflow.lattice.packed import PackedLattice

EXTENTS = (16, 16)
CHAINS = (1, 4, 8, 16, 64, 256, 1024)
GROUPS = ("U1", "SU2")


def main() -> None:
    """Print one line per group and number of chains, and the growth from the cheapest to the largest."""
    options = store.parser(__doc__).parse_args()
    extents, chains = ((4, 4), (1, 8)) if options.quick else (EXTENTS, CHAINS)
    repeats, least = (1, 1e-4) if options.quick else (5, LEAST_SECONDS)
    rows = []
    for group in GROUPS:
        for count in chains:
            lattice = PackedLattice(group, extents, count)
            seconds = fastest({"leapfrog": operations(lattice)["leapfrog"]}, repeats, least=least)["leapfrog"]
            ns = seconds / math.prod(extents) / count * 1e9
            lanes = "sites" if lattice.layout.site_lanes else "chains"
            rows.append({"group": group, "extents": list(extents), "chains": count, "lanes": lanes, "ns": ns})
            print(f"{group} {store.volume_text(extents)} {count:5} chains, lanes of {lanes:6}: {ns:8.3f} ns/site")
        mine = [row["ns"] for row in rows if row["group"] == group]
        print(f"{group}: {chains[-1]} chains cost {mine[-1] / min(mine):.2f} x the cheapest per site", flush=True)
    store.write(options.out, "many_chains", {"rows": rows})


if __name__ == "__main__":
    main()
