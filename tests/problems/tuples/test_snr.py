"""Signal-to-noise ratio of the gradients: by autograd, by enumerating all tuples, by sampling."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq

from gradient_failures.config.optimisers import AdamConfig
from gradient_failures.problems.tuples import experiment, snr
from gradient_failures.problems.tuples.images import draw_lines, pixels_of, slope_labels
from gradient_failures.problems.tuples.networks import initial_network
from gradient_failures.problems.tuples.snr import Images, Settings, run
from gradient_failures.results import dataset
from gradient_failures.training.layers import relu_network
from gradient_failures.training.seeds import stream

TINY = {"tuple_length": [1, 2, 3], "blocks": 4, "tuples_per_block": 50}


def in_double(network):
    """``network`` with all its weights in float64."""
    n1 = network.score_network
    n1.first, n1.first_bias, n1.second, n1.second_bias = (part.double() for part in n1.parameters()[:4])
    n1.dense = [layer.double() for layer in n1.dense]
    network.dense = [layer.double() for layer in network.dense]
    return network


def drawn(tuples, tuple_length, seed=0):
    """Pixels (n k, 44) and labels (n, k), float64, of n tuples."""
    lines = draw_lines(tuples * tuple_length, "released", np.random.default_rng(seed))
    return pixels_of(lines, "released"), slope_labels(lines).double().view(tuples, tuple_length)


def seen_by(n1, pixels, labels):
    """The images as N1 in float64 sees them."""
    features = n1.features(pixels[None]).view(*labels.shape, -1)
    (head,) = n1.dense[-1]
    scores = features @ head[:-1, 0] + head[-1, 0]
    return Images(features.numpy(), scores.numpy(), labels.numpy())


def synthetic(tuples, tuple_length, seed=0, hidden=7, told=0.5):
    """Images and an N2 whose hidden units are active for some tuples only; both tell labels."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([-1.0, 1.0], (tuples, tuple_length))
    scores = 2 * rng.standard_normal(labels.shape) + 2 * told * labels
    features = rng.standard_normal((*labels.shape, 5)) + told * labels[..., np.newaxis]
    n2 = [rng.standard_normal((tuple_length + 1, hidden)), rng.standard_normal((hidden + 1, 1)) / hidden]
    return Images(features, scores, labels), n2


def in_numpy(network):
    """The layers of N2 of the only seed, in float64."""
    return [layer[0].double().numpy() for layer in network.dense]


def outputs_of(n2, scores):
    """Outputs of N2 (n,) for scores (n, k)."""
    layers = [torch.from_numpy(layer)[None] for layer in n2]
    return relu_network(layers, scores.sigmoid()[None]).flatten()


def mean_gradient(gradients, kind):
    coefficients = getattr(gradients, kind)
    total = np.einsum("nj,njf->f", coefficients, gradients.images.features)
    return total if kind == "recombined" else total / len(coefficients)


@pytest.mark.parametrize("tuple_length", [1, 2, 3])
def test_each_gradient_by_autograd_through_the_whole_network(tuple_length):
    network = in_double(initial_network(tuple_length, seeds=[0]))
    pixels, labels = drawn(6, tuple_length)
    images = seen_by(network.score_network, pixels, labels)
    n2 = in_numpy(network)
    last = network.score_network.dense[-1].requires_grad_()
    for approach, gradients_of in snr.APPROACHES.items():
        gradients = gradients_of(images, n2)
        each = np.einsum("nj,njf->nf", gradients.sampled, gradients.images.features)
        for row, tuple_ in enumerate(pixels.view(6, tuple_length, -1)):
            output, scores = network.outputs(tuple_[None])
            margin = {
                "end_to_end": output[0, 0] * labels[row].prod(),
                "decomposition": scores[0, 0, -1] * labels[row, -1],
            }[approach]
            (gradient,) = torch.autograd.grad((1 - margin).clamp_min(0), last)
            np.testing.assert_allclose(each[row], gradient[0, :-1, 0], rtol=1e-10, atol=1e-13)


def test_tuples_beyond_the_margin_have_no_gradient():
    images, n2 = synthetic(200, 2)
    n2[1][-1] = 1.0
    outputs = outputs_of(n2, torch.from_numpy(images.scores)).numpy()
    margins = {
        "end_to_end": images.labels.prod(1) * outputs,
        "decomposition": images.labels[:, -1] * images.scores[:, -1],
    }
    for approach, margin in margins.items():
        gradients = snr.APPROACHES[approach](images, n2)
        assert 0.1 < (margin >= 1).mean() < 0.9
        np.testing.assert_array_equal(gradients.inside_margin, margin < 1)
        np.testing.assert_array_equal(gradients.sampled.any(1), margin < 1)


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 3))
def test_label_weights_give_the_mean_of_label_times_value_with_half_of_the_weight_on_each_label(
    seed, tuples, tuple_length
):
    rng = np.random.default_rng(seed)
    labels, values = (
        rng.choice([-1.0, 1.0], (tuples, tuple_length)),
        rng.standard_normal((tuples, tuple_length)),
    )
    weights = snr.label_weights(labels)
    for place in range(tuple_length):
        by_label = [values[labels[:, place] == label, place] for label in (1, -1)]
        if all(map(len, by_label)):
            positive, negative = map(np.mean, by_label)
            assert weights[:, place] @ values[:, place] == pytest.approx((positive - negative) / 2)
            assert abs(weights[:, place].sum()) < 1e-12


def mean_over_all_tuples(images, n2):
    """Mean of minus label times derivative of the output over all tuples, both labels weighing the same."""
    tuples, length = images.labels.shape
    alike = (images.labels[:, np.newaxis] == images.labels).mean(0)
    total = np.zeros(images.features.shape[-1])
    for rows in product(range(tuples), repeat=length):
        at = (list(rows), list(range(length)))
        scores = torch.from_numpy(images.scores[at]).requires_grad_()
        outputs_of(n2, scores[None]).sum().backward()
        weight = np.prod(images.labels[at] / (2 * alike[at]))
        total -= weight * scores.grad.numpy() @ images.features[at]
    return total / tuples**length


@pytest.mark.parametrize(("tuples", "tuple_length"), [(15, 1), (12, 2), (8, 3), (5, 4)])
def test_the_recombined_gradient_by_enumerating_all_tuples(tuples, tuple_length, monkeypatch):
    monkeypatch.setattr(snr, "GRID", 2**18)
    images, n2 = synthetic(tuples, tuple_length, seed=tuple_length)
    expected = mean_over_all_tuples(images, n2)
    recombined = mean_gradient(snr.end_to_end(images, n2), "recombined")
    assert np.linalg.norm(recombined - expected) < 3e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("tuple_length", [2, 3])
def test_with_many_images_the_grid_makes_no_difference(tuple_length, monkeypatch):
    images, n2 = synthetic(5000, tuple_length)
    means = []
    for points in (2**14, 2**18):
        monkeypatch.setattr(snr, "GRID", points)
        means.append(mean_gradient(snr.end_to_end(images, n2), "recombined"))
    assert 0 < np.linalg.norm(means[0] - means[1]) < 1e-3 * np.linalg.norm(means[1])


def test_both_estimates_have_the_mean_gradient_as_their_mean(monkeypatch):
    """Tuples of images from a small population, whose mean gradient is known by enumeration."""
    monkeypatch.setattr(snr, "GRID", 2**12)
    (images, n2), rng = synthetic(10, 2, seed=3, told=2), np.random.default_rng(0)
    truth = mean_over_all_tuples(images, n2)
    chances = snr.label_weights(images.labels) * images.labels
    estimates = {"sampled": [], "recombined": []}
    for _ in range(1000):
        rows = np.stack([rng.choice(10, 30, p=chances[:, place]) for place in (0, 1)], axis=1)
        at = (rows, [0, 1])
        gradients = snr.end_to_end(Images(images.features[at], images.scores[at], images.labels[at]), n2)
        assert gradients.inside_margin.all()
        for kind, means in estimates.items():
            means.append(mean_gradient(gradients, kind))
    scatter = {kind: np.std(means, axis=0, ddof=1) for kind, means in estimates.items()}
    for kind, means in estimates.items():
        error = scatter[kind] / np.sqrt(1000)
        assert np.linalg.norm(truth) > 10 * np.linalg.norm(error)
        assert (abs(np.mean(means, axis=0) - truth) < 4 * error).all()
    assert np.linalg.norm(scatter["recombined"]) < np.linalg.norm(scatter["sampled"]) / 2


def test_the_networks_are_those_that_training_starts_from():
    adam = AdamConfig(learning_rate=1e-3, beta1=0.9, beta2=0.99, epsilon=1e-5, epsilon_form="torch")
    sizes = {"steps": 1, "eval_every": 1, "batch_size": 1, "eval_tuples": 1, "fixed_tuples": 1}
    settings = experiment.Settings(approach="end_to_end", tuple_length=3, optimiser=adam, **sizes)
    trained = experiment.TuplesLearner(settings, seeds=[5]).network.parameters()
    for ours, theirs in zip(initial_network(3, seeds=[5]).parameters(), trained, strict=True):
        assert torch.equal(ours, theirs.detach())


def test_features_are_those_whose_last_layer_gives_the_scores():
    n1 = initial_network(1, seeds=[0]).score_network
    pixels = drawn(20, 1)[0][None]
    scores = relu_network(n1.dense[-1:], n1.features(pixels)).squeeze(2)
    torch.testing.assert_close(scores, n1.scores(pixels))


def test_rounding_in_n1_does_not_matter():
    """The recombined gradient of pairs, five orders of magnitude below one gradient, with N1 in float64."""
    network, rng = initial_network(2, seeds=[0]), np.random.default_rng(0)
    images = snr._draw([network], 100, rng)
    pixels, labels = drawn(100, 2)
    n1 = in_double(network).score_network
    n2 = in_numpy(network)
    single, double = (
        mean_gradient(snr.end_to_end(each, n2), "recombined")
        for each in (images, seen_by(n1, pixels, labels))
    )
    assert 0 < np.linalg.norm(single - double) < 1e-4 * np.linalg.norm(double)


def test_the_file_keeps_the_contract_and_says_what_was_measured(tmp_path):
    result = run(Settings(**TINY), range(2))
    dataset.write(result, tmp_path / "snr.nc", {"title": "snr"})
    assert result["snr"].dims == ("estimator", "approach", "tuple_length", "seed")
    assert result["tuples"].values.tolist() == [200, 200]
    assert (result["inside_margin"] == 1).all()
    assert (result["snr_lower_limit"] <= result["snr"]).all()
    assert (result["snr"] < result["snr_upper_limit"]).all()


def test_a_seed_does_not_depend_on_the_others():
    both = run(Settings(**TINY), range(2))
    second = run(Settings(**TINY), [1])
    assert second.identical(both.sel(seed=[1]))
    assert not np.allclose(both["noise"][..., 0], both["noise"][..., 1], rtol=1e-3)


def test_the_tuples_do_not_depend_on_how_they_are_shared_out(monkeypatch):
    """The plug-in signal is that of all tuples, however many are in a block or in a pass through N1."""
    whole = run(Settings(**TINY), range(2))
    monkeypatch.setattr(snr, "IMAGES_PER_PASS", 70)
    shared = run(Settings(**{**TINY, "blocks": 8, "tuples_per_block": 25}), range(2))
    for result in (whole, shared):
        result["plug_in"] = result["plug_in_over_floor"] * result["noise"]
        result["square"] = result["noise"] * (1 + result["snr"].sel(estimator="sampled"))
    np.testing.assert_allclose(whole["plug_in"], shared["plug_in"], rtol=1e-4)
    np.testing.assert_allclose(whole["square"], shared["square"], rtol=1e-5)


class Losses:
    """The tuples of one length in a block, as functions of the weights of N1's last layer, for autograd."""

    def __init__(self, network, lines):
        n1, count = network.score_network, len(lines) // 3
        features = n1.features(pixels_of(lines, "released")[None])[0].double()
        self.features = features.view(count, 3, -1)[:, : network.tuple_length]
        self.labels = slope_labels(lines).double().view(count, 3)[:, : network.tuple_length]
        head = n1.dense[-1][0].double()
        self.weights, self.bias = head[:-1, 0].clone().requires_grad_(), head[-1, 0]
        self.n2 = [layer.double() for layer in network.dense]

    def __call__(self, approach, tuples):
        """Hinge losses and weights of ``tuples``, given by image in each place; both labels count alike."""
        rows, places = tuples[:, : self.labels.shape[1]], torch.arange(self.labels.shape[1])
        labels = self.labels[rows, places]
        scores = self.features[rows, places] @ self.weights + self.bias
        weights = 1 / (2 * (self.labels == labels[:, None]).sum(1))
        if approach == "decomposition":
            margins, weights = labels[:, -1] * scores[:, -1], weights[:, -1:]
        else:
            margins = labels.prod(1) * relu_network(self.n2, scores.sigmoid()[None]).flatten()
        return torch.relu(1 - margins), weights.prod(1)

    def gradient(self, loss):
        return torch.autograd.grad(loss, self.weights, retain_graph=True)[0].numpy()

    def of_each(self, approach):
        """The gradient of each tuple drawn."""
        drawn = torch.arange(len(self.labels))[:, None].repeat(1, 3)
        return np.array([self.gradient(loss) for loss in self(approach, drawn)[0].split(1)])

    def of_all(self, approach):
        """The mean gradient of all tuples that the images can form."""
        count, length = self.labels.shape
        grid = torch.cartesian_prod(*[torch.arange(count)] * length).view(-1, length)
        if approach == "decomposition":
            grid = torch.arange(count)[:, None].repeat(1, length)
        losses, weights = self(approach, grid)
        return self.gradient((losses * weights).sum())


def squared_mean(vectors):
    """Mean product of two different ones, and the larger end of the interval in which it may deviate."""
    n = len(vectors)
    value = np.mean([a @ b for i, a in enumerate(vectors) for j, b in enumerate(vectors) if i != j])
    mean, covariance = vectors.mean(0), np.cov(vectors.T)
    along = mean @ covariance @ mean / (mean @ mean)
    quantile = stats.t.ppf(0.975, n - 1)

    def excess(square):
        variance = 4 * square * along / n + 2 * np.trace(covariance @ covariance) / (n * (n - 1))
        return (square - value) ** 2 - quantile**2 * variance

    scale = np.square(vectors).sum(1).mean()
    return value, brentq(excess, max(value, 0), 1e3 * scale, xtol=1e-12 * scale)


@pytest.mark.expects("tuples.snr", "snr", "snr_upper_limit", "plug_in_over_floor")
def test_every_estimate_by_autograd_over_all_tuples_one_by_one(monkeypatch):
    monkeypatch.setattr(snr, "GRID", 2**18)
    result = run(Settings(tuple_length=[1, 2, 3], blocks=3, tuples_per_block=20), [4]).sel(seed=4)
    rng = stream("snr", "lines", seed=4)
    blocks = [draw_lines(20 * 3, "released", rng) for _ in range(3)]
    for tuple_length, approach in product([1, 2, 3], ["end_to_end", "decomposition"]):
        losses = [Losses(initial_network(tuple_length, seeds=[4]), lines) for lines in blocks]
        each = np.array([block.of_each(approach) for block in losses])
        square, plug_in = np.square(each).sum(2).mean(), np.square(each.mean((0, 1))).sum()
        sampled = squared_mean(each.mean(1))
        noise = square - sampled[0]
        cell = result.sel(approach=approach, tuple_length=tuple_length)
        assert cell["noise"].item() == pytest.approx(noise, rel=1e-5)
        assert cell["plug_in_over_floor"].item() == pytest.approx(plug_in / noise * 60, rel=1e-4)
        recombined = squared_mean(np.array([block.of_all(approach) for block in losses]))
        for name, values in (("sampled", sampled), ("recombined", recombined)):
            found = cell.sel(estimator=name)[["snr", "snr_upper_limit"]].to_array().values
            expected = np.divide(values, noise)
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected[1])


def test_without_a_signal_the_plug_in_estimate_is_at_its_floor():
    pairs = run(Settings(tuple_length=[2], blocks=3, tuples_per_block=20), range(30))
    over_floor = pairs["plug_in_over_floor"].sel(approach="end_to_end", tuple_length=2)
    error = over_floor.std(ddof=1) / np.sqrt(30)
    assert error < 0.4
    assert abs(over_floor.mean() - 1) < 3 * error


def test_sampled_and_recombined_estimates_agree_and_the_recombined_is_sharper():
    result = run(Settings(tuple_length=[1, 2], blocks=10, tuples_per_block=100), range(6))
    sampled, recombined = (result.sel(estimator=name) for name in ("sampled", "recombined"))
    overlap = (sampled["snr_lower_limit"] <= recombined["snr_upper_limit"]) & (
        recombined["snr_lower_limit"] <= sampled["snr_upper_limit"]
    )
    assert overlap.mean() > 0.9
    pairs = {"approach": "end_to_end", "tuple_length": 2}
    wide, narrow = (
        (part["snr_upper_limit"] - part["snr_lower_limit"]).sel(pairs) for part in (sampled, recombined)
    )
    assert (narrow < 1e-2 * wide).all()
