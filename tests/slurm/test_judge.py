"""The judge of a chain sees what faults may do: work done twice, other links, unsound files, things left behind."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from slurm import judge
from slurm.chain import Seen

WANTED = ["aaaa", "bbbb"]
AT_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()


def attempt(folder, number, chunk, second, continued_after, trajectories):
    """Log of an attempt that started so many seconds after noon."""
    time = datetime.fromtimestamp(AT_NOON + second, UTC).isoformat()
    lines = [
        {"event": "begin", "time": time},
        {"event": "chunk", "time": time, "chunk": chunk, "continued_after": continued_after},
        {"event": "end", "time": time, "exit_code": 0, "trajectories": trajectories, "seconds": 1.0},
    ]
    path = folder / "logs" / "attempts" / "generate" / "e" / f"{chunk:04d}" / f"{number}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def chain(tmp_path, monkeypatch):
    """A chain of two chunks that a fault interrupted once and that is as it should be."""
    configs = tmp_path / "data" / "ensembles" / "e" / "configs"
    configs.mkdir(parents=True)
    for chunk, text in enumerate(WANTED):
        (configs / f"{chunk:04d}.h5").write_text(text)
    attempt(tmp_path, 1, 0, 0, None, 30)
    attempt(tmp_path, 2, 0, 20, 30, 70)
    attempt(tmp_path, 1, 1, 40, None, 100)
    monkeypatch.setattr(judge, "content_hash", lambda path: path.read_text())
    run = SimpleNamespace(returncode=0, stdout="", stderr="")
    seen = [Seen(AT_NOON + 10, 0, 30), Seen(AT_NOON + 30, 0, None)]
    return SimpleNamespace(
        files=tmp_path, root=tmp_path, chunks=2, seen=seen, all_jobs=list, cluster=SimpleNamespace(run=lambda *_: run)
    )


def test_a_chain_that_went_on_where_it_stood_is_sound(chain):
    assert judge.complaints(chain, WANTED) == []


def test_an_attempt_that_went_on_before_what_was_saved_is_seen(chain):
    attempt(chain.files, 2, 0, 20, 12, 88)
    assert "went on after trajectory 12, 30 was saved" in judge.complaints(chain, WANTED)[0]


def test_a_complete_chunk_that_is_computed_again_is_seen(chain):
    attempt(chain.files, 3, 0, 50, None, 100)
    assert "computed chunk 0 again" in judge.complaints(chain, WANTED)[0]


def test_an_attempt_that_found_the_chunk_complete_is_no_fault(chain):
    attempt(chain.files, 3, 0, 50, None, 0)
    assert judge.complaints(chain, WANTED) == []


def test_other_links_are_seen(chain):
    assert judge.complaints(chain, ["aaaa", "cccc"]) == ["chunk 1 has other content"]


def test_unsound_files_are_seen(chain):
    chain.cluster.run = lambda *_: SimpleNamespace(returncode=3, stdout="FAILED 0001.h5", stderr="")
    assert judge.complaints(chain, WANTED) == ["gaugeflow check: FAILED 0001.h5"]


def test_scratch_folders_and_jobs_that_are_left_are_seen(chain):
    (chain.files / "data" / "ensembles" / "e" / "configs" / "0001.h5.partial").mkdir()
    chain.all_jobs = lambda: [{"id": "7"}]
    assert [text.split(":")[0] for text in judge.complaints(chain, WANTED)] == ["left behind", "job left behind"]
