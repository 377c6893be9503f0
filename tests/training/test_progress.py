"""Log lines of training: when they come and what they say."""

import logging
from types import SimpleNamespace

import pytest
import torch

from gradient_failures.training import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    clock = SimpleNamespace(now=100.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_reports_come_every_few_seconds_and_at_the_last_step(clock, caplog):
    caplog.set_level(logging.INFO)
    resumed = progress.Progress([3, 4, 5], first_step=20, last_step=100)
    loss = {"loss": torch.tensor([1.0, torch.nan, 2.0])}
    for seconds, step in [(2, 30), (4, 40), (11.9, 50), (12, 70), (13, 80), (14, 100)]:
        clock.now = 100 + seconds
        resumed.report(step, loss)
    assert [record.getMessage() for record in caplog.records] == [
        "seeds 3 to 5, step 30 of 100: loss 1.5000; 5 steps/s, 14 s left",
        "seeds 3 to 5, step 70 of 100: loss 1.5000; 4 steps/s, 7 s left",
        "seeds 3 to 5, step 100 of 100: loss 1.5000; 6 steps/s, 0 s left",
    ]


def test_a_diverged_run_is_named_with_its_own_metrics(caplog):
    runs = progress.Progress([3, 4], first_step=0, last_step=100)
    runs.diverged(1, 20, {"loss": torch.tensor([1.0, torch.inf]), "accuracy": torch.tensor([0.5, 0.25])})
    assert caplog.messages == ["seed 4 diverged: {'loss': inf, 'accuracy': 0.25} at step 20"]
