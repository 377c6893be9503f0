"""Checkpoints: what a job in progress needs to go on with the same bits.

A checkpoint is a torch file, ``TIME.SHA256.pt``, that holds nothing but numbers and text. The two newest are
kept. A file that is damaged, or of other code or settings, is never used; at worst the job starts anew.
"""

import hashlib
import io
import logging
import pickle
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from gradient_failures.provenance.files import atomic

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Signals that stop a job once it is saved. Clusters send SIGUSR1, where asked to, before the time is up."""

State: TypeAlias = Tensor | np.random.Generator | torch.Generator | Sequence["State"] | Mapping[str, "State"]
"""Tensors and generators that change as a job goes on, in lists and dictionaries."""


class Resumable(Protocol):
    """A job in progress; as text, how far it is."""

    def saved(self) -> Any:
        """All that decides how it goes on: tensors, numbers and text, in lists and dictionaries."""

    def resume(self, saved: Any) -> None:
        """Continue, as a fresh job, from what :meth:`saved` gave."""


Job = TypeVar("Job", bound=Resumable)


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message says why."""


class StoppedError(RuntimeError):
    """A signal has stopped the job; the message says where it goes on."""


def values_of(state: State) -> Any:
    """The present values of ``state``, for :meth:`Checkpoint.save`."""
    match state:
        case Tensor():
            return state.detach()
        case np.random.Generator():
            return state.bit_generator.state
        case torch.Generator():
            return state.get_state()
        case Mapping():
            return {name: values_of(item) for name, item in state.items()}
    return [values_of(item) for item in state]


def set_values(state: State, values: Any) -> None:
    """Set ``state``, in place, to the values that :func:`values_of` gave of its like."""
    match state:
        case Tensor():
            with torch.no_grad():
                state.copy_(values)
        case np.random.Generator():
            state.bit_generator.state = values
        case torch.Generator():
            state.set_state(values)
        case Mapping():
            for name, item in state.items():
                set_values(item, values[name])
        case _:
            for item, item_values in zip(state, values, strict=True):
                set_values(item, item_values)


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
        """A ``fresh`` job as it was in the newest usable checkpoint; without one, as it starts.

        From now on, signals stop the job at its next :meth:`offer`.
        """
        for number in SIGNALS:
            signal.signal(number, self._stop_at_next_offer)
        for path in sorted(self.folder.glob("[!.]*.pt"), reverse=True):
            job = fresh()
            try:
                content = self._read(path)
                job.resume(content["job"])
            except CheckpointError as error:
                log.warning("%s is not used: %s", path, error)
            except Exception as error:
                log.warning("%s is not used: it does not fit the job (%r)", path, error)
            else:
                log.info("resumed after %s, from %s", job, path)
                self._newest = path
                self._started -= content["seconds"]
                return job
        return fresh()

    def offer(self, job: Resumable) -> None:
        """Save ``job`` if it is time to; after a signal, save it and raise :class:`StoppedError`."""
        if self._signal is None and time.monotonic() < self._due:
            return
        start = "there"
        try:
            self._save(job)
        except OSError as error:
            log.warning("no checkpoint saved after %s: %s", job, error)
            start = "the checkpoint before, if there is one: this one could not be saved"
        self._due = time.monotonic() + self.every
        if self._signal is not None:
            raise StoppedError(
                f"{self._signal.name} ended the job after {job}; the same command goes on from {start}"
            )

    def _save(self, job: Resumable) -> None:
        """Save ``job``, keep the checkpoint before, and drop others."""
        buffer = io.BytesIO()
        torch.save({"identity": self.identity, "seconds": self.seconds(), "job": job.saved()}, buffer)
        digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
        path = self.folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.{digest}.pt"
        with atomic(path) as temporary:
            temporary.write_bytes(buffer.getbuffer())
        before, self._newest = self._newest, path
        for other in self.folder.glob("*.pt"):
            if other not in (path, before):
                other.unlink()

    def _stop_at_next_offer(self, number: int, _frame: Any) -> None:
        """Handle a signal; a second SIGINT, or Ctrl-C, does not wait for the offer."""
        self._signal = signal.Signals(number)
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)

    def _read(self, path: Path) -> dict[str, Any]:
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != path.name.split(".")[1]:
            raise CheckpointError("it is truncated or damaged, its SHA-256 is not the one in its name")
        try:
            content: dict[str, Any] = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:
            raise CheckpointError("it holds more than numbers and text, and was not loaded") from None
        others = [name for name, value in self.identity.items() if content["identity"][name] != value]
        if others:
            raise CheckpointError(f"it is of another {', '.join(others)}")
        return content


@contextmanager
def checkpoint_in(folder: Path, identity: Mapping[str, str], every: float) -> Iterator[Checkpoint]:
    """The :class:`Checkpoint` of a job that alone may use ``folder``, which is gone on success.

    Raises
    ------
    RuntimeError : another process has it open. Its lock goes when it ends, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "lock"
    try:
        held = FileLock(lock).acquire(timeout=0)
    except Timeout:
        raise RuntimeError(
            f"another process, which holds {lock}, is at work on this job. Wait for it or end it "
            "(SIGTERM lets it save), then give the same command again"
        ) from None
    with held:
        with ExitStack() as handlers:
            for number in SIGNALS:
                handlers.callback(signal.signal, number, signal.getsignal(number))
            yield Checkpoint(folder, identity, every)
        shutil.rmtree(folder, ignore_errors=True)
