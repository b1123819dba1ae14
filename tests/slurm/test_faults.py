"""A small campaign of faults: what chains are after them. test_judge.py shows that the judge sees what is wrong."""

import pytest
from slurm import session
from slurm.campaign import Campaign
from slurm.faults import planned

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SEED = 7
CHAINS = 2
FAULTS = 8


@pytest.fixture(scope="module")
def campaign(cluster, tmp_path_factory):
    """Eight faults on two chains."""
    plan = planned(SEED, 1, 2)[:FAULTS]
    campaign = Campaign(cluster, tmp_path_factory.mktemp("faults"), plan, chunks=2, at_once=FAULTS // CHAINS)
    campaign.run(len(session.DISKS))
    return campaign


def test_a_chain_is_what_it_is_without_faults_and_nothing_saved_is_computed_again(campaign):
    assert [outcome.complaints for outcome in campaign.outcomes] == [[]] * len(campaign.outcomes)


def test_faults_happened(campaign):
    assert sum(len(outcome.happened) for outcome in campaign.outcomes) == FAULTS
    assert campaign.counts()["two at once"] >= 1


def test_no_process_and_no_job_is_left(cluster, campaign):
    cluster.wait_for(lambda: cluster.leftovers() == [], "nothing is left")
    assert cluster.jobs() == []
