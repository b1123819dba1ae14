"""Helpers of tests of other codes' files: streams of random configurations, studies that name them."""

import yaml
from formats.fields import random_links

from gaugeflow.formats.writing import LinkWriter, Wanted
from gaugeflow.lattice.judge import Judge

EXTENTS = (2, 4, 2, 4)
SCALE = {
    "measure": {"loops": {"max_r": 2, "max_t": 2}, "polyakov": True},
    "flow": {"times": [0.0, 0.1], "step": 0.1},
}


def write_field(path, seed, *, file_format="ildg", precision="float64", group="SU3", extents=EXTENTS):
    """A sound file of random links."""
    links = random_links(extents, group, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    judge = Judge(group, extents)
    judge.feed(links.astype(f"c{8 if precision == 'float32' else 16}").view("f4" if precision == "float32" else "f8")
               .reshape(*links.shape, 2))  # fmt: skip
    found = judge.result()
    with LinkWriter(path, Wanted(file_format, extents, group, precision)) as writer:
        writer.create()
        writer.write(slice(0, links.shape[0]), slice(0, links.shape[1]), links)
        writer.finish(writer.checksums, found.plaquette, found.link_trace)
    return links


def entry(files, folder, **changes):
    """An entry of `ensembles` that takes files."""
    return {
        "label": "files",
        "group": "SU3",
        "extents": list(EXTENTS),
        "files": files,
        "folder": str(folder),
        **changes,
    }


def write_files_study(folder, *entries, **changes):
    """A study folder whose ensembles are files."""
    scale = {"ensembles": list(entries), **SCALE, **changes}
    folder.mkdir(parents=True, exist_ok=True)
    content = {"version": 1, "title": "files of other codes", "scales": {"full": scale, "tiny": scale}}
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return folder
