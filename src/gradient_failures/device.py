"""Where a job trains: the processor, or a graphics card that it holds while it works.

Code that trains makes its tensors on torch's default device, which is set here. Random numbers are always
drawn on the processor, so every device sees the same data; float64 stays there too, as not all cards have it.
"""

import getpass
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import torch
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

PLACES = Path(tempfile.gettempdir()) / f"gradient-failures-{getpass.getuser()}"
"""Lock files of the places on this machine's cards; a lock goes when its process ends, however it ends."""

SECONDS_BETWEEN_TRIES = 1.0


class DeviceError(RuntimeError):
    """A device that this machine lacks; the message says what is here."""


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


@contextmanager
def training_on(name: str, jobs_per_card: int) -> Iterator[str]:
    """Make tensors on the device ``name``, on a card after waiting for a place; give what to call it in data.

    Parameters
    ----------
    name : "cpu", "cuda" (any visible card), "cuda:N", "mps" or "auto".
    jobs_per_card : how many of this user's jobs may share a card.
    """
    found = find(name)
    if found == "cpu":
        log.info("device %s: training on the processor", name)
        yield found
        return
    with _place_on(_cards(found), jobs_per_card) as card, _default_device(card):
        described = f"{found.split(':')[0]}, {torch.cuda.get_device_name(card)}" if found != "mps" else found
        log.info("device %s: training on %s (%s)", name, card, described)
        yield described


def _present() -> list[str]:
    """The devices of this machine, the best one last."""
    cards = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return ["cpu", *(["mps"] if torch.backends.mps.is_available() else []), *cards[::-1]]


def _cards(found: str) -> list[str]:
    """The cards to choose from."""
    return [card for card in _present()[::-1] if card == found or card.split(":")[0] == found]


@contextmanager
def _place_on(cards: list[str], jobs_per_card: int) -> Iterator[str]:
    """Hold a place on one of ``cards``, a second only if all have a first; SLURM's only card needs none."""
    if "SLURM_JOB_ID" in os.environ and len(cards) == 1:
        yield cards[0]
        return
    places = [
        (card, FileLock(PLACES / f"{_identity(card)}.{place}.lock"))
        for place, card in product(range(jobs_per_card), cards)
    ]
    PLACES.mkdir(exist_ok=True)
    card, lock = _first_free(places)
    try:
        yield card
    finally:
        lock.release()


def _first_free(places: list[tuple[str, FileLock]]) -> tuple[str, FileLock]:
    """Wait for a place, and return it with its lock acquired."""
    waiting = False
    while True:
        for card, lock in places:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return card, lock
        if not waiting:
            log.info("waiting for a free card: all %d places are taken", len(places))
        waiting = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _identity(card: str) -> str:
    """What tells ``card`` from others, whatever CUDA_VISIBLE_DEVICES numbers it."""
    return str(torch.cuda.get_device_properties(card).uuid) if card.startswith("cuda") else card


@contextmanager
def _default_device(card: str) -> Iterator[None]:
    """Make ``card`` torch's default device, with products and convolutions in full float32."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    with torch.device(card):
        yield
