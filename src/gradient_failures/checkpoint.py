"""Checkpoints: the state of a job in progress, kept so that the job goes on with the same bits.

A checkpoint is a torch file, ``TIME.SHA256.pt``, that holds nothing but numbers and text. The two newest are
kept. A file that is damaged, or of other code or settings, is never used; at worst the job starts anew.
"""

import hashlib
import io
import logging
import os
import pickle
import platform
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from gradient_failures.files import atomic, write_text

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Signals that stop a job once it is saved. Clusters send SIGUSR1, where asked to, before the time is up."""

REFUSED = "refused"
"""File that a process leaves in a folder that another has open."""


class Resumable(Protocol):
    """A job in progress; as text, how far it is."""

    def state(self) -> Any:
        """All that decides how it goes on: tensors, numbers and text, in lists and dictionaries."""

    def load_state(self, state: Any) -> None:
        """Continue from what :meth:`state` gave, however the job was when it did."""


Part: TypeAlias = Tensor | np.random.Generator | torch.Generator | Sequence["Part"]
"""What the state of a job is made of."""

Job = TypeVar("Job", bound=Resumable)


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message says why."""


class StoppedError(RuntimeError):
    """A signal has stopped the job; the message says where it goes on."""


def state_of(part: Part) -> Any:
    """The state of ``part``, for :meth:`Checkpoint.save`."""
    match part:
        case Tensor():
            return part.detach()
        case np.random.Generator():
            return part.bit_generator.state
        case torch.Generator():
            return part.get_state()
    return [state_of(item) for item in part]


def load_state(part: Part, state: Any) -> None:
    """Set ``part``, in place, to what :func:`state_of` gave of its like."""
    match part:
        case Tensor():
            part.detach().copy_(state)
        case np.random.Generator():
            part.bit_generator.state = state
        case torch.Generator():
            part.set_state(state)
        case _:
            for item, item_state in zip(part, state, strict=True):
                load_state(item, item_state)


class Checkpoint:
    """The checkpoints of one job, in a folder of their own. :func:`checkpoint_in` opens it.

    Parameters
    ----------
    folder : where they are.
    identity : what decides the bits of the job, by name. Only checkpoints of the same are used.
    every : seconds from one save to the next.
    """

    def __init__(self, folder: Path, identity: Mapping[str, str], every: float) -> None:
        self.folder, self.identity, self.every = folder, dict(identity), every
        self._started = time.monotonic()
        self._due = self._started + every
        self._newest: Path | None = None
        self._signal: signal.Signals | None = None

    def seconds(self) -> float:
        """Seconds that the job has taken so far, with those up to the checkpoint that it goes on from."""
        return time.monotonic() - self._started

    def restored(self, fresh: Callable[[], Job]) -> Job:
        """A ``fresh`` job as it was in the newest usable checkpoint; without one, as it starts."""
        for path in sorted(self.folder.glob("[!.]*.pt"), reverse=True):
            job = fresh()
            try:
                saved = self._read(path)
                job.load_state(saved["job"])
            except CheckpointError as error:
                log.warning("%s is not used: %s", path, error)
            except Exception as error:
                log.warning("%s is not used: it does not fit the job (%r)", path, error)
            else:
                log.info("resumed after %s, from %s", job, path)
                self._newest = path
                self._started -= saved["seconds"]
                return job
        return fresh()

    def offer(self, job: Resumable) -> None:
        """Save ``job`` if it is time to; after a signal, save it and raise :class:`StoppedError`."""
        if self._signal is None and time.monotonic() < self._due:
            return
        saved = self.save(job)
        self._due = time.monotonic() + self.every
        if self._signal is not None:
            start = (
                "there" if saved else "the checkpoint before, if there is one: this one could not be saved"
            )
            raise StoppedError(
                f"{self._signal.name} ended the job after {job}; the same command goes on from {start}"
            )

    def save(self, job: Resumable) -> bool:
        """Save ``job``, keep the checkpoint before, and drop others; if that fails, warn and say False."""
        saved = {"identity": self.identity, "seconds": self.seconds(), "job": job.state()}
        buffer = io.BytesIO()
        torch.save(saved, buffer)
        digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
        path = self.folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.{digest}.pt"
        try:
            with atomic(path) as temporary:
                temporary.write_bytes(buffer.getbuffer())
            for other in self.folder.glob("*.pt"):
                if other not in (path, self._newest):
                    other.unlink()
        except OSError as error:
            log.warning("no checkpoint saved after %s: %s", job, error)
            return False
        self._newest = path
        return True

    def stop_at_next_offer(self, number: int, _frame: Any = None) -> None:
        """Handle a signal; a second SIGINT, or Ctrl-C, does not wait for the offer."""
        self._signal = signal.Signals(number)
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)

    def _read(self, path: Path) -> dict[str, Any]:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != path.name.split(".")[1]:
            raise CheckpointError("it is truncated or damaged, its SHA-256 is not the one in its name")
        try:
            saved: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:
            raise CheckpointError("it holds more than numbers and text, and was not loaded") from None
        others = [name for name, value in self.identity.items() if saved["identity"][name] != value]
        if others:
            raise CheckpointError(f"it is of another {', '.join(others)}")
        return saved


@contextmanager
def checkpoint_in(folder: Path, identity: Mapping[str, str], every: float) -> Iterator[Checkpoint]:
    """The :class:`Checkpoint` of a job that alone may use ``folder``, and that signals stop; gone on success.

    It stays if another process was refused: Snakemake removes what a failed job should have written, which is
    the result of this one.

    Raises
    ------
    RuntimeError : another process has it open.
    """
    with _sole_user_of(folder):
        checkpoint = Checkpoint(folder, identity, every)
        handlers = {number: signal.signal(number, checkpoint.stop_at_next_offer) for number in SIGNALS}
        try:
            yield checkpoint
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if not (folder / REFUSED).exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _sole_user_of(folder: Path) -> Iterator[None]:
    """Hold a lock in ``folder`` that goes when this process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    holder, refused = folder / "holder", folder / REFUSED
    try:
        lock = FileLock(folder / "lock").acquire(timeout=0)
    except Timeout:
        refused.touch()
        name = holder.read_text(encoding="utf-8") if holder.exists() else "another process"
        raise RuntimeError(
            f"{folder}: {name} is at work on this job. Wait for it or end it (SIGTERM lets it save), "
            "then give the same command again"
        ) from None
    with lock:
        refused.unlink(missing_ok=True)
        write_text(holder, f"process {os.getpid()} on {platform.node()}")
        yield
