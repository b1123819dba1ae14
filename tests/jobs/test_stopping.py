"""Work is asked to stop by a signal, or when another step and its saving would end after the deadline."""

import os
import signal
import threading
import time

import pytest

from gaugeflow.jobs.deadline import Deadline
from gaugeflow.jobs.stopping import StopRequest


class Clock:
    """time.monotonic that moves when it is told to."""

    def __init__(self, monkeypatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def work(clock, stop, *, step, save=0.0):
    clock.now += step
    stop.step()
    with stop.saving():
        clock.now += save


def test_it_stops_before_a_step_that_would_end_too_late(clock):
    with StopRequest(Deadline(clock.now + 100)) as stop:
        work(clock, stop, step=50)  # compiles
        work(clock, stop, step=10, save=5)
        work(clock, stop, step=8, save=1)
        assert not stop  # 26 left, 15 needed
        work(clock, stop, step=10)
        work(clock, stop, step=1)
        assert not stop
        clock.now += 0.5
        assert stop
        assert stop.reason == "deadline in 14 s"


def test_before_the_second_step_the_first_one_tells(clock):
    with StopRequest(Deadline(clock.now + 100)) as stop:
        assert not stop
        work(clock, stop, step=60)
        assert stop.reason == "another rank was told to"
        assert stop
        assert stop.reason == "deadline in 40 s"


def test_saving_is_no_part_of_a_step_but_beside_the_steps_it_costs_none(clock):
    with StopRequest(Deadline(clock.now + 100)) as stop:
        work(clock, stop, step=1)
        for _ in range(4):
            work(clock, stop, step=1, save=10)  # a longest step of 1, a longest save of 10
        clock.now += 43
        assert not stop
        clock.now += 2
        assert stop


def test_saving_in_another_thread_counts(clock):
    with StopRequest(Deadline(clock.now + 100)) as stop:

        def save():
            with stop.saving():
                clock.now += 30

        thread = threading.Thread(target=save)
        thread.start()
        thread.join()
        stop.step()
        clock.now += 41
        assert stop


def test_a_deadline_that_has_passed_says_so(clock):
    stop = StopRequest(Deadline(clock.now - 1))
    assert stop.too_late
    assert stop.reason == "deadline has passed"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_asks_to_stop_and_handlers_come_back(number):
    before = signal.getsignal(number)
    with StopRequest() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        assert not stop.too_late
        assert stop.reason == f"signal {number.name}"
    assert signal.getsignal(number) is before


def test_another_thread_cannot_be_asked_to_stop():
    errors = []

    def run():
        try:
            StopRequest().__enter__()
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(errors) == 1
    assert "main thread" in errors[0]
