"""What the rules ask: which studies, which ensembles, which files, how many ranks. Rules only name files."""

import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from gaugeflow.config.foreign import ForeignSpec
from gaugeflow.config.load import load_study
from gaugeflow.config.schema import FileStart
from gaugeflow.errors import ConfigError

# gaugeflow and mpiexec of the environment that runs Snakemake, also where it was not activated.
shell.prefix(f"set -euo pipefail; export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")

SCALE = config["scale"]
DEVICE = config["device"]
ROOT = "" if os.path.normpath(config["root"]) == "." else f"{config['root'].rstrip('/')}/"
ENSEMBLES = f"{ROOT}data/ensembles"
MODELS = f"{ROOT}data/models"
LOGS = f"{ROOT}logs"
BENCHMARKS = f"{ROOT}benchmarks"
RESULTS = f"{ROOT}results"


def load_studies():
    """Study by name; two studies of one name would write the same results."""
    studies = {}
    try:
        for entry in config["studies"]:
            study = load_study(entry, SCALE)
            if study.name in studies:
                raise ConfigError(f"studies: got {study.name} twice, wanted each name once; rename one folder")
            studies[study.name] = study
    except ConfigError as error:
        raise WorkflowError(str(error)) from None
    return studies


STUDIES = load_studies()


# Chains that are generated, and ensembles of other codes' files: each has one rule that makes its chunks.
GENERATED = r"[a-z0-9]+_[234]d_b[0-9.e-]+_[0-9x]+-[0-9a-f]{10}"
FOREIGN = r"[a-z0-9]+_[234]d_foreign_[0-9x]+-[0-9a-f]{10}"


wildcard_constraints:
    ensemble=rf"{GENERATED}|{FOREIGN}",
    model=r"[a-z]+_[a-z0-9]+_[234]d(_[a-z0-9]+)?-[0-9a-f]{10}",
    settings=r"[0-9a-f]{8}",
    chunk=r"[0-9]{4}",
    study=r"[A-Za-z0-9][A-Za-z0-9._-]*",


localrules:
    all,
    spec,
    report,
    validate,


OWNERS = {}
for _study in STUDIES.values():
    for _ensemble in _study.ensembles:
        OWNERS.setdefault(_ensemble.ensemble_id, []).append((_study, _ensemble))


TRAININGS = {training.model_id: (study, training) for study in STUDIES.values() for training in study.trainings}


def owners(wildcards):
    """Studies that use an ensemble, in the order of the configuration."""
    if wildcards.ensemble not in OWNERS:
        raise WorkflowError(f"no study of this run has an ensemble {wildcards.ensemble}")
    return [study for study, _ in OWNERS[wildcards.ensemble]]


def ensemble_of(wildcards):
    owners(wildcards)
    return OWNERS[wildcards.ensemble][0][1]


def study_file(wildcards):
    return str(owners(wildcards)[0].file)


def study_that_measures(wildcards):
    return next(str(s.file) for s in owners(wildcards) if s.measure.settings_id == wildcards.settings)


def study_that_flows(wildcards):
    return next(
        str(study.file)
        for study in owners(wildcards)
        if any(flow.settings_id == wildcards.settings for flow in study.flows)
    )


def tuning_file(wildcards):
    spec = ensemble_of(wildcards).spec
    tuned = not isinstance(spec, ForeignSpec) and spec.tuned
    return f"{ENSEMBLES}/{wildcards.ensemble}/tuning.json" if tuned else []


def tuning_option(wildcards, input):
    return f"--tuning {shlex.quote(str(input.tuning))}" if input.tuning else ""


def previous_chunk(wildcards):
    """Chunk k continues chunk k - 1."""
    number = int(wildcards.chunk)
    return receipt(wildcards.ensemble, "configs", number - 1) if number else []


def data_file(path):
    """The file that a receipt stands for. It costs hours, so Snakemake, which deletes outputs, never hears of it."""
    return str(Path(path).with_suffix(".h5"))


def written(wildcards, output):
    return data_file(output[0])


def configurations(wildcards, input):
    return data_file(input.configurations)


def start_file(wildcards):
    """The file whose configuration starts the chain, where the study asks for one."""
    spec = ensemble_of(wildcards).spec
    if isinstance(spec, ForeignSpec) or not isinstance(spec.start, FileStart):
        return []
    return spec.start.file


def foreign_chunk(wildcards):
    return ensemble_of(wildcards).foreign.chunk(int(wildcards.chunk))


def foreign_files(wildcards):
    """Files of other codes that one chunk is made of."""
    return [str(path) for path in foreign_chunk(wildcards).paths]


def position_table(wildcards):
    """The table that says where the files belong, where the study has one."""
    table = foreign_chunk(wildcards).table
    return str(table) if table else []


def previous_option(wildcards, input):
    return f"--previous {shlex.quote(data_file(str(input.previous)))}" if input.previous else ""


def chunk_number(wildcards):
    return int(wildcards.chunk)


def grid_option(wildcards):
    grid = ensemble_of(wildcards).grid
    return f"--grid {','.join(map(str, grid))}" if grid else ""


def acceptance_band(wildcards):
    return ",".join(map(str, ensemble_of(wildcards).acceptance_band))


def receipt(ensemble_id, folder, number):
    return f"{ENSEMBLES}/{ensemble_id}/{folder}/{number:04d}.done"


def chunk_receipts(ensemble, folder="configs"):
    return [receipt(ensemble.ensemble_id, folder, number) for number in range(ensemble.chunks)]


def receipts(study, folder):
    return [path for ensemble in study.ensembles for path in chunk_receipts(ensemble, folder)]


def study_configs(wildcards):
    return receipts(STUDIES[wildcards.study], "configs")


def study_measurements(wildcards):
    study = STUDIES[wildcards.study]
    return receipts(study, study.measure_folder)


def study_flows(wildcards):
    study = STUDIES[wildcards.study]
    return [path for folder in study.flow_folders for path in receipts(study, folder)]


def study_models(wildcards):
    """Models that this workflow trains; those of other places are read where they are."""
    trainings = STUDIES[wildcards.study].trainings
    return [f"{MODELS}/{training.model_id}/model.done" for training in trainings if not training.file]


def study_predictions(wildcards):
    trainings = STUDIES[wildcards.study].trainings
    return [f"{MODELS}/{training.model_id}/predict.done" for training in trainings if training.test]


def study_sources(wildcards):
    """Files of the study folder that decide its results: an edit runs the analysis again, nothing before it."""
    study = STUDIES[wildcards.study]
    others = [study.folder / "analysis.py", *sorted(study.folder.glob("reference*.csv"))]
    return [str(path) for path in (study.file, *others) if path.is_file()]


def study_entry(wildcards):
    return str(STUDIES[wildcards.study].file)


def all_results(wildcards):
    return [f"{RESULTS}/{name}/results.json" for name in STUDIES]


def figure_sources(wildcards):
    paths = [study.folder / "figures.py" for study in STUDIES.values()]
    return [str(path) for path in paths if path.is_file()]


def study_options(wildcards):
    """Where the figures of each study are made: studies may lie anywhere."""
    return " ".join(f"--study {shlex.quote(str(study.file))}" for study in STUDIES.values())
