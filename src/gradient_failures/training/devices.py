"""Where a job trains: the CPU, or a GPU of which it holds a slot while it works.

Code that trains makes its tensors on torch's default device, which is set here. Random numbers are always
drawn on the CPU, so every device sees the same data; float64 stays there too, as not all GPUs have it.
"""

import getpass
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import product
from pathlib import Path

import torch
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

SLOTS = Path(tempfile.gettempdir()) / f"gradient-failures-{getpass.getuser()}"
"""Lock files of the slots on this machine's GPUs; a lock goes when its process ends, however it ends."""

SECONDS_BETWEEN_TRIES = 1.0


class DeviceError(RuntimeError):
    """A device that this machine lacks; the message says what is here."""


@contextmanager
def training_on(name: str, jobs_per_gpu: int) -> Iterator[str]:
    """Make tensors on the device ``name``, on a GPU after waiting for a slot; give what to call it in data.

    Parameters
    ----------
    name : "cpu", "cuda" (any visible GPU), "cuda:N", "mps" or "auto".
    jobs_per_gpu : how many of this user's jobs may share a GPU.
    """
    found = name if name == "cpu" else find(name)
    if found == "cpu":
        log.info("device %s: on the CPU", name)
        yield found
        return
    gpus = [gpu for gpu in _present()[::-1] if found in (gpu, gpu.split(":")[0])]
    # Products and convolutions in full float32.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    with _slot_on(gpus, jobs_per_gpu) as gpu, torch.device(gpu):
        described = f"{found.split(':')[0]}, {torch.cuda.get_device_name(gpu)}" if found != "mps" else found
        log.info("device %s: on %s (%s)", name, gpu, described)
        yield described


def find(name: str) -> str:
    """The device that ``name`` of the configuration means here: itself, or for "auto" the best there is.

    Raises
    ------
    DeviceError : it is not here.
    """
    present = _present()
    if name == "auto":
        return present[-1].split(":")[0]
    if name not in [*present, *(device.split(":")[0] for device in present)]:
        raise DeviceError(
            f"device '{name}' is not here; this machine, with torch {torch.__version__}, has "
            f"{', '.join(present)}. 'auto' takes the best there is"
        )
    return name


def _present() -> list[str]:
    """The devices of this machine, the best one last."""
    gpus = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return ["cpu", *(["mps"] if torch.backends.mps.is_available() else []), *gpus[::-1]]


@contextmanager
def _slot_on(gpus: Sequence[str], jobs_per_gpu: int) -> Iterator[str]:
    """Hold a slot on one of ``gpus``, a second only if all have a first; SLURM's only GPU needs none."""
    if "SLURM_JOB_ID" in os.environ and len(gpus) == 1:
        yield gpus[0]
        return
    SLOTS.mkdir(exist_ok=True)
    slots = [
        (gpu, FileLock(SLOTS / f"{_identity(gpu)}.{slot}.lock"))
        for slot, gpu in product(range(jobs_per_gpu), gpus)
    ]
    gpu, held = _first_free(slots)
    with held:
        yield gpu


def _first_free(slots: Sequence[tuple[str, FileLock]]) -> tuple[str, AbstractContextManager[object]]:
    """Wait for a slot, and return its GPU and its lock, which is held until the end of its context."""
    waiting = False
    while True:
        for gpu, lock in slots:
            with suppress(Timeout):
                return gpu, lock.acquire(timeout=0)
        if not waiting:
            log.info("waiting for a GPU: all %d slots are taken", len(slots))
        waiting = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _identity(gpu: str) -> str:
    """What tells ``gpu`` from others, whatever CUDA_VISIBLE_DEVICES numbers it."""
    return str(torch.cuda.get_device_properties(gpu).uuid) if gpu.startswith("cuda") else gpu
