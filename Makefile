# make demo    set up and run the demonstration: a table and a report in a few minutes
# make test    set up and run all tests
# Both are quick when nothing changed: the stamp carries the hash of the lock.

PYTHON ?= python3
CORES  ?= 2
ROOT   ?= demo
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := requirements.lock
TORCH  := requirements-torch.lock
STAMP  := $(VENV)/.ok-$(shell cat $(LOCK) $(TORCH) 2>/dev/null | sha256sum | cut -d' ' -f1)
UV     := $(VENV)/uv/bin/uv
STUDIES := $(patsubst workflow/studies/%/study.yaml,%,$(filter-out workflow/studies/_%,$(wildcard workflow/studies/*/study.yaml)))

comma := ,
# Compiled modules are kept: without them every process takes a second longer to start.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(abspath $(BIN)):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check laws study tiny lock scoreboard bench bench-gpu clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

setup: $(STAMP) ## virtual environment with the locked versions, MPI included

# No prerequisites: the content of the lock decides, not its date.
$(STAMP):
	@PYTHON='$(PYTHON)' sh .ci/setup $(VENV)
	@rm -f $(VENV)/.ok-*
	@touch $@

demo: setup ## the main job at its tiny scale: ensembles, flow, measurement, table, report
	@snakemake --cores $(CORES) --config root=$(ROOT) --quiet rules
	@gaugeflow scoreboard $(ROOT)/results/scoreboard.csv
	@echo "report: $(abspath $(ROOT))/results/report.html"

test: setup ## all tests of this machine
	@python -m pytest

check: setup ## format, lint, imports, types
	@ruff format --check src tests workflow
	@ruff check src tests workflow
	@snakefmt --check Snakefile workflow
	@lint-imports
	@mypy

laws: setup ## tests without MPI worlds, SLURM and anything slow
	@python -m pytest -m "not slow and not mpi and not slurm"

study: setup ## start a new study: make study name=phi4_2d
	@test -n "$(name)" || { echo "usage: make study name=NAME"; exit 2; }
	@case "$(name)" in *[!A-Za-z0-9_]*) echo "name: letters, digits and _ only"; exit 2;; esac
	@test ! -e workflow/studies/$(name) || { echo "workflow/studies/$(name) exists"; exit 2; }
	@cp -r workflow/studies/_template workflow/studies/$(name)
	@echo "now edit workflow/studies/$(name)/study.yaml, then run: make tiny study=$(name)"

tiny: setup ## one study end to end at tiny scale: make tiny study=u1_2d
	@test -n "$(study)" || { echo "usage: make tiny study=NAME"; exit 2; }
	@snakemake --cores $(CORES) --config root=$(ROOT)/$(study) 'studies=[$(study)]' --quiet rules
	@gaugeflow scoreboard $(ROOT)/$(study)/results/scoreboard.csv

scoreboard: setup ## all studies at full scale under results_full/, then the README's table
	@snakemake --cores $(CORES) --config root=results_full scale=full \
	  'studies=[$(subst $() ,$(comma),$(STUDIES))]' --quiet rules
	@gaugeflow scoreboard results_full/results/scoreboard.csv --readme README.md

bench: setup ## all CPU benchmarks, alone on the machine, about eight minutes: records, roofline, docs/benchmarks.md
	@python benchmarks/all.py

bench-gpu: setup ## kernels on a GPU beside its copy bandwidth and peak; exit code 2 where there is none
	@python benchmarks/gpu.py && python benchmarks/page.py

lock: $(STAMP) ## resolve the newest versions that fit pyproject.toml
	@$(UV) pip compile --quiet --extra mpi --extra nn --extra test --universal --python-version 3.11 --upgrade \
	  --no-emit-index-url --custom-compile-command "make lock" --constraint $(TORCH) \
	  pyproject.toml -o $(LOCK)

clean: ## remove the demonstration's outputs
	@rm -rf $(ROOT)
