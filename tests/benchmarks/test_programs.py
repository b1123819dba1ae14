"""Every benchmark runs, keeps a record and ends on the page; the page in the repository is what its records say."""

import csv
import json
import shutil

import pytest
from house import REPOSITORY, run

from gaugeflow.samplers.integrators import INTEGRATORS
from gaugeflow.samplers.tuning import wanted_variance

BENCHMARKS = REPOSITORY / "benchmarks"
MEASURED = {
    "record": ("u1_4x4", ["u1_4x4"]),
    "trajectories": ("trajectories", []),
    "integrators": ("integrators", []),
    "many_chains": ("many_chains", []),
    "rank_scaling": ("rank_scaling", ["--ranks", "1,2"]),
}
"""Program: its record and its words."""


def program(name, *words):
    """A benchmark, finished; its output."""
    done = run("python", BENCHMARKS / f"{name}.py", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder of the records of one quick run."""
    folder = tmp_path_factory.mktemp("records") / "some_processor"
    for name, (_, words) in MEASURED.items():
        program(name, "--quick", "--out", str(folder), *words)
    return folder


def read(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


@pytest.mark.mpi
def test_every_program_keeps_a_record_with_versions(folder):
    for name, _ in MEASURED.values():
        assert read(folder, name)["software"].keys() >= {"gaugeflow", "numba", "python"}


@pytest.mark.mpi
def test_kernels_are_recorded_beside_the_limits_of_the_same_run(folder):
    record = read(folder, "u1_4x4")
    assert record["limits"]["flop"] > 0
    for row in record["kernels"].values():
        assert row["gflops"] == pytest.approx(row["flop"] / row["ns"])
        assert row["peak_share"] == pytest.approx(row["gflops"] * 1e9 / record["limits"]["flop"])
        assert row["bandwidth_share"] == pytest.approx(row["bytes"] / row["ns"] * 1e9 / record["limits"]["fields"])


@pytest.mark.mpi
def test_rates_of_trajectories_agree_with_their_seconds(folder):
    for row in read(folder, "trajectories")["rows"]:
        assert row["tau"] == 1.0
        assert row["trajectories_per_core_hour"] == pytest.approx(3600 * row["chains"] / row["seconds"])
        links = row["link_updates_per_second"] * row["seconds"] / (2 * row["n_steps"] + 1)
        assert links == pytest.approx(row["chains"] * len(row["extents"]) * _volume(row["extents"]))
        assert 1 <= row["held_fields"] <= row["peak_fields"]


@pytest.mark.mpi
def test_integrators_are_compared_at_one_acceptance(folder):
    rows = read(folder, "integrators")["rows"]
    assert [row["integrator"] for row in rows] == list(INTEGRATORS)
    for row in rows:
        assert row["forces"] == pytest.approx(INTEGRATORS[row["integrator"]].forces_per_step * row["n_steps"] + 1)
        assert row["fewer_forces"] == pytest.approx(rows[0]["forces"] / row["forces"])
        assert row["faster"] == pytest.approx(rows[0]["seconds"] / row["seconds"])
        variances = {found["n_steps"]: found["variance"] for found in row["measured"]}
        above = min(n for n, variance in variances.items() if variance <= wanted_variance(row["target"]))
        assert above - 1 <= row["n_steps"] <= above


def _volume(extents):
    out = 1
    for extent in extents:
        out *= extent
    return out


@pytest.mark.mpi
def test_scaling_is_measured_against_one_rank_and_names_the_halo(folder):
    rows = read(folder, "rank_scaling")["rows"]
    assert [(row["mode"], row["ranks"]) for row in rows] == [
        (mode, count) for mode in ("weak", "strong", "threads") for count in (1, 2)
    ]
    for row in rows:
        assert 0 <= row["halo_share"] < 1
        assert row["speedup"] == pytest.approx(row["efficiency"] * row["ranks"])
        assert row["oversubscribed"] == (row["bandwidth_speedup"] is None)
    weak = [row for row in rows if row["mode"] == "weak"]
    assert _volume(weak[1]["extents"]) == 2 * _volume(weak[0]["extents"])
    assert weak[1]["halo_seconds"] > 0


@pytest.mark.mpi
def test_plot_and_page_show_every_record(folder):
    assert "9 points" in program("roofline", "--out", str(folder))
    code = "import sys, pathlib, page; print(page.page(pathlib.Path(sys.argv[1])))"
    shown = run("python", "-c", code, folder.parent, PYTHONPATH=str(BENCHMARKS))
    assert shown.returncode == 0, shown.stderr
    for text in (
        "## some_processor",
        "roofline.svg",
        "U(1) 4^2, 2 chains",
        "Trajectories",
        "Integrators at",
        "Many small",
        "Ranks and",
    ):
        assert text in shown.stdout


def test_the_page_is_what_the_records_say(tmp_path):
    program("page", "--check")
    for name in ("benchmarks", "docs"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    (record,) = (tmp_path / "benchmarks" / "results").glob("amd_epyc_25_17/su3_16x16x16x16.json")
    record.write_text(record.read_text().replace('"ns": ', '"ns": 9'))
    assert run("python", tmp_path / "benchmarks" / "page.py", "--check").returncode == 1


def test_other_codes_are_printed_beside_ours_with_both_peaks():
    page = (REPOSITORY / "docs" / "benchmarks.md").read_text()
    with (BENCHMARKS / "other_codes.csv").open() as file:
        for row in csv.DictReader(file):
            assert f"{row['code']} {row['version']}".strip() in page
            assert f"| {row['ns_per_site']} " in page
    assert "64 to 75 GFLOP/s" in page


def test_judging_is_measured_beside_the_checksums_of_the_same_bytes(tmp_path):
    record, small = tmp_path / "speed.json", ("--extents", "4,4,4,4", "--repetitions", "1")
    assert "speed of everything" in program("check_speed", *small, "--json", record)
    rows = json.loads(record.read_text())["rows"]
    assert [row["dtype"] for row in rows] == ["<f8", ">f8", "<f4", ">f4"]
    for row in rows:
        assert row["speed"] == pytest.approx(row["ms"]["read, zlib.crc32 of all, word sums"] / row["ms"]["everything"])


def test_memory_of_judging_is_predicted_from_slices(tmp_path):
    record = tmp_path / "memory.json"
    assert "64^3 x 128 (18.0 GiB)" in program("check_memory", "--space", "2,8", "--times", "4", "--json", record)
    small, large = json.loads(record.read_text())["rows"]
    assert large["slice_bytes"] == 8**3 * 4 * 9 * 16
    assert large["peak_bytes"] - small["peak_bytes"] < 1 << 23


def test_graphs_are_built_in_jobs_of_several_steps_and_nothing_runs(tmp_path):
    program("dag_building", "--quick", "--out", tmp_path)
    record = read(tmp_path, "dag_building")
    assert record["snakemake"]
    for row in record["rows"]:
        chunks = row["ensembles"] * row["chunks_each"]
        assert row["chunks"] == chunks
        assert row["steps"] == 2 * chunks + row["ensembles"] + len(("analyse", "report", "tables", "validate", "all"))
        assert row["groups"] >= 1
        assert row["peak_bytes"] < record["aims"]["peak_bytes"]


def test_forms_of_the_fused_layer_are_timed_beside_each_other(tmp_path):
    printed = program("lcnn_layer", "--quick", "--out", tmp_path)
    rows = read(tmp_path, "lcnn_layer_1threads")["rows"]
    assert len(rows) == len(("A", "B")) * len(("float32", "float64")) * len(("kernel", "torch", "pairs"))
    assert all(0 < row["forward_us"] < row["both_us"] for row in rows)
    assert printed.count("% of peak)") == len(rows)


def test_without_a_gpu_that_is_said():
    done = run("python", BENCHMARKS / "gpu.py", "--quick", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 2
    assert done.stderr.startswith("no GPU: ")


WITHOUT_A_CARD = """
import sys, types
import gpu
runtime = types.SimpleNamespace(deviceSynchronize=lambda: None)
cupy = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime))
gpu.find_card = lambda: (cupy, "A Card 1")
gpu.card_limits = lambda cupy, precision, repeats, size: (1e12, 1e11)
gpu.CASES = {"su3_32x32x32x32": gpu.QUICK["su3_4x4x4x4"]}
sys.argv = ["gpu.py", "--device", "cpu", "--out", sys.argv[1], *sys.argv[2:], "su3_32x32x32x32"]
gpu.REPEATS = 1
gpu.main()
"""
"""The program as it is, with the CPU's kernels and limits of no card."""


def test_the_program_for_cards_records_shares_and_judges_its_aims(tmp_path):
    done = run("python", "-c", WITHOUT_A_CARD, tmp_path, "--strict", PYTHONPATH=str(BENCHMARKS))
    assert done.returncode == 1
    assert done.stderr.startswith("aims missed: ")
    record = read(tmp_path, "su3_32x32x32x32")
    assert record["card"] == "A Card 1"
    row = record["kernels"]["drift"]
    assert row["bandwidth_share"] == pytest.approx(row["bytes"] / row["ns"] * 1e9 / 1e11)
    assert "bandwidth_share" in done.stdout
    assert "aim 0.60" in done.stdout


def test_bench_measures_in_both_precisions():
    records = {}
    for precision in ("float64", "float32"):
        words = ("--group", "U1", "--extents", "4,4", "--repeats", "1", "--kernels", "drift", "--json")
        done = run("gaugeflow", "bench", *words, "--precision", precision)
        assert done.returncode == 0, done.stderr
        records[precision] = json.loads(done.stdout)
    double, single = records["float64"], records["float32"]
    assert single["lattice"]["precision"] == "float32"
    assert single["limits"]["width"] == 2 * double["limits"]["width"]
    assert double["kernels"]["drift"]["bytes"] == 2 * single["kernels"]["drift"]["bytes"]


def test_bench_refuses_other_precisions_and_too_many_threads():
    assert "wanted one of float64, float32" in run("gaugeflow", "bench", "--precision", "float16").stderr
    done = run("gaugeflow", "bench", "--threads", "4096", GAUGEFLOW_OVERSUBSCRIBE="0")
    assert done.returncode == 2
    assert "--threads: 4096 threads x 1 ranks" in done.stderr
