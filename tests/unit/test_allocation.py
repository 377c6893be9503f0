"""The allocation experiment against autograd, enumeration and expectations."""

from itertools import product

import numpy as np
import pytest
import torch
import xarray as xr

from gradient_failures.config.allocation import AllocationPoint, AllocationTraining
from gradient_failures.config.optimisers import AdamConfig
from gradient_failures.experiments import allocation
from gradient_failures.experiments.allocation import (
    AllocationLearner,
    logit_gradient,
    sample_returns,
    train,
)

ADAM = AdamConfig(learning_rate=0.1, beta1=0.9, beta2=0.99, epsilon=1e-5, epsilon_form="tensorflow")
TRAINING = AllocationTraining(steps=40, eval_every=20, n_inputs=30, batch_size=16, optimiser=ADAM)
APPROACHES = ["end_to_end", "decomposition"]


def problem(n=8, k=5, seed=0):
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.standard_normal((n, k)))
    labels = torch.from_numpy(rng.integers(0, k, n))
    return logits, labels, sample_returns(labels, k, [rng]).double()


def learner(approach, n_stocks=6, seeds=(0,), **changes):
    point = AllocationPoint(n_stocks=n_stocks, approach=approach)
    return AllocationLearner(point, TRAINING.model_copy(update=changes), seeds)


def test_end_to_end_gradient_equals_autograd():
    logits, labels, returns = problem()
    logits.requires_grad_()
    shares = torch.softmax(logits, 1)
    (-(shares * returns).sum()).backward()
    torch.testing.assert_close(
        logit_gradient(shares.detach(), labels, returns), logits.grad, rtol=0, atol=1e-15
    )


def test_decomposition_gradient_equals_autograd():
    logits, labels, _ = problem()
    logits.requires_grad_()
    shares = torch.softmax(logits, 1)
    (-shares.gather(1, labels[:, None]).sum()).backward()
    torch.testing.assert_close(logit_gradient(shares.detach(), labels, None), logits.grad, rtol=0, atol=1e-15)


def test_both_estimates_have_the_same_mean_over_all_returns():
    k, label = 6, 2
    shares = torch.softmax(torch.from_numpy(np.random.default_rng(1).standard_normal((1, k))), 1)
    returns = torch.tensor([z for z in product([-1.0, 1.0], repeat=k) if z[label] == 1], dtype=torch.float64)
    n = len(returns)
    labels = torch.full((n,), label)
    end_to_end = logit_gradient(shares.expand(n, k), labels, returns).mean(0)
    decomposition = logit_gradient(shares, labels[:1], None)[0]
    torch.testing.assert_close(end_to_end, decomposition, rtol=0, atol=1e-15)


def test_returns_are_signs_and_one_at_the_moved_stock():
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, 70, 5000))
    returns = sample_returns(labels, 70, [np.random.default_rng(1)])
    assert returns.shape == (5000, 70)
    assert set(returns.unique().tolist()) == {-1.0, 1.0}
    assert (returns.gather(1, labels[:, None]) == 1).all()
    others = returns.sum() - len(labels)
    assert abs(others) < 5 * (5000 * 69) ** 0.5


def test_loss_is_the_mean_over_all_inputs_and_returns():
    run = learner("end_to_end", n_stocks=4)
    shares = torch.softmax(run.weights + run.bias, 1).double()
    total = 0.0
    for share, label in zip(shares, run.labels, strict=True):
        gains = [torch.tensor(z) @ share.float() for z in product([-1.0, 1.0], repeat=4) if z[label] == 1]
        total -= float(torch.stack(gains).mean())
    assert run.evaluate()["loss"].item() == pytest.approx(total / len(run.labels), abs=1e-6)


def test_both_approaches_share_labels_weights_and_inputs():
    first, second = map(learner, APPROACHES)
    assert torch.equal(first.labels, second.labels)
    assert torch.equal(first.weights, second.weights)
    draws = [run.input_streams[0].integers(0, 30, 100).tolist() for run in (first, second)]
    assert draws[0] == draws[1]


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_step_is_adam_on_the_mean_gradient_of_the_batch(approach):
    """With so large an epsilon the size of the gradient counts, not its sign alone."""
    large = ADAM.model_copy(update={"epsilon": 0.1, "epsilon_form": "torch"})
    ours, theirs = (learner(approach, batch_size=5, optimiser=large) for _ in range(2))
    weights, bias = (tensor.clone().requires_grad_() for tensor in (theirs.weights, theirs.bias))
    adam = torch.optim.Adam([weights, bias], lr=0.1, betas=(0.9, 0.99), eps=0.1)
    for batch in ([3, 3, 7, 0, 29], [3, 1, 1, 1, 12], [29, 2, 7, 3, 3]):
        inputs = torch.tensor(batch)
        labels = theirs.labels[inputs]
        returns = None
        if approach == "end_to_end":
            returns = sample_returns(labels, 6, theirs.return_streams)
        ours._step(inputs, labels, returns)
        adam.zero_grad()
        shares = torch.softmax(torch.nn.functional.one_hot(inputs, 30).float() @ weights + bias, 1)
        gains = torch.nn.functional.one_hot(labels, 6) if returns is None else returns
        (-(shares * gains).sum(1).mean()).backward()
        adam.step()
    assert (bias.abs() > 1e-3).all()
    torch.testing.assert_close(ours.weights, weights)
    torch.testing.assert_close(ours.bias, bias)
    assert (ours.weights.grad == 0).all()


@pytest.mark.parametrize("approach", APPROACHES)
def test_few_stocks_are_learnt(approach):
    long = TRAINING.model_copy(update={"steps": 400})
    result = train(AllocationPoint(n_stocks=3, approach=approach), long, [0])
    assert result["loss"].isel(step=0) > -0.6
    assert result["loss"].isel(step=-1) < -0.98


def test_a_run_is_the_same_whatever_the_block():
    point = AllocationPoint(n_stocks=5, approach="end_to_end")
    block, alone = train(point, TRAINING, [0, 1, 2]), train(point, TRAINING, [1])
    xr.testing.assert_identical(block.sel(seed=[1]), alone)


def test_a_run_is_the_same_however_many_steps_are_drawn_at_a_time(monkeypatch):
    runs = []
    for returns_per_draw in (1, 7 * 16 * 6, 2**18):
        monkeypatch.setattr(allocation, "RETURNS_PER_DRAW", returns_per_draw)
        runs.append(learner("end_to_end"))
        runs[-1].advance(20)
    assert torch.equal(runs[0].weights, runs[1].weights)
    assert torch.equal(runs[0].weights, runs[2].weights)


def ensemble_and_its_runs(approach):
    """A learner of three seeds, and a learner of each alone."""
    return learner(approach, seeds=[4, 0, 7]), [learner(approach, seeds=[seed]) for seed in (4, 0, 7)]


def assert_same(ensemble, index, run):
    """One seed of an ensemble is where it is alone, but for rounding in softmax and Adam."""
    weights = ensemble.weights.view(3, *run.weights.shape)
    torch.testing.assert_close(weights[index], run.weights, rtol=0, atol=2e-6)
    torch.testing.assert_close(ensemble.bias[[index]], run.bias, rtol=0, atol=2e-6)
    loss = ensemble.evaluate()["loss"][[index]]
    torch.testing.assert_close(loss, run.evaluate()["loss"], rtol=0, atol=1e-7)


@pytest.mark.parametrize("approach", APPROACHES)
def test_an_ensemble_does_what_its_seeds_do_alone(approach):
    ensemble, runs = ensemble_and_its_runs(approach)
    for each in (ensemble, *runs):
        each.advance(20)
        each.advance(20)
    for index, run in enumerate(runs):
        assert_same(ensemble, index, run)


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_seed_that_diverges_leaves_the_others_of_its_ensemble_alone(approach):
    ensemble, runs = ensemble_and_its_runs(approach)
    for each in (ensemble, *runs):
        each.advance(20)
    ensemble.weights.view(3, -1)[1] = torch.nan
    for each in (ensemble, *runs):
        each.advance(20)
    assert_same(ensemble, 0, runs[0])
    assert_same(ensemble, 2, runs[2])
    assert ensemble.evaluate()["loss"][1].isnan()
