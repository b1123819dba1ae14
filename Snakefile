import sys

from snakemake.utils import min_version, validate

min_version("9.0")
sys.setrecursionlimit(20000)  # chains of more than about 450 chunks


configfile: workflow.source_path("workflow/config.yaml")


validate(config, workflow.source_path("workflow/schemas/config.schema.yaml"))


include: "workflow/rules/common.smk"
include: "workflow/rules/needs.smk"
include: "workflow/rules/groups.smk"
include: "workflow/rules/ensemble.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/analyse.smk"


resource_scopes:
    lanes="local",  # within a job, not over all of them


rule all:
    default_target: True
    input:
        f"{RESULTS}/scoreboard.csv",
        f"{RESULTS}/report.html",
        f"{RESULTS}/latex/numbers.tex",
