"""Which device runs is never decided silently, and MPI is not handed a card's memory on hearsay."""

import ctypes
import logging
from types import SimpleNamespace

import pytest

from gaugeflow.errors import ConfigError
from gaugeflow.lattice import device_memory, devices
from gaugeflow.lattice.communicator import Serial


@pytest.fixture
def cards(monkeypatch):
    """Pretend that there are this many cards."""
    return lambda count: monkeypatch.setattr(devices.cuda, "count_devices", lambda: count)


def test_auto_takes_the_cpu_where_there_is_no_card_and_says_why(cards, caplog):
    cards(0)
    with caplog.at_level(logging.INFO):
        assert devices.resolve("auto") == "cpu"
    assert "device auto: cpu (" in caplog.text


def test_auto_takes_a_card_where_there_is_one_and_says_so(cards, caplog):
    cards(1)
    with caplog.at_level(logging.INFO):
        assert devices.resolve("auto") == "cuda"
    assert "device auto: cuda" in caplog.text


def test_a_card_that_is_not_there_and_an_unknown_device_are_refused(cards):
    cards(0)
    with pytest.raises(ConfigError, match=r"device cuda: .*use --device cpu"):
        devices.resolve("cuda")
    with pytest.raises(ConfigError, match="'tpu', wanted one of cpu, cuda, oracle, auto"):
        devices.resolve("tpu")


class TwoRanksOnANode(Serial):
    size = 2

    def on_node(self, value):
        return [0, 1]


def test_more_ranks_than_cards_on_a_node_are_refused(cards):
    cards(1)
    with pytest.raises(ConfigError, match="2 ranks on a node with 1 cards; start one rank per card"):
        devices.device_maker("cuda", TwoRanksOnANode(), 1, "float64")


def answering(pointer, value):
    ctypes.cast(pointer, ctypes.POINTER(ctypes.c_int))[0] = value


@pytest.mark.parametrize(
    ("library", "said"),
    [
        (SimpleNamespace(), False),
        (SimpleNamespace(MPIX_Query_cuda_support=lambda: 1), True),
        (SimpleNamespace(MPIX_Query_cuda_support=lambda: 0), False),
        (SimpleNamespace(MPIX_GPU_query_support=lambda kind, answer: answering(answer, 1)), True),
        (SimpleNamespace(MPIX_GPU_query_support=lambda kind, answer: answering(answer, 0)), False),
    ],
)
def test_an_mpi_that_does_not_say_yes_is_not_believed(library, said):
    assert device_memory.library_says_yes(library) is said


def test_messages_from_a_card_can_be_forbidden(monkeypatch):
    monkeypatch.setenv(device_memory.VARIABLE, "0")
    assert device_memory.mpi_reads_device_memory(None) is False
