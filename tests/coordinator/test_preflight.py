"""Laws of the preflight: what cannot run is refused with what to do, and nothing is started or written."""

import subprocess

import pytest
import yaml
from house import REPOSITORY, study_content, write_study

from gaugeflow.config.load import load_study
from gaugeflow.coordinator import preflight
from gaugeflow.coordinator.profile import load_profile
from gaugeflow.coordinator.run_folder import folder_at
from gaugeflow.jobs import disk


def refused(result, code, *said):
    """The command ended with this code and one message that says all of this."""
    assert result[0] == code, result
    for words in said:
        assert words in result[2]
    assert result[2].count("gaugeflow: error:") == 1


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ({"account": "mistyped"}, ("Invalid account", "slurm_account: correct it", "sacctmgr show associations")),
        ({"partition": "mistyped"}, ("slurm_partition: got 'mistyped'", "batch (up, at most 1-00:00:00", "short")),
        ({"account": "CHANGE_ACCOUNT"}, ("CHANGE_ACCOUNT", "cluster/README.md")),
    ],
    ids=["account", "partition", "placeholder"],
)
def test_a_wrong_place_is_refused_before_anything_is_submitted(slurm, folder, gaugeflow, profile, said):
    result = gaugeflow("submit", "s", "--profile", slurm.profile(**profile), "--coordinator", "here")
    refused(result, 2, *said)
    assert all("--test-only" in call for call in slurm.asked)
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"extents": [[64, 64, 64, 512]]}, "node configuration"),
        ({"extents": [[16, 16, 16, 16]], "configs_per_chunk": 100000, "save_every": 200}, "time limit"),
    ],
    ids=["memory", "time"],
)
def test_what_no_node_offers_is_refused_with_the_schedulers_words(slurm, folder, gaugeflow, monkeypatch, change, said):
    changes = {"group": "SU3", "chains": 1, **change}
    content = study_content(**{f"ensembles.0.{key}": value for key, value in changes.items()})
    for scale in content["scales"].values():
        scale["measure"], scale["flow"] = {}, None
    write_study(folder / "s", content)
    monkeypatch.setattr(disk, "free_bytes", lambda path: 10**18)
    result = gaugeflow("submit", "s", "--profile", slurm.profile(), "--coordinator", "here")
    refused(result, 2, "the scheduler would refuse the jobs of rule generate", said, "nodes of 64 cores and 256000 MB")
    assert not (folder / "runs").exists()


def test_a_scheduler_that_is_down_is_told(slurm, folder, gaugeflow):
    (slurm.bin / "sinfo").write_text("#!/bin/bash\necho 'Unable to contact slurm controller' >&2; exit 1\n")
    result = gaugeflow("submit", "s", "--profile", slurm.profile(), "--coordinator", "here")
    refused(result, 3, "sinfo: failed (Unable to contact slurm controller)")


def test_a_disk_that_is_too_small_is_told_before_work(slurm, folder, gaugeflow, monkeypatch):
    monkeypatch.setattr(disk, "free_bytes", lambda path: 1000)
    result = gaugeflow("submit", "s", "--profile", slurm.profile())
    refused(result, 3, "3 chunks of s needs", "1.0 kB are free", "nothing was started")


def test_chunks_that_are_there_need_no_disk(slurm, folder, monkeypatch):
    study = load_study("s", "full")
    run = folder_at(folder / "out")
    configs = run.ensembles / study.ensembles[0].ensemble_id / "configs"
    configs.mkdir(parents=True)
    for number in range(3):
        (configs / f"{number:04d}.h5").touch()
    monkeypatch.setattr(disk, "free_bytes", lambda path: 1000)
    preflight.check_disk(run, study)


def test_a_root_that_cannot_be_written_is_refused(slurm, folder, gaugeflow):
    refused(
        gaugeflow("submit", "s", "--profile", slurm.profile(), "--root", "/proc/1/gaugeflow"), 3, "/proc/1/gaugeflow"
    )


def test_a_root_with_odd_characters_is_refused(slurm, folder, gaugeflow):
    for root in ("a b", "a'b", "$(touch x)", "a\nb", 'a"b'):
        refused(gaugeflow("submit", "s", "--profile", slurm.profile(), "--root", root), 2, "--root", "wanted")
    assert not (folder / "x").exists()


def test_a_study_changed_after_its_ensembles_exist_is_refused_with_both_lists(slurm, folder, gaugeflow):
    before = load_study("s", "full").ensembles[0].ensemble_id
    (folder / "runs/s-full/data/ensembles" / before).mkdir(parents=True)
    write_study(folder / "s", study_content(**{"ensembles.0.beta": 1.5, "ensembles.0.extents": [[4, 4]]}))
    after = load_study("s", "full").ensembles[0].ensemble_id
    result = gaugeflow("submit", "s", "--profile", slurm.profile(), "--coordinator", "here")
    refused(result, 2, before, after, "--accept-changes", "--root")
    study, run = load_study("s", "full"), folder_at("runs/s-full")
    preflight.check(run, study, load_profile(str(slurm.profile())), accept_changes=True)
    assert (folder / "runs/s-full/data/ensembles" / before).is_dir()


def test_more_of_the_same_study_is_no_change(folder):
    run = folder_at("runs/s-full")
    (run.ensembles / load_study("s", "full").ensembles[0].ensemble_id).mkdir(parents=True)
    write_study(folder / "s", study_content(**{"ensembles.0.beta": [1.0, 1.5], "ensembles.0.extents": [[4, 4]]}))
    preflight.check_unchanged(run, load_study("s", "full"))


@pytest.mark.parametrize("words", [("--config", "root=x"), ("--config", "a b=c"), ("--", "--unlock")])
def test_settings_that_would_move_the_run_are_refused(slurm, folder, gaugeflow, words):
    assert gaugeflow("submit", "s", "--profile", slurm.profile(), *words)[0] == 2
    assert not (folder / "runs").exists()


def test_every_profile_of_the_repository_can_be_read():
    for file in (REPOSITORY / "cluster").glob("[!_]*/config.yaml"):
        profile = load_profile(file.parent.name)
        assert profile.folder == file.parent
        assert profile.executor == yaml.safe_load(file.read_text()).get("executor", "local")


def test_a_results_file_system_mounted_read_only_is_refused_before_work(slurm, folder, gaugeflow):
    place = folder / "sealed"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", place], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting takes root's rights: {done.stderr.strip()}")
    try:
        result = gaugeflow("submit", "s", "--profile", slurm.profile(), "--root", "sealed/run", "--coordinator", "here")
    finally:
        subprocess.run(["umount", place], check=True)
    refused(result, 3, "sealed/run", "Read-only file system")
    assert all("--test-only" in call for call in slurm.asked)
