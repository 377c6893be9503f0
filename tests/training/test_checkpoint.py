"""Checkpoints in a folder: what is kept, what is refused, who may write."""

import hashlib
import io
import logging
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import largest_file, mounted
from gradient_failures.provenance import origin
from gradient_failures.training.checkpoint import StoppedError, checkpoint_in, set_values, values_of

ORIGIN = {
    "title": "parity",
    "config": "dim: 3",
    "code_hash": "c0de",
    "lock_hash": "10cc",
    "device": "cpu",
    "python_version": "3.11.7",
    "numpy_version": "2.0.0",
    "torch_version": "2.6.0",
}
"""All that decides the bits of a job."""

IDENTITY = origin.identity(ORIGIN)


class Walk:
    """A job that adds random numbers."""

    def __init__(self):
        self.rng, self.total = np.random.default_rng(0), torch.zeros(1000)
        self.taken = 0

    def __str__(self):
        return f"{self.taken} additions"

    def add(self):
        self.total += torch.from_numpy(self.rng.standard_normal(1000))
        self.taken += 1
        return self

    def saved(self):
        return {"taken": self.taken, "values": values_of([self.rng, self.total])}

    def resume(self, saved):
        self.taken = saved["taken"]
        set_values([self.rng, self.total], saved["values"])


def walked(additions):
    walk = Walk()
    for _ in range(additions):
        walk.add()
    return walk


def opened(folder, identity=IDENTITY, every=0):
    return checkpoint_in(folder, identity, every)


@contextmanager
def left_by_a_failure(folder, identity=IDENTITY, every=0):
    """A checkpoint whose folder stays, as the job fails."""
    with pytest.raises(ZeroDivisionError), opened(folder, identity, every) as checkpoint:
        yield checkpoint
        raise ZeroDivisionError


def saved(folder, *additions, identity=IDENTITY):
    """The files, oldest first, of a walk that is saved after each of ``additions`` and then fails."""
    with left_by_a_failure(folder, identity) as checkpoint:
        for count in additions:
            checkpoint.offer(walked(count))
    return sorted(folder.glob("*.pt"))


def additions_restored(folder, identity=IDENTITY):
    """How far a walk is that goes on from ``folder``; its next additions are those of one never stopped."""
    with left_by_a_failure(folder, identity) as checkpoint:
        walk = checkpoint.restored(Walk)
    taken = walk.taken
    assert torch.equal(walk.add().total, walked(taken + 1).total)
    return taken


def with_content(path, content):
    """Put ``content`` in the place of a checkpoint, under the name that its hash asks for."""
    path.unlink()
    replaced = path.with_name(f"{path.name.split('.')[0]}.{hashlib.sha256(content).hexdigest()}.pt")
    replaced.write_bytes(content)
    return replaced


def test_a_job_goes_on_from_its_newest_checkpoint(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    _, newest = saved(tmp_path / "job", 3, 5)
    assert additions_restored(tmp_path / "job") == 5
    assert f"resumed after 5 additions, from {newest}" in caplog.text


def test_without_a_checkpoint_a_job_starts_anew_and_nothing_is_said(tmp_path, caplog):
    assert additions_restored(tmp_path / "job") == 0
    assert not caplog.records


def test_the_two_newest_are_kept(tmp_path):
    files = saved(tmp_path / "job", 1, 2, 3, 4)
    assert len(files) == 2
    assert additions_restored(tmp_path / "job") == 4
    files[1].unlink()
    assert additions_restored(tmp_path / "job") == 3


def test_the_checkpoint_that_a_job_came_from_is_one_of_the_two(tmp_path):
    old, new = saved(tmp_path / "job", 1, 2)
    new.write_bytes(b"")
    with left_by_a_failure(tmp_path / "job") as checkpoint:
        checkpoint.offer(checkpoint.restored(Walk).add().add())
    assert old.exists()
    assert not new.exists()
    assert additions_restored(tmp_path / "job") == 3


def test_success_leaves_nothing(tmp_path):
    with opened(tmp_path / "job") as checkpoint:
        checkpoint.offer(walked(1))
        assert list((tmp_path / "job").glob("*.pt"))
    assert not list(tmp_path.iterdir())


def test_a_job_is_saved_every_so_many_seconds(tmp_path, monkeypatch):
    clock = SimpleNamespace(now=1000, monotonic=lambda: clock.now)
    monkeypatch.setattr("gradient_failures.training.checkpoint.time", clock)
    files = []
    with opened(tmp_path / "job", every=60) as checkpoint:
        for clock.now in (1059, 1061, 1119, 1122):
            checkpoint.offer(walked(1))
            files.append(len(list((tmp_path / "job").glob("*.pt"))))
    assert files == [0, 1, 1, 2]


def test_seconds_go_on_where_they_were(tmp_path):
    with left_by_a_failure(tmp_path / "job") as checkpoint:
        checkpoint._started -= 100
        checkpoint.offer(walked(1))
    with opened(tmp_path / "job") as checkpoint:
        assert checkpoint.seconds() < 50
        checkpoint.restored(Walk)
        assert 100 <= checkpoint.seconds() < 150


DAMAGES = {
    "emptied": lambda content: b"",
    "truncated": lambda content: content[:1000],
    "last byte lost": lambda content: content[:-1],
    "byte added": lambda content: content + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(tmp_path, caplog, damage):
    old, new = saved(tmp_path / "job", 3, 5)
    for path, left in ((new, 3), (old, 0)):
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
        assert additions_restored(tmp_path / "job") == left
        assert f"{path} is not used: it is truncated or damaged" in caplog.text


@given(data=st.data())
def test_one_flipped_bit_anywhere_is_noticed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("flipped") / "job"
    _, new = saved(folder, 3, 5)
    content = bytearray(new.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    new.write_bytes(content)
    assert additions_restored(folder) == 3


@pytest.mark.parametrize("name", ORIGIN)
def test_a_checkpoint_of_other_code_or_settings_is_refused(tmp_path, caplog, name):
    _, new = saved(tmp_path / "job", 3, 5)
    others = origin.identity({**ORIGIN, name: "another"})
    assert additions_restored(tmp_path / "job", others) == 0
    assert f"{new} is not used: it is of another {name}" in caplog.text
    saved(tmp_path / "job", 1, 2, identity=others)
    assert additions_restored(tmp_path / "job", others) == 2
    assert additions_restored(tmp_path / "job") == 0


class Attack:
    """What runs a command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_a_checkpoint_that_would_run_code_is_refused_and_runs_none(tmp_path, caplog):
    mark = tmp_path / "attacked"
    content = io.BytesIO()
    torch.save({"identity": IDENTITY, "seconds": 0.0, "job": Attack(f"touch {mark}")}, content)
    _, new = saved(tmp_path / "job", 3, 5)
    attack = with_content(new, content.getvalue())
    assert additions_restored(tmp_path / "job") == 3
    assert f"{attack} is not used: it holds more than numbers and text, and was not loaded" in caplog.text
    assert not mark.exists()
    torch.load(attack, weights_only=False)
    assert mark.exists(), "the attack is one"


def content_of(job, identity=IDENTITY):
    return {"identity": identity, "seconds": 0.0, "job": job}


OTHERS = {
    "incomplete": content_of({"taken": 5}),
    "not a generator": content_of({"taken": 5, "values": [{"state": 1}, torch.ones(1000)]}),
    "too few": content_of({"taken": 5, "values": values_of([Walk().rng])}),
    "without identity": content_of(walked(5).saved(), {}),
    "list": [1, 2, 3],
}


@pytest.mark.parametrize("content", OTHERS)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, caplog, content):
    _, new = saved(tmp_path / "job", 3, 5)
    file = io.BytesIO()
    torch.save(OTHERS[content], file)
    other = with_content(new, file.getvalue())
    assert additions_restored(tmp_path / "job") == 3
    assert f"{other} is not used: it does not fit the job" in caplog.text


def test_a_file_that_is_no_torch_file_is_refused(tmp_path, caplog):
    _, new = saved(tmp_path / "job", 3, 5)
    other = with_content(new, b"hello")
    assert additions_restored(tmp_path / "job") == 3
    assert f"{other} is not used" in caplog.text


def test_what_a_killed_writer_leaves_is_not_read_and_goes_with_the_next_save(tmp_path, caplog):
    (tmp_path / "job").mkdir()
    half = tmp_path / "job/.20260101T000000000000.abcd.pt"
    half.write_bytes(b"half")
    assert additions_restored(tmp_path / "job") == 0
    assert half.exists()
    assert not caplog.records
    saved(tmp_path / "job", 1)
    assert not half.exists()


def test_a_checkpoint_that_cannot_be_written_is_a_warning_and_the_one_before_stays(tmp_path, caplog):
    with left_by_a_failure(tmp_path / "job") as checkpoint:
        checkpoint.offer(walked(3))
        with largest_file(1000):
            checkpoint.offer(walked(4))
        assert re.search("no checkpoint saved after 4 additions: .*File too large", caplog.text)
        assert len(list((tmp_path / "job").glob("*.pt"))) == 1
    assert additions_restored(tmp_path / "job") == 3


def test_a_checkpoint_on_a_full_disk_is_a_warning_and_the_one_before_stays(full_disk, caplog):
    with left_by_a_failure(full_disk / "job") as checkpoint:
        checkpoint.offer(walked(3))
        filling = full_disk / "filling"
        with pytest.raises(OSError), filling.open("wb") as file:
            while True:
                file.write(bytes(100_000))
        checkpoint.offer(walked(4))
        assert re.search("no checkpoint saved after 4 additions: .*No space left", caplog.text)
        filling.unlink()
        assert checkpoint.restored(Walk).taken == 3
        checkpoint.offer(walked(5))
    assert additions_restored(full_disk / "job") == 5


@pytest.fixture
def full_disk(tmp_path):
    """A small disk of its own."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=200k", "tmpfs") as disk:
        yield disk


def through_a_file(state):
    """``state`` as it is after it was saved and loaded."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@given(st.lists(st.sampled_from(["random", "standard_normal", "integers"]), max_size=5))
def test_numpy_generators_go_on_with_the_same_numbers(methods):
    def draw(rng, method):
        # 32 bits at a time leave half of a word for the next call
        return rng.integers(0, 100, dtype=np.uint32) if method == "integers" else getattr(rng, method)()

    ours, theirs = np.random.default_rng(3), np.random.default_rng(4)
    for method in methods:
        draw(ours, method)
    set_values(theirs, through_a_file(values_of(ours)))
    for method in ("integers", "standard_normal", "integers", "random"):
        assert draw(ours, method) == draw(theirs, method)


@pytest.mark.parametrize("drawn", [0, 1, 7, 16, 17])
def test_torch_generators_go_on_with_the_same_numbers(drawn):
    ours, theirs = torch.Generator().manual_seed(3), torch.Generator().manual_seed(4)
    torch.empty(drawn).normal_(generator=ours)
    set_values(theirs, through_a_file(values_of(ours)))
    for size in (1, 1, 20, 3):
        assert torch.equal(
            torch.empty(size).normal_(generator=ours), torch.empty(size).normal_(generator=theirs)
        )


def test_tensors_are_set_in_place_whatever_their_layout():
    ours = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    theirs = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    before = theirs
    set_values({"weights": [theirs]}, through_a_file(values_of({"weights": [ours]})))
    assert torch.equal(ours, theirs)
    assert before is theirs
    assert theirs.requires_grad
    assert theirs.stride() == ours.stride()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_saves_the_job_at_its_next_offer_and_ends_it(tmp_path, number):
    handler = signal.getsignal(number)
    message = f"{number.name} ended the job after 3 additions; the same command goes on from there"
    with pytest.raises(StoppedError, match=message), opened(tmp_path / "job", every=3600) as checkpoint:
        checkpoint.restored(Walk)
        checkpoint.offer(walked(2))
        signal.raise_signal(number)
        checkpoint.offer(walked(3))
        pytest.fail("the job goes on")
    assert signal.getsignal(number) is handler
    assert additions_restored(tmp_path / "job") == 3


def test_a_signal_ends_the_job_even_if_it_cannot_be_saved(tmp_path):
    message = "after 3 additions; the same command goes on from the checkpoint before, if there is one"
    with pytest.raises(StoppedError, match=message), opened(tmp_path / "job") as checkpoint:
        checkpoint.restored(Walk)
        checkpoint.offer(walked(2))
        signal.raise_signal(signal.SIGTERM)
        with largest_file(1000):
            checkpoint.offer(walked(3))
    assert additions_restored(tmp_path / "job") == 2


def test_many_sigterm_are_as_good_as_one_but_a_second_sigint_does_not_wait(tmp_path):
    with pytest.raises(KeyboardInterrupt), opened(tmp_path / "job", every=3600) as checkpoint:
        checkpoint.restored(Walk)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second SIGINT is ignored")


def test_a_job_that_saves_nothing_is_ended_by_a_signal_at_once(tmp_path):
    with pytest.raises(KeyboardInterrupt), opened(tmp_path / "job"):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        signal.raise_signal(signal.SIGINT)


HOLDER = """
import sys, time
from pathlib import Path
from gradient_failures.training.checkpoint import checkpoint_in
with checkpoint_in(Path(sys.argv[1]), {}, 60):
    print("open", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_ends_however_it_ends(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "job"], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "open\n"
        message = f"another process, which holds {tmp_path}/job/lock, is at work on this job"
        for _ in range(2):
            with pytest.raises(RuntimeError, match=re.escape(message)), opened(tmp_path / "job"):
                pytest.fail("two at work")
        holder.kill()
    assert additions_restored(tmp_path / "job") == 0
