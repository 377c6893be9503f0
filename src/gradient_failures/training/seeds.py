"""Independent random streams, named by what they are for."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np


def stream(experiment: str, purpose: str, **axes: int | str) -> np.random.Generator:
    """Random generator of one named stream, e.g. ``stream("parity", "data", dim=10, seed=3)``.

    The seed is a hash of the names, so two streams are independent as soon as one name differs,
    and a stream does not depend on which others exist or on how seeds are shared out among jobs.
    Runs that should be compared pair by pair share a stream by naming the same axes.
    """
    name = json.dumps({"experiment": experiment, "purpose": purpose, **axes}, sort_keys=True)
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def streams(
    experiment: str, purpose: str, seeds: Sequence[int], **axes: int | str
) -> list[np.random.Generator]:
    """The :func:`stream` of each of ``seeds``."""
    return [stream(experiment, purpose, **axes, seed=seed) for seed in seeds]
