"""The allocation experiment against autograd, enumeration and expectations."""

from itertools import product

import numpy as np
import pytest
import torch
import xarray as xr

from gradient_failures.config.optimisers import AdamConfig
from gradient_failures.problems.allocation import experiment
from gradient_failures.problems.allocation.experiment import (
    AllocationLearner,
    Settings,
    logit_gradient,
    run,
    sample_returns,
)

ADAM = AdamConfig(learning_rate=0.1, beta1=0.9, beta2=0.99, epsilon=1e-5, epsilon_form="tensorflow")
SETTINGS = Settings(
    approach="end_to_end", n_stocks=6, steps=40, eval_every=20, n_inputs=30, batch_size=16, optimiser=ADAM
)
APPROACHES = ["end_to_end", "decomposition"]


def problem(n=8, k=5, seed=0):
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.standard_normal((n, k)))
    labels = torch.from_numpy(rng.integers(0, k, n))
    return logits, labels, sample_returns(labels, k, [rng]).double()


def learner(approach, seeds=(0,), **changes):
    return AllocationLearner(SETTINGS.model_copy(update={"approach": approach, **changes}), seeds)


def test_gradients_of_both_approaches_equal_autograd():
    logits, labels, returns = problem()
    logits.requires_grad_()
    shares = torch.softmax(logits, 1)
    for loss, drawn in [(-shares * returns, returns), (-shares.gather(1, labels[:, None]), None)]:
        (expected,) = torch.autograd.grad(loss.sum(), logits, retain_graph=True)
        torch.testing.assert_close(
            logit_gradient(shares.detach(), labels, drawn), expected, rtol=0, atol=1e-15
        )


def test_returns_are_signs_and_one_at_the_moved_stock():
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, 70, 5000))
    returns = sample_returns(labels, 70, [np.random.default_rng(1)])
    assert returns.shape == (5000, 70)
    assert set(returns.unique().tolist()) == {-1.0, 1.0}
    assert (returns.gather(1, labels[:, None]) == 1).all()
    others = returns.sum() - len(labels)
    assert abs(others) < 5 * (5000 * 69) ** 0.5


def test_both_approaches_share_labels_weights_and_inputs():
    first, second = map(learner, APPROACHES)
    assert torch.equal(first.labels, second.labels)
    assert torch.equal(first.weights, second.weights)
    draws = [run.input_streams[0].integers(0, 30, 100).tolist() for run in (first, second)]
    assert draws[0] == draws[1]


def exact_loss(weights, bias, labels):
    """Minus the gain, on average over all inputs and over all returns that are possible."""
    shares = torch.softmax(weights + bias, 1).double().tolist()
    gains = [
        np.mean([np.dot(z, share) for z in product([-1, 1], repeat=len(share)) if z[label] == 1])
        for share, label in zip(shares, labels, strict=True)
    ]
    return -np.mean(gains)


@pytest.mark.expects("allocation.experiment", "loss")
@pytest.mark.parametrize("approach", APPROACHES)
def test_a_run_is_adam_on_the_mean_gradient_of_batches_and_records_the_exact_loss(approach):
    """With so large an epsilon the size of the gradient counts, not its sign alone."""
    large = ADAM.model_copy(update={"epsilon": 0.1, "epsilon_form": "torch"})
    sizes = {"n_stocks": 4, "n_inputs": 9, "batch_size": 5}
    drawn = learner(approach, **sizes, steps=20, eval_every=10, optimiser=large)
    weights, bias = (tensor.clone().requires_grad_() for tensor in (drawn.weights, drawn.bias))
    adam = torch.optim.Adam([weights, bias], lr=0.1, betas=(0.9, 0.99), eps=0.1)
    losses = [exact_loss(weights, bias, drawn.labels)]
    for step in range(1, 21):
        inputs = torch.from_numpy(drawn.input_streams[0].integers(0, 9, 5))
        labels = drawn.labels[inputs]
        gains = torch.nn.functional.one_hot(labels, 4)
        if approach == "end_to_end":
            gains = sample_returns(labels, 4, drawn.return_streams)
        adam.zero_grad()
        shares = torch.softmax(torch.nn.functional.one_hot(inputs, 9).float() @ weights + bias, 1)
        (-(shares * gains).sum(1).mean()).backward()
        adam.step()
        if step % 10 == 0:
            losses.append(exact_loss(weights, bias, drawn.labels))
    assert (bias.abs() > 1e-3).all()
    found = run(drawn.settings, [0])["loss"]
    assert found["step"].values.tolist() == [0, 10, 20]
    np.testing.assert_allclose(found, [losses], rtol=0, atol=1e-6)


@pytest.mark.parametrize("approach", APPROACHES)
def test_few_stocks_are_learnt(approach):
    result = run(SETTINGS.model_copy(update={"n_stocks": 3, "approach": approach, "steps": 400}), [0])
    assert result["loss"].isel(step=0) > -0.6
    assert result["loss"].isel(step=-1) < -0.98


def test_a_run_is_the_same_whatever_the_block():
    block, alone = run(SETTINGS, [0, 1, 2]), run(SETTINGS, [1])
    xr.testing.assert_identical(block.sel(seed=[1]), alone)


def test_a_run_is_the_same_however_many_steps_are_drawn_at_a_time(monkeypatch):
    runs = []
    for returns_per_draw in (1, 7 * 16 * 6, 2**18):
        monkeypatch.setattr(experiment, "RETURNS_PER_DRAW", returns_per_draw)
        runs.append(learner("end_to_end"))
        runs[-1].advance(20)
    assert torch.equal(runs[0].weights, runs[1].weights)
    assert torch.equal(runs[0].weights, runs[2].weights)


def assert_same(ensemble, index, alone):
    """One seed of an ensemble is where it is alone, but for rounding in softmax and Adam."""
    weights = ensemble.weights.view(3, *alone.weights.shape)
    torch.testing.assert_close(weights[index], alone.weights, rtol=0, atol=2e-6)
    torch.testing.assert_close(ensemble.bias[[index]], alone.bias, rtol=0, atol=2e-6)
    loss = ensemble.evaluate()["loss"][[index]]
    torch.testing.assert_close(loss, alone.evaluate()["loss"], rtol=0, atol=1e-7)


@pytest.mark.parametrize("approach", APPROACHES)
def test_an_ensemble_does_what_its_seeds_do_alone_even_where_one_diverges(approach):
    ensemble, runs = learner(approach, [4, 0, 7]), [learner(approach, [seed]) for seed in (4, 0, 7)]
    for each in (ensemble, *runs):
        each.advance(20)
    for index, alone in enumerate(runs):
        assert_same(ensemble, index, alone)
    ensemble.weights.view(3, -1)[1] = torch.nan
    for each in (ensemble, *runs):
        each.advance(20)
    assert_same(ensemble, 0, runs[0])
    assert_same(ensemble, 2, runs[2])
    assert ensemble.evaluate()["loss"][1].isnan()
