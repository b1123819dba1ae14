"""An observable is one file: put beside the others, it is in the schema, the settings, the files and the analysis."""

import shutil

import numpy as np
import pytest
from house import REPOSITORY, run, study_content, write_study

from gaugeflow.config.canonical import canonical_json
from gaugeflow.config.load import load_study
from gaugeflow.config.settings import MeasureSettings
from gaugeflow.errors import ConfigError
from gaugeflow.observables.observable import Observable, per_chain
from gaugeflow.observables.registry import OBSERVABLES, all_datasets, check_measure, registered

TOY = '''
"""Powers of the plaquette."""

from typing import Annotated

import numpy as np
from pydantic import Field

from gaugeflow.models import FrozenModel, PositiveInt
from gaugeflow.observables.energy import plaquettes
from gaugeflow.observables.observable import Observable, per_chain


class PowerSettings(FrozenModel):
    """Powers of the plaquette."""

    largest: Annotated[PositiveInt, Field(description="largest power")] = 2


def powers(lattice, links, settings):
    """(chains, powers)."""
    plaquette = plaquettes(lattice, links).mean(1)
    return {"plaquette_powers": np.stack([plaquette**k for k in range(1, settings.largest + 1)], 1)}


OBSERVABLES = (
    Observable(
        name="powers",
        datasets={"plaquette_powers": per_chain("powers 1, 2, .. of the plaquette", ("powers",))},
        measure=powers,
        settings=PowerSettings,
        description="powers of the plaquette",
        refused=lambda settings, system: "wanted at most power 9" if settings.largest > 9 else None,
    ),
)
'''
ANALYSIS = """
from gaugeflow.analysis.observables import labelled


def analyse(data):
    out = {}
    for ensemble in data:
        powers = ensemble.series("plaquette_powers")
        assert (powers[:, :, 2] == ensemble.series("plaquette") ** 3).all()
        out |= labelled(ensemble, {"third_power": ensemble.estimate(powers[:, :, 2])})
    return out
"""
MEASURE = {"loops": {"max_r": 2, "max_t": 2}, "powers": {"largest": 3}}
SMALL = {"ensembles.0.extents": [[4, 4]], "ensembles.0.beta": 1.0, "ensembles.0.chunks": 1, "flow": None}


@pytest.fixture(scope="module")
def with_toy(tmp_path_factory):
    """Runs gaugeflow of a copy of the package that has one more file."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(
        REPOSITORY / "src" / "gaugeflow", folder / "gaugeflow", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "gaugeflow" / "observables" / "toy.py").write_text(TOY)
    return lambda *words, **options: run(*words, PYTHONPATH=str(folder), GAUGEFLOW_COMMIT="0" * 40, **options)


def test_one_more_file_is_measured_stored_described_and_analysed(with_toy, tmp_path):
    study = write_study(tmp_path, study_content(**SMALL, measure=MEASURE))
    (study / "analysis.py").write_text(ANALYSIS)
    (study / "reference_tiny.csv").write_text("name,value,error,max_error,kind,source\n")
    for words in (
        ("check-study", ".", "--scale", "tiny"),
        ("spec", ".", "--scale", "tiny", "--ensemble", "b1.0_4x4", "--out", "spec.json"),
        ("generate", "spec.json", "--chunk", "0", "--out", "c.h5"),
        ("measure", "c.h5", "--study", ".", "--scale", "tiny", "--out", "m.h5"),
        ("check", "c.h5", "m.h5"),
        ("analyse", ".", "--scale", "tiny", "c.h5", "m.h5", "--out", "results.json"),
    ):
        done = with_toy("gaugeflow", *words, cwd=study)
        assert done.returncode == 0, done.stderr
    assert '"b1.0_4x4/third_power"' in (study / "results.json").read_text()
    shown = with_toy("gaugeflow", "info", "m.h5", cwd=study).stdout
    assert "plaquette_powers" in shown
    assert "powers 1, 2, .." in shown


def test_one_more_file_is_in_the_schema_and_leaves_all_settings_their_names(with_toy):
    code = (
        "from gaugeflow.config.settings import MeasureSettings as M\n"
        "from gaugeflow.config.json_schema import study_schema\n"
        "from gaugeflow.ensembles.documentation import measurement_table\n"
        "assert 'PowerSettings' in study_schema() and 'plaquette_powers' in measurement_table()\n"
        "print(M().settings_id, M(loops={'max_r': 4, 'max_t': 4}, polyakov=True).settings_id, M(powers={}).settings_id)"
    )
    done = with_toy("python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == ["afc36160", "41bec3ea"]
    assert len(set(done.stdout.split())) == 3


def test_one_more_file_refuses_what_it_does_not_measure(with_toy, tmp_path):
    study = write_study(tmp_path, study_content(**SMALL, measure={"powers": {"largest": 10}}))
    done = with_toy("gaugeflow", "check-study", study)
    assert done.returncode == 2
    assert "measure.powers: wanted at most power 9" in done.stderr
    assert run("gaugeflow", "check-study", study).returncode == 2  # without the file: an unknown key


# ---- what exists keeps its name


@pytest.mark.parametrize(
    ("asked", "settings_id"),
    [
        ({}, "afc36160"),
        ({"loops": None, "polyakov": False, "smeared_loops": None}, "afc36160"),
        ({"loops": {"max_r": 4, "max_t": 4}, "polyakov": True}, "41bec3ea"),
    ],
)
def test_names_of_settings_never_change(asked, settings_id):
    assert MeasureSettings.model_validate(asked).settings_id == settings_id


def test_settings_that_differ_in_a_smearing_have_different_names():
    def name(**smearing):
        asked = {"smearing": smearing, "levels": (0, 5), "max_r": 2, "max_t": 2}
        return MeasureSettings.model_validate({"smeared_loops": asked}).settings_id

    names = [name(kind="ape", alpha=0.5), name(kind="ape", alpha=0.4), name(kind="ape", staple_weight=0.5)]
    names += [name(kind="stout", rho=0.1), name(kind="hyp"), name(kind="hyp", alphas=(0.75, 0.6, 0.2))]
    assert len(set(names)) == len(names)
    assert name(kind="hyp") == name(kind="hyp", alphas=(0.75, 0.6, 0.3))


def test_settings_survive_their_own_text():
    asked = {"smeared_plaquette": {"smearing": {"kind": "stout", "rho": 0.1}, "levels": (1, 2)}}
    settings = MeasureSettings.model_validate(asked)
    assert MeasureSettings.model_validate_json(canonical_json(settings)) == settings


# ---- records


def test_every_record_is_complete():
    for observable in OBSERVABLES:
        assert observable.datasets
        assert (observable.settings is None) == (observable.description == "")
        for entry in observable.datasets.values():
            assert entry.axes[:2] == ("n", "chains")
            assert np.dtype(entry.dtype).byteorder in "<="
            assert entry.description


def test_a_dataset_of_two_records_is_refused():
    twice = Observable("other", {"plaquette": per_chain("again")}, lambda *_: {})
    with pytest.raises(ConfigError, match="plaquette stands in two records"):
        registered([*OBSERVABLES, twice])
    assert "plaquette" in all_datasets()


# ---- bad settings: one message that names the key, before any work

LOOPS = {"levels": [0, 5], "max_r": 2, "max_t": 2}
BAD = {
    "HYP in two dimensions": (
        {"smeared_loops": {"smearing": {"kind": "hyp"}, **LOOPS}},
        "measure.smeared_loops: got hyp, but HYP smearing is defined in 4 dimensions, not 2",
    ),
    "space-like in two dimensions": (
        {"smeared_loops": {"smearing": {"kind": "ape", "alpha": 0.5}, **LOOPS}},
        "measure.smeared_loops: got ape, but in 2 dimensions space-like links have no staples",
    ),
    "HYP plaquette in two dimensions": (
        {"smeared_plaquette": {"smearing": {"kind": "hyp"}, "levels": [1]}},
        "measure.smeared_plaquette: got hyp, but HYP",
    ),
    "smeared loops larger than the lattice": (
        {"smeared_loops": {"smearing": {"kind": "hyp"}, "levels": [0], "max_r": 2, "max_t": 9}},
        "measure.smeared_loops: got 2 x 9, wanted at most 4 x 4 on 4x4",
    ),
    "levels that do not rise": (
        {"smeared_loops": {"smearing": {"kind": "hyp"}, "levels": [5, 5], "max_r": 2, "max_t": 2}},
        "measure.smeared_loops.levels: got [5, 5], wanted strictly rising numbers of steps",
    ),
    "no weight": (
        {"smeared_loops": {"smearing": {"kind": "ape"}, **LOOPS}},
        "measure.smeared_loops.smearing: wanted alpha or staple_weight, one of the two",
    ),
    "a weight of one": (
        {"smeared_loops": {"smearing": {"kind": "ape", "alpha": 1.0}, **LOOPS}},
        "measure.smeared_loops.smearing.alpha: got 1.0, wanted a number less than 1",
    ),
    "an unknown smearing": (
        {"smeared_loops": {"smearing": {"kind": "wuppertal"}, **LOOPS}},
        "measure.smeared_loops.smearing",
    ),
    "correlator beyond half the lattice": (
        {"polyakov_correlator": {"max_r": 3}},
        "measure.polyakov_correlator: got max_r 3, wanted at most 2 on 4x4",
    ),
}


@pytest.mark.parametrize(("measure", "message"), BAD.values(), ids=BAD)
def test_bad_settings_are_refused_when_the_study_is_read(measure, message, tmp_path):
    with pytest.raises(ConfigError) as error:
        load_study(write_study(tmp_path, study_content(measure=measure)), "tiny")
    assert message in str(error.value)


def test_what_is_not_defined_on_the_lattice_of_a_file_is_refused_too():
    class System:
        group, extents, ndim = "SU3", (4, 4), 2

    settings = MeasureSettings.model_validate({"smeared_plaquette": {"smearing": {"kind": "hyp"}, "levels": (1,)}})
    with pytest.raises(ConfigError, match=r"here\.smeared_plaquette: got hyp"):
        check_measure(settings, System, "here")
