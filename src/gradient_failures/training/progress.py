"""Log lines that say how far training is."""

import logging
import time
from collections.abc import Mapping, Sequence

from torch import Tensor

log = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 10.0


class Progress:
    """Reports on runs between two steps; as text, which runs.

    Metrics are those of an evaluation, each of shape (seeds,).
    """

    def __init__(self, seeds: Sequence[int], first_step: int, last_step: int) -> None:
        self.seeds, self.first_step, self.last_step = seeds, first_step, last_step
        self.started = self.next_report = time.monotonic()

    def __str__(self) -> str:
        """Their seed, or the first and the last."""
        first, last = self.seeds[0], self.seeds[-1]
        return f"seed {first}" if first == last else f"seeds {first} to {last}"

    def report(self, step: int, metrics: Mapping[str, Tensor]) -> None:
        """Say step, means of the metrics, rate and time left; only every few seconds and at the last step."""
        now = time.monotonic()
        if now < self.next_report and step < self.last_step:
            return
        self.next_report = now + SECONDS_BETWEEN_REPORTS
        rate = (step - self.first_step) / max(now - self.started, 1e-9)
        left = f"{(self.last_step - step) / rate:.0f} s left" if rate else "starting"
        means = {name: metric[metric.isfinite()].mean().item() for name, metric in metrics.items()}
        values = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
        log.info("%s, step %d of %d: %s; %.0f steps/s, %s", self, step, self.last_step, values, rate, left)

    def diverged(self, index: int, step: int, metrics: Mapping[str, Tensor]) -> None:
        """Warn that the run at ``index`` has."""
        values = {name: metric[index].item() for name, metric in metrics.items()}
        log.warning("seed %d diverged: %s at step %d", self.seeds[index], values, step)
