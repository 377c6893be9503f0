"""The compiled convolutions of lit pixels against torch's own, in float64 and exactly, on any processor."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from gradient_failures.problems.tuples.convolutions import dense, pooled
from gradient_failures.problems.tuples.images import draw_lines, drawn, pixels_of

SHAPES = (25, 16), (16,), (16, 16, 5, 5), (16,)


def rng(seed=3):
    return np.random.default_rng(seed)


def lines(count):
    return pixels_of(draw_lines(count, "released", rng()), "released")


def listed(*pictures):
    """The lists of pixels (y, x) of several images."""
    pixels = torch.full((len(pictures), 30), -1, dtype=torch.int16)
    for image, lit in enumerate(pictures):
        for number, (y, x) in enumerate(lit):
            pixels[image, number] = 28 * y + x
    return pixels


def results(form, images, weights, errors):
    """Values and gradients of all weights."""
    leaves = [weight.clone().requires_grad_() for weight in weights]
    values = form(images, *leaves)
    return [values.detach(), *torch.autograd.grad(values, leaves, errors.to(values.dtype))]


EDGES = listed(
    [],
    [(0, 0)],
    [(27, 27), (27, 27), (27, 26)],
    [(0, 27), (13, 14)],
    [(5, 5), (5, 6), (6, 5), (6, 6)],
    [(y, 0) for y in range(28)],
)


@pytest.mark.parametrize("pixels", [EDGES, lines(200)], ids=["edges", "lines"])
def test_values_and_gradients_are_those_of_dense_convolutions_in_float64(pixels):
    weights = [torch.from_numpy(rng(seed).standard_normal(shape)) for seed, shape in enumerate(SHAPES)]
    errors = torch.from_numpy(rng(9).standard_normal((len(pixels), 784)))
    ours = results(pooled, pixels, [weight.float() for weight in weights], errors)
    exact = results(dense, drawn(pixels).double(), [weight.float().double() for weight in weights], errors)
    for one, other in zip(ours, exact, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-5 * other.abs().max().item())


def test_small_integers_give_the_same_bits_as_torch_and_ties_the_same_places():
    """All sums are exact then, and many of the four places that are pooled tie."""
    weights = [
        torch.from_numpy(rng(seed).integers(-1, 2, shape)).float() for seed, shape in enumerate(SHAPES)
    ]
    pixels = lines(50)
    errors = torch.from_numpy(rng(9).integers(-3, 4, (50, 784)))
    ours, torchs = (
        results(form, images, weights, errors) for form, images in ((pooled, pixels), (dense, drawn(pixels)))
    )
    for one, other in zip(ours, torchs, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("broken", range(4))
def test_a_weight_that_is_not_a_number_shows_in_every_image(broken):
    weights = [
        torch.from_numpy(rng(seed).standard_normal(shape)).float() for seed, shape in enumerate(SHAPES)
    ]
    weights[broken].view(-1)[weights[broken].numel() // 2] = torch.nan
    assert pooled(lines(20), *weights).isnan().any(1).all()


def test_other_types_than_float32_go_through_dense_convolutions():
    weights = [torch.from_numpy(rng(seed).standard_normal(shape)) for seed, shape in enumerate(SHAPES)]
    torch.testing.assert_close(
        pooled(EDGES, *weights), dense(drawn(EDGES).double(), *weights), rtol=0, atol=0
    )


def digest():
    """Of values and gradients for some images."""
    weights = [
        torch.from_numpy(rng(seed).standard_normal(shape)).float() for seed, shape in enumerate(SHAPES)
    ]
    errors = torch.from_numpy(rng(9).standard_normal((60, 784)))
    found = results(pooled, lines(60), weights, errors)
    return hashlib.sha256(b"".join(tensor.contiguous().numpy().tobytes() for tensor in found)).hexdigest()


def elsewhere(cache, features):
    """The digest on a processor with no other vector ``features``, and how often it was compiled for."""
    program = (
        "from problems.tuples.test_convolutions import digest\n"
        "from gradient_failures.problems.tuples import sparse\n"
        "functions = [item for item in vars(sparse).values() if hasattr(item, 'stats')]\n"
        "compiled = lambda: sum(sum(function.stats.cache_misses.values()) for function in functions)\n"
        "print(compiled(), digest(), compiled())"
    )
    changes = {
        "PYTHONPATH": os.pathsep.join(["src", "tests"]),
        "NUMBA_CACHE_DIR": str(cache),
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": features,
    }
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, env=os.environ | changes, capture_output=True, text=True, check=True)
    before, found, after = answer.stdout.split()
    assert before == after, "compiled during a step"
    return found, int(after)


def test_lesser_processors_give_the_same_bits_and_compile_once(tmp_path):
    """One without fused multiply-adds, and one of 2013."""
    haswell = "+sse4.2,+avx,+avx2,+fma"
    assert elsewhere(tmp_path, "")[0] == digest()
    found, compiled = elsewhere(tmp_path, haswell)
    assert (found, compiled > 0) == (digest(), True)
    assert elsewhere(tmp_path, haswell) == (digest(), 0)
