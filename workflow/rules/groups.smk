"""What Snakemake is told about jobs of several steps, beyond the labels that the rules give.

It takes steps of one label for one job only where they depend on each other, unless a number of components is set; and
it looks for circles among such jobs from every step of every job anew, which takes hours for a chain of thousands. To
learn which conda environment a step has, it works out the step's parameters and resources: for all steps before the
first job starts, which is most of the time that the graph takes.
"""

from collections import defaultdict

from snakemake.dag import DAG
from snakemake.jobs import Job

ANY_NUMBER = 10**6
PACKED = "packed"


def register(job):
    """The label of a step's job, known to Snakemake as one of those whose unconnected steps belong together."""

    def label(wildcards):
        name = job(wildcards)
        if name is not None:
            workflow.parent_groupids[name] = PACKED
            settings = workflow.group_settings  # not there yet while the rules are read
            if PACKED not in settings.group_components:
                settings.group_components = {**settings.group_components, PACKED: ANY_NUMBER}
        return name

    return label


group_of_tune, group_of_generate = register(job_of_tune), register(job_of_generate)
group_of_measure, group_of_flow = register(job_of_measure), register(job_of_flow)


def find_circles(dag):
    """Refuse jobs that wait for each other: every job of several steps is one node, then all nodes are sorted."""
    node_of = {job: id(group) for job, group in dag._group.items()}
    waits_for, followers = defaultdict(set), defaultdict(set)
    for job, needed in dag._dependencies.items():
        node = node_of.get(job, job)
        for other in needed:
            if node_of.get(other, other) != node:
                waits_for[node].add(node_of.get(other, other))
                followers[node_of.get(other, other)].add(node)
    left = {node: len(needed) for node, needed in waits_for.items()}
    free = [node for node in followers if node not in left]
    while free:
        for node in followers.get(free.pop(), ()):
            left[node] -= 1
            if not left[node]:
                del left[node]
                free.append(node)
    stuck = sorted({group.groupid for group in dag._group.values() if id(group) in left})
    if left:
        raise WorkflowError(f"jobs wait for each other: {', '.join(stuck) or len(left)}; set job_minutes=0 bundle=0")


def no_check(dag, group):
    """What find_circles covers."""


if hasattr(DAG, "_check_groups") and hasattr(DAG, "validate_group"):
    DAG._check_groups, DAG.validate_group = find_circles, no_check


def environments_of_rules(find):
    """What a first step needs, the other steps of its kind need too. No environment here depends on a step."""

    def update_conda_envs(dag):
        spec_of = {}
        for job in dag.jobs:
            kind = job.rule.name
            if kind not in spec_of:
                spec_of[kind] = job.conda_env_spec
            job._conda_env_spec = spec_of[kind]
        find(dag)

    return update_conda_envs


if hasattr(DAG, "update_conda_envs") and hasattr(Job, "conda_env_spec"):
    DAG.update_conda_envs = environments_of_rules(DAG.update_conda_envs)
