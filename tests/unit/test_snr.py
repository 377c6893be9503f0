"""Signal-to-noise ratio of the gradients: by autograd, by enumerating all tuples, by sampling."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradient_failures import dataset
from gradient_failures.diagnostics import snr
from gradient_failures.diagnostics.snr import (
    Config,
    Images,
    conditional_activity,
    decomposition,
    end_to_end,
    features_of,
    label_weights,
    measure,
)
from gradient_failures.layers import relu_network
from gradient_failures.line_images import draw_lines, rasterise, slope_labels
from gradient_failures.seeds import stream
from gradient_failures.tuple_networks import TupleNetwork

TINY = {"tuple_length": [1, 2, 3], "seeds": 2, "blocks": 4, "tuples_per_block": 50}


def network(tuple_length, seed=0):
    """The network that training starts from, in float64."""
    made = TupleNetwork(
        tuple_length,
        "released",
        stream("tuples", "score weights", seed=seed),
        stream("tuples", "weights", tuple_length=tuple_length, seed=seed),
    )
    n1 = made.score_network
    n1.first, n1.first_bias, n1.second, n1.second_bias = (part.double() for part in n1.parameters()[:4])
    n1.dense = [layer.double() for layer in n1.dense]
    made.dense = [layer.double() for layer in made.dense]
    return made


def pictures(tuples, tuple_length, seed=0):
    """Pictures (n k, 28, 28) in float64 and labels (n, k) of n tuples."""
    lines = draw_lines(tuples * tuple_length, "released", np.random.default_rng(seed))
    return rasterise(lines, "released").double(), slope_labels(lines).double().view(tuples, tuple_length)


def seen_by(n1, drawn, labels):
    features = features_of(n1, drawn).view(*labels.shape, -1)
    scores = features @ n1.dense[-1][:-1, 0] + n1.dense[-1][-1, 0]
    return Images(features.numpy(), scores.numpy(), labels.numpy())


def synthetic(tuples, tuple_length, seed=0, hidden=7, spread=2.0):
    """Images and an N2 whose hidden units are active for some tuples only; features depend on labels."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([-1.0, 1.0], (tuples, tuple_length))
    scores = spread * (rng.standard_normal(labels.shape) + 0.3 * labels)
    features = rng.standard_normal((*labels.shape, 5)) + 0.5 * labels[..., np.newaxis]
    n2 = [rng.standard_normal((tuple_length + 1, hidden)), rng.standard_normal((hidden + 1, 1)) / hidden]
    return Images(features, scores, labels), n2


def hinge_gradient(loss, weights):
    return torch.autograd.grad(loss, weights)[0][:-1, 0].numpy()


@pytest.mark.parametrize("tuple_length", [1, 2, 3])
def test_each_gradient_by_autograd_through_the_whole_network(tuple_length):
    net = network(tuple_length)
    drawn, labels = pictures(6, tuple_length)
    images = seen_by(net.score_network, drawn, labels)
    n2 = [layer.numpy() for layer in net.dense]
    last = net.score_network.dense[-1].requires_grad_()
    for gradients_of in (end_to_end, decomposition):
        gradients = gradients_of(images, n2)
        each = np.einsum("nj,njf->nf", gradients.sampled, gradients.images.features)
        for tuple_, (picture, label) in enumerate(
            zip(drawn.view(6, tuple_length, 28, 28), labels, strict=True)
        ):
            output, scores = net.outputs(picture)
            margin = output[0] * label.prod() if gradients_of is end_to_end else scores[0, -1] * label[-1]
            expected = hinge_gradient((1 - margin).clamp_min(0), last)
            np.testing.assert_allclose(each[tuple_], expected, rtol=1e-10, atol=1e-13)


def test_tuples_beyond_the_margin_have_no_gradient():
    images, n2 = synthetic(200, 2)
    n2[1][-1] = 1.0
    label = images.labels.prod(1)
    scores = torch.from_numpy(images.scores)
    outputs = relu_network([torch.from_numpy(layer) for layer in n2], scores.sigmoid()).squeeze(1).numpy()
    beyond = label * outputs >= 1
    gradients = end_to_end(images, n2)
    assert 0.1 < beyond.mean() < 0.9
    assert not gradients.sampled[beyond].any()
    assert (gradients.inside_margin == ~beyond).all()
    alone = decomposition(images, n2)
    beyond = images.labels[:, -1] * images.scores[:, -1] >= 1
    assert 0.1 < beyond.mean() < 0.9
    assert not alone.sampled[beyond].any()
    assert (alone.inside_margin == ~beyond).all()


def mean_over_all_tuples(images, n2):
    """Mean of label times derivative of the output over all tuples, both labels weighing the same."""
    tuples, length = images.labels.shape
    layers = [torch.from_numpy(layer) for layer in n2]
    total = np.zeros(images.features.shape[-1])
    for rows in product(range(tuples), repeat=length):
        at = (list(rows), list(range(length)))
        scores = torch.from_numpy(images.scores[at]).requires_grad_()
        relu_network(layers, scores.sigmoid()[None]).sum().backward()
        share = [
            (images.labels[:, place] == images.labels[row, place]).mean()
            for row, place in zip(*at, strict=True)
        ]
        weight = np.prod(images.labels[at] / np.array(share) / 2)
        total -= weight * scores.grad.numpy() @ images.features[at]
    return total / tuples**length


@pytest.mark.parametrize(("tuples", "tuple_length"), [(15, 1), (12, 2), (8, 3), (5, 4)])
def test_the_recombined_gradient_by_enumerating_all_tuples(tuples, tuple_length):
    images, n2 = synthetic(tuples, tuple_length, seed=tuple_length)
    gradients = end_to_end(images, n2)
    recombined = np.einsum("nj,njf->f", gradients.recombined, images.features)
    expected = mean_over_all_tuples(images, n2)
    assert np.linalg.norm(expected) > 1e-4
    np.testing.assert_allclose(recombined, expected, atol=2e-3 * np.linalg.norm(expected))
