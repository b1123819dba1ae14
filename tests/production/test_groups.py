"""A study of any gauge group goes the whole way: read, generated, measured, flowed, checked."""

import numpy as np
import pytest
from production.small import datasets, generate, write_small_spec, write_small_study


@pytest.mark.parametrize("group", ["U2", "SU4"])
def test_a_study_of_any_group_gives_files_that_pass_their_check(gaugeflow, tmp_path, group):
    done = gaugeflow("check-study", write_small_study(tmp_path / "study", group=group, beta=4.0))
    assert done.returncode == 0, done.stderr
    spec = write_small_spec(gaugeflow, tmp_path / "spec", group=group, beta=4.0)
    files = [generate(gaugeflow, spec, tmp_path / "0000.h5")]
    for stage in ("measure", "flow"):
        files.append(tmp_path / f"{stage}.h5")
        done = gaugeflow(stage, files[0], "--study", tmp_path / "spec", "--out", files[-1])
        assert done.returncode == 0, done.stderr
    done = gaugeflow("check", *files)
    assert done.returncode == 0, done.stderr
    links = datasets(files[0])["links"]
    assert links.shape[-1] == int(group[-1])
    frozen = abs(np.linalg.det(links) - 1).max() < 1e-12
    assert frozen == group.startswith("SU")


@pytest.mark.parametrize("group", ["SU1", "U9", "su3", "SO(3)"])
def test_a_group_that_does_not_exist_is_refused_with_the_names_of_those_that_do(gaugeflow, tmp_path, group):
    done = gaugeflow("check-study", write_small_study(tmp_path / "study", group=group))
    assert done.returncode == 2
    assert "group" in done.stderr
    for name in ("U1", "SU8"):
        assert name in done.stderr
